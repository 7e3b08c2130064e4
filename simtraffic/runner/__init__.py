"""Wires the stages: scenario, schedule, simulation, telemetry, export, ledger, report.

The only place that knows all of them. :func:`run` pushes a scenario's traffic, :func:`plan` says
what it would push, :func:`simulate` gives the tables alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from simtraffic.clock import cpu_seconds, monotonic, peak_rss_bytes
from simtraffic.errors import UsageError
from simtraffic.export.delivery import DEFAULT_QUEUE_BYTES
from simtraffic.export.environment import ExportOptions
from simtraffic.ledger import Ledger
from simtraffic.result.assemble import RunFacts, run_result
from simtraffic.result.result import GeneratorResult
from simtraffic.runner.cap import Cap
from simtraffic.runner.counts import blank_counts, plan_at_once
from simtraffic.runner.destination import find_target, open_destination, stopped
from simtraffic.runner.play import Play
from simtraffic.runner.preview import plan
from simtraffic.runner.readiness import unknown_signals
from simtraffic.runner.setup import DEFAULT_DRAIN_NS, Setup
from simtraffic.runner.stop import StopSignal
from simtraffic.runner.watching import Watch
from simtraffic.runner.workers import MOST_WORKERS, Crew, Job
from simtraffic.self_telemetry.subject import Subject

if TYPE_CHECKING:
    from datetime import datetime

    from simtraffic.result.counts import RunCounts
    from simtraffic.result.plan import PlanResult
    from simtraffic.result.result import RunResult
    from simtraffic.result.snapshot import Snapshot
    from simtraffic.runner.destination import Target
    from simtraffic.scenario import Scenario
    from simtraffic.self_telemetry.subject import Observer, Queue
    from simtraffic.simulation.tables import Exchanges

__all__ = ["StopSignal", "plan", "run", "simulate"]


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
    rotate_bytes: int | None = None,
    speed: str | float | None = None,
    start: str | datetime | None = None,
    duration_ns: int | None = None,
    drain_ns: int = DEFAULT_DRAIN_NS,
    shard: str = "1/1",
    workers: int = 1,
    queue_bytes: int | None = None,
    max_bytes: int | None = None,
    max_spans: int | None = None,
    environ: Mapping[str, str] | None = None,
    on_snapshot: Callable[[Snapshot], None] | None = None,
    stop: StopSignal | None = None,
    say: Callable[[str], None] | None = None,
    observers: Sequence[Observer] = (),
    consent: Callable[[Sequence[str], Callable[[], PlanResult]], None] | None = None,
    wait_ns: int | None = None,
) -> RunResult:
    """Simulate a scenario and push its telemetry.

    Args:
        scenario: what to run.
        endpoint: base URL of an OTLP receiver.
        protocol: ``grpc``, ``http/protobuf`` or ``http/json``.
        options: all that can be said of the receiver, in place of the two before.
        out: path of a file of OTLP JSON lines, ``-`` for standard output; compressed when it
            ends in ``.gz`` or ``.zst``.
        rotate_bytes: begin another, numbered file before one grows beyond this.
        speed: ``real``, ``max`` or simulated seconds to a second; without it ``max`` for a file
            alone, else ``real``.
        start: an instant; now without it.
        duration_ns: cuts the run, or holds the last rate until then.
        drain_ns: how long after the last stage spans may end and delivery may take.
        shard: such as ``2/8``.
        workers: processes that share the work; more than one send to a receiver alone.
        queue_bytes: bound on telemetry that is not sent yet.
        max_bytes: bound on what is sent, as the ledger counts bytes; the run ends there.
        max_spans: the same on spans.
        environ: environment variables to heed; none without it.
        on_snapshot: called about four times a second.
        stop: set from elsewhere to end the run early.
        say: gets a line on where the telemetry goes, and warnings.
        observers: told of the run, such as :mod:`simtraffic.self_telemetry`; they are left open.
        consent: asked before the first byte when receivers are not this machine: their hosts, and
            what foresees the volume. It raises to refuse.
        wait_ns: how long to wait for the receivers before the first byte, in real nanoseconds.

    Returns:
        How it went. Where a receiver is not there or speaks something else, nothing is sent: every
        request is skipped, and the reasons say what is wrong.

    Raises:
        UsageError: an option is wrong; nothing was sent.
    """
    stop = stop or StopSignal()
    note = say or (lambda _line: None)
    _check_files(out, rotate_bytes, workers)
    setup = Setup.of(scenario, start=start, duration_ns=duration_ns, shard=shard)
    factor = _factor(speed, is_file_only=False)
    target = find_target(
        options or ExportOptions(endpoint=endpoint, protocol=protocol),
        environ or {},
        out,
        scenario.telemetry.signals,
        must_listen=wait_ns is not None,
    )
    if speed is None:
        factor = _factor(None, is_file_only=target.settings is None)
    expected = partial(plan, scenario, duration_ns=duration_ns, shard=shard)
    cap = Cap(max_bytes, max_spans) if (max_bytes, max_spans) != (None, None) else None
    order = _Order(
        setup,
        target,
        cap,
        factor,
        duration_ns,
        drain_ns,
        queue_bytes or DEFAULT_QUEUE_BYTES,
        stop,
        note,
        observers,
    )
    watchers = [] if on_snapshot is None else [on_snapshot]
    watchers += [observer.see for observer in observers]
    try:
        if cap is not None:
            cap.check(expected())
        if consent is not None and (hosts := target.foreign_hosts()):
            consent(hosts, expected)
        ready = target.await_receivers(wait_ns, stop, note)
        for remark in ready.remarks:
            note(remark)
        if ready.refusals or (ready.waited and stop.requested):
            return _unsent(order, ready.refusals)
        if ready.waited:
            # What is told now begins now, unless somebody has said when.
            setup = Setup.of(scenario, start=start, duration_ns=duration_ns, shard=shard)
            order = replace(order, setup=setup)
        if workers > 1:
            return _together(order, workers, watchers)
        return _alone(order, out, rotate_bytes, watchers)
    finally:
        stopped(target.collector)
        for observer in observers:
            observer.end()


@dataclass(frozen=True, slots=True)
class _Order:
    """A run that is asked for, and its surroundings."""

    setup: Setup
    target: Target
    cap: Cap | None
    factor: float
    duration_ns: int | None
    drain_ns: int
    queue_bytes: int
    stop: StopSignal
    note: Callable[[str], None]
    observers: Sequence[Observer]

    def announce(self, ledger: Ledger, queue: Queue | None) -> None:
        """Say where it goes, before the first byte, to everybody."""
        for line in (self.target.line, *self.target.warnings):
            self.note(line)
        for observer in self.observers:
            self.note(observer.line)
            observer.begin(_subject(self, ledger, queue))


@dataclass(slots=True)
class _SharedQueue:
    """What the queues of all workers hold together."""

    queue_bytes: int
    queued_bytes: int = 0


def _alone(
    order: _Order,
    out: str | None,
    rotate_bytes: int | None,
    watchers: Sequence[Callable[[Snapshot], None]],
) -> RunResult:
    """Play it in this process."""
    ledger = Ledger()
    destination = open_destination(
        order.target,
        ledger,
        out=out,
        queue_bytes=order.queue_bytes,
        rotate_bytes=rotate_bytes,
    )
    order.announce(ledger, destination.delivery)
    try:
        play = Play(
            setup=order.setup,
            ledger=ledger,
            outlets=destination.outlets,
            delivery=destination.delivery,
            factor=order.factor,
            drain_ns=order.drain_ns,
            stop=order.stop,
            cap=order.cap,
            on_account=Watch(order.setup, watchers, order.factor) if watchers else None,
        )
        began = monotonic()
        play.through()
        counts = destination.finish(play.drain_s, play.look)
    except BaseException:
        destination.abandon()
        raise
    return _result(order, play.account(draining=True), counts, monotonic() - began)


def _together(
    order: _Order, workers: int, watchers: Sequence[Callable[[Snapshot], None]]
) -> RunResult:
    """Play it in worker processes."""
    assert order.target.settings is not None
    setup, ledger, queue = order.setup, Ledger(), _SharedQueue(order.queue_bytes)
    job = Job(
        scenario=setup.scenario,
        settings=order.target.settings,
        start_unix_ns=setup.start_unix_ns,
        duration_ns=order.duration_ns,
        shard="",
        factor=order.factor,
        drain_ns=order.drain_ns,
        queue_bytes=max(1, order.queue_bytes // workers),
        cap=order.cap.of_worker(workers) if order.cap else None,
    )
    watch = Watch(setup, watchers, order.factor)

    def see(account: RunCounts) -> None:
        ledger.become(account.ledger)
        queue.queued_bytes = account.queued_bytes
        watch(account)

    order.announce(ledger, queue)
    cpu_before = cpu_seconds()
    with Crew(setup=setup, job=job, count=workers) as crew:
        began = monotonic()
        account = crew.work(order.stop, see)
        wall = monotonic() - began
    see(account)
    account.cpu_seconds += cpu_seconds() - cpu_before
    account.peak_rss_bytes += peak_rss_bytes()
    counts = stopped(order.target.collector, account.ledger)
    return _result(order, account, counts, wall)


def _unsent(order: _Order, refusals: Sequence[str]) -> RunResult:
    """The result of a run that did not begin: everything is skipped, no threshold is judged."""
    for line in order.target.warnings:
        order.note(line)
    scenario = order.setup.scenario.model_copy(update={"thresholds": ()})
    account = blank_counts(order.setup)
    plan_at_once(account, order.setup)
    account.undelivered += refusals
    for observer in order.observers:
        observer.begin(_subject(order, account.ledger, None))
    account.skip_rest()
    return _result(
        replace(order, setup=replace(order.setup, scenario=scenario)), account, None, 0.0
    )


def _result(
    order: _Order, account: RunCounts, counts: dict[str, Any] | None, wall_s: float
) -> RunResult:
    """Judge what was counted."""
    ledger, setup = account.ledger, order.setup
    undelivered = [*account.undelivered, *([account.fatal] if account.fatal else [])]
    undelivered += unknown_signals(ledger)
    if account.overloaded:
        undelivered.append(
            f"the generator could not keep up: {ledger.skipped:,} requests were never simulated;"
            " ask for a lower rate, or more --workers"
        )
    spans = ledger.signals["traces"].generated
    facts = RunFacts(
        run_id=setup.run_id,
        shard=str(setup.shard),
        start_ns=setup.start_unix_ns,
        end_ns=setup.start_unix_ns + account.end_ns,
        elapsed_ns=account.elapsed_ns,
        speed={0.0: "max", 1.0: "real"}.get(order.factor, order.factor),
        endpoint=order.target.endpoint,
        stage_planned=[stage.planned for stage in account.tally.stages],
        stage_targets=[stage.end_rate for stage in setup.schedule.stages],
        generator=GeneratorResult(
            cpu_seconds=account.cpu_seconds,
            peak_rss_bytes=account.peak_rss_bytes,
            spans_per_second=spans / wall_s if wall_s else 0.0,
            wall_seconds=wall_s,
        ),
        interrupted=order.stop.requested,
        undelivered=undelivered,
        collector=counts,
        imperfections=account.imperfections if setup.scenario.imperfections.is_wanted else None,
    )
    return run_result(setup.scenario, account.tally, ledger, account.lateness, facts)


def _subject(order: _Order, ledger: Ledger, queue: Queue | None) -> Subject:
    return Subject(
        run_id=order.setup.run_id,
        scenario=order.setup.scenario.name,
        seed=order.setup.scenario.seed,
        shard=str(order.setup.shard),
        ledger=ledger,
        queue=queue,
        drain_s=order.drain_ns / 1e9,
        is_timed=order.factor > 0,
    )


def _check_files(out: str | None, rotate_bytes: int | None, workers: int) -> None:
    """Refuse what contradicts itself.

    Raises:
        UsageError: it does.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise UsageError(
            f"--workers: not a number of processes; found {workers}; write 1 to {MOST_WORKERS}"
        )
    if rotate_bytes is not None and (out in (None, "-") or rotate_bytes <= 0):
        raise UsageError(
            "--rotate: there is no file to rotate; give --out a path and --rotate a size above zero"
        )
    if workers > 1 and out is not None:
        raise UsageError(
            f"--workers: several processes cannot write one file; found --out {out};"
            " leave one of them out, or write a file for each --shard"
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
