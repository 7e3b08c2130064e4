"""Wires the stages: scenario, schedule, simulation, telemetry, export, ledger, report.

The only place that knows all of them. :func:`run` pushes a scenario's traffic, :func:`plan` says
what it would push, :func:`simulate` gives the tables alone.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from simtraffic.clock import RealClock, cpu_seconds, monotonic, peak_rss_bytes
from simtraffic.errors import UsageError
from simtraffic.export.environment import ExportOptions
from simtraffic.ledger import Ledger
from simtraffic.page.subject import Subject
from simtraffic.report.assemble import RunFacts, run_result
from simtraffic.report.result import GeneratorResult
from simtraffic.report.sketch import QuantileSketch
from simtraffic.report.summary import Tally
from simtraffic.runner.destination import open_destination
from simtraffic.runner.outlets import Outlets
from simtraffic.runner.playback import Playback
from simtraffic.runner.preview import plan
from simtraffic.runner.setup import Setup
from simtraffic.runner.stop import StopSignal
from simtraffic.runner.watching import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from simtraffic.page import Page
    from simtraffic.report.result import RunResult
    from simtraffic.report.snapshot import Snapshot
    from simtraffic.runner.destination import Destination
    from simtraffic.scenario import Scenario
    from simtraffic.simulation.tables import Exchanges

__all__ = ["StopSignal", "plan", "run", "simulate"]

DEFAULT_DRAIN_NS = 30_000_000_000


def simulate(
    scenario: Scenario,
    *,
    start: str | datetime | None = "1970-01-01T00:00:00Z",
    duration_ns: int | None = None,
    shard: str = "1/1",
) -> Iterator[Exchanges]:
    """What happened, as column blocks in order of time: for notebooks and tests.

    Args:
        scenario: what to simulate.
        start: an instant; ids depend on it.
        duration_ns: cuts or prolongs the run.
        shard: such as ``2/8``.
    """
    setup = Setup.of(scenario, start=start, duration_ns=duration_ns, shard=shard)
    return map(setup.simulator.simulate, setup.blocks())


def run(  # noqa: PLR0913 - the options of the command, each with its default
    scenario: Scenario,
    *,
    endpoint: str | None = None,
    protocol: str | None = None,
    options: ExportOptions | None = None,
    out: str | None = None,
    speed: str | float | None = None,
    start: str | datetime | None = None,
    duration_ns: int | None = None,
    drain_ns: int = DEFAULT_DRAIN_NS,
    shard: str = "1/1",
    queue_bytes: int | None = None,
    environ: Mapping[str, str] | None = None,
    on_snapshot: Callable[[Snapshot], None] | None = None,
    stop: StopSignal | None = None,
    say: Callable[[str], None] | None = None,
    page: Page | None = None,
) -> RunResult:
    """Simulate a scenario and push its telemetry.

    Args:
        scenario: what to run.
        endpoint: base URL of an OTLP receiver.
        protocol: ``grpc``, ``http/protobuf`` or ``http/json``.
        options: all that can be said of the receiver, in place of the two before.
        out: path of a file of OTLP JSON lines, ``-`` for standard output.
        speed: ``real``, ``max`` or simulated seconds to a second; without it ``max`` for a file
            alone, else ``real``.
        start: an instant; now without it.
        duration_ns: cuts the run, or holds the last rate until then.
        drain_ns: how long after the last stage spans may end and delivery may take.
        shard: such as ``2/8``.
        queue_bytes: bound on telemetry that is not sent yet.
        environ: environment variables to heed; none without it.
        on_snapshot: called about four times a second.
        stop: set from elsewhere to end the run early.
        say: gets a line on where the telemetry goes, and warnings.
        page: tells of the run over HTTP while it lasts; it is left open.

    Raises:
        UsageError: an option is wrong; nothing was sent.
    """
    stop = stop or StopSignal()
    note = say or (lambda _line: None)
    factor = _factor(speed, is_file_only=False)
    setup = Setup.of(scenario, start=start, duration_ns=duration_ns, shard=shard)
    ledger = Ledger()
    destination = open_destination(
        ledger,
        options=options or ExportOptions(endpoint=endpoint, protocol=protocol),
        environ=environ or {},
        out=out,
        signals=scenario.telemetry.signals,
        queue_bytes=queue_bytes,
    )
    for line in (destination.line, *destination.warnings):
        note(line)
    if speed is None:
        factor = _factor(None, is_file_only=destination.delivery is None)
    watchers = [] if on_snapshot is None else [on_snapshot]
    if page is not None:
        note(f"telling of itself at {page.address}/metrics")
        page.begin(_subject(setup, destination, ledger, factor, drain_ns))
        watchers.append(page.see)
    try:
        return _run(setup, destination, ledger, factor, drain_ns, stop, watchers)
    except BaseException:
        destination.abandon()
        raise
    finally:
        if page is not None:
            page.end()


def _subject(
    setup: Setup, destination: Destination, ledger: Ledger, factor: float, drain_ns: int
) -> Subject:
    return Subject(
        run_id=setup.run_id,
        scenario=setup.scenario.name,
        seed=setup.scenario.seed,
        shard=str(setup.shard),
        ledger=ledger,
        queue=destination.delivery,
        drain_s=drain_ns / 1e9,
        is_timed=factor > 0,
    )


def _factor(speed: str | float | None, *, is_file_only: bool) -> float:
    """Simulated seconds to a second; 0 for as fast as possible."""
    if speed is None:
        return 0.0 if is_file_only else 1.0
    if speed in ("real", "max"):
        return 1.0 if speed == "real" else 0.0
    try:
        factor = float(speed)
    except ValueError:
        factor = 0.0
    if not 0 < factor <= 1e6:
        raise UsageError(
            f"--speed: not a speed; found {speed!r}; write real, max or a factor such as 60"
        )
    return factor


def _run(
    setup: Setup,
    destination: Destination,
    ledger: Ledger,
    factor: float,
    drain_ns: int,
    stop: StopSignal,
    watchers: Sequence[Callable[[Snapshot], None]],
) -> RunResult:
    scenario, schedule = setup.scenario, setup.schedule
    outlets = Outlets(destination.outlets, ledger, stop.event, scenario.telemetry.signals)
    bounds = [(stage.name, stage.start_ns, stage.end_ns) for stage in schedule.stages]
    playback = Playback(
        setup,
        setup.telemetry(outlets.forms),
        outlets,
        ledger,
        Tally(scenario, setup.simulator.vocabulary, bounds),
        QuantileSketch(),
        stop,
        drain_ns,
    )
    watch = Watch(watchers, destination.delivery) if watchers else None
    if watch:
        playback.watch = watch
    began, cpu_before = monotonic(), cpu_seconds()
    # The tables of a run hold no cycles; a collection in the middle of a tick would make it late.
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        if factor:
            playback.timed(RealClock(factor))
        else:
            playback.fast()
    finally:
        gc.enable()
        gc.unfreeze()
    if watch:
        watch(playback, draining=True)
    _book_requests(playback)
    drain_s = drain_ns / 1e9 if not stop.requested else min(drain_ns / 1e9, 10.0)
    counts = destination.finish(drain_s)
    wall = monotonic() - began
    undelivered = [outlets.fatal] if outlets.fatal else []
    if playback.overloaded:
        undelivered.append(
            f"the generator could not keep up: {ledger.skipped:,} requests were never simulated;"
            " ask for a lower rate, or split the run with --shard"
        )
    facts = RunFacts(
        run_id=setup.run_id,
        shard=str(setup.shard),
        start_ns=setup.start_unix_ns,
        end_ns=setup.start_unix_ns + playback.end_ns,
        elapsed_ns=playback.elapsed_ns,
        speed={0.0: "max", 1.0: "real"}.get(factor, factor),
        endpoint=destination.endpoint,
        stage_planned=playback.stage_planned,
        stage_targets=[stage.end_rate for stage in schedule.stages],
        generator=GeneratorResult(
            cpu_seconds=cpu_seconds() - cpu_before,
            peak_rss_bytes=peak_rss_bytes(),
            spans_per_second=ledger.signals["traces"].generated / wall if wall else 0.0,
            wall_seconds=wall,
        ),
        interrupted=stop.requested,
        undelivered=undelivered,
        collector=counts,
    )
    return run_result(scenario, playback.tally, ledger, playback.lateness, facts)


def _book_requests(playback: Playback) -> None:
    """Planned and skipped requests, when it is known what was generated."""
    playback.plan_rest()
    generated = playback.ledger.generated
    playback.ledger.add_requests(planned=playback.planned, skipped=playback.planned - generated)
