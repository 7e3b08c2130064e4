"""What a run would do, without doing it: no clock, no connection.

A run of ordinary length is played through in full at simulated speed into an outlet that only
counts. A long one is sampled: blocks spread over the run are simulated and scaled up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from simtraffic.ledger import Ledger, SignalCounts
from simtraffic.result.plan import CurvePoint, PlanResult
from simtraffic.result.rows import IncidentCounts, RequestCounts, StageCounts, Usage, Window
from simtraffic.runner.counts import blank_counts, plan_rest
from simtraffic.runner.emission import emitter_of
from simtraffic.runner.full_speed import full_speed
from simtraffic.runner.playback import Playback
from simtraffic.runner.setup import Setup, within
from simtraffic.scenario.imperfections import Imperfections

if TYPE_CHECKING:
    from simtraffic.clock import Flag
    from simtraffic.result.counts import RunCounts
    from simtraffic.scenario import Scenario
    from simtraffic.schedule import Segment
    from simtraffic.signals import Chunk, Form

PLAYED_REQUESTS = 100_000
"""Runs up to this many expected requests are played through."""
PLAYED_COLLECTIONS = 2000
SAMPLED_BLOCKS = 32
DRAIN_NS = 30_000_000_000

# Measured on one core of a two-core server with benchmarks/encode.py: what a span costs with its
# metrics and log records, and what the process holds before the first request.
_CPU_SECONDS_PER_SPAN = 1.6e-6
_CPU_SECONDS_PER_POINT = 5e-6
_CPU_SECONDS_AT_START = 0.6
_IDLE_RSS_BYTES = 130_000_000
_BUFFER_RSS_BYTES = 90_000_000
_RSS_BYTES_PER_SERIES = 4_500
"""Buckets, sums and exemplars of a series over its open intervals."""


class _Scales:
    """An outlet that weighs what it is given, and forgets it."""

    fatal: str | None = None

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def form(self, signal: str) -> Form:  # noqa: ARG002 - the same for all
        """Protobuf, of which the bytes are."""
        return "protobuf"

    def submit(self, chunk: Chunk, *, block: bool, stop: Flag) -> None:  # noqa: ARG002
        """Count its bytes; what it holds is counted by whoever makes it."""
        self._ledger.signals[chunk.signal].bytes += chunk.proto_bytes


def plan(scenario: Scenario, *, duration_ns: int | None = None, shard: str = "1/1") -> PlanResult:
    """What :func:`simtraffic.runner.run` would do with these arguments.

    Requests are what the rate curve expects, exact for even arrivals; the rest follows from
    simulated requests, scaled to that number.
    """
    setup = Setup.of(scenario, start="1970-01-01T00:00:00Z", duration_ns=duration_ns, shard=shard)
    stages = _stages(setup)
    planned = sum(stage.planned for stage in stages)
    collections = -(-setup.schedule.duration_ns // scenario.telemetry.metrics.interval_ns)
    played = setup.schedule.total_expected <= PLAYED_REQUESTS and collections <= PLAYED_COLLECTIONS
    seen = _play(setup) if played else _sample(setup, int(collections))
    factor = planned / seen.planned if seen.planned else 0.0
    signals = _signals(scenario, seen.ledger, factor)
    return PlanResult(
        scenario=scenario.name,
        seed=scenario.seed,
        shard=str(setup.shard),
        duration_seconds=setup.schedule.duration_ns / 1e9,
        schedule=RequestCounts(planned, exact=scenario.load.arrivals.kind == "even"),
        signals=signals,
        stages=stages,
        traffic=seen.tally.traffic(factor),
        incidents=tuple(
            IncidentCounts(each.name, Window(each.at_ns, each.at_ns + each.duration_ns))
            for each in scenario.incidents
        ),
        generator=_usage(setup, planned, signals, seen.ledger.signals["metrics"].series),
        curve=tuple(_curve(setup)),
        notes=() if played else (f"long run: estimated from {SAMPLED_BLOCKS} blocks of it",),
    )


def _usage(setup: Setup, planned: int, signals: dict[str, SignalCounts], series: int) -> Usage:
    spans, points = signals["traces"].generated, signals["metrics"].generated
    peak = max((max(s.start_rate, s.end_rate) for s in setup.schedule.stages), default=0.0)
    return Usage(
        cpu_seconds=_CPU_SECONDS_AT_START
        + spans * _CPU_SECONDS_PER_SPAN
        + points * _CPU_SECONDS_PER_POINT,
        peak_rss_bytes=_IDLE_RSS_BYTES + _BUFFER_RSS_BYTES + series * _RSS_BYTES_PER_SERIES,
        spans_per_second=peak * spans / planned / setup.shard.count if planned else 0.0,
    )


def _stages(setup: Setup) -> tuple[StageCounts, ...]:
    """The stages with what is planned in them: counted, or as the curve has it."""
    counts, spans = blank_counts(setup), setup.schedule.stages
    stages = counts.tally.stages
    is_even = setup.scenario.load.arrivals.kind == "even"
    if is_even and setup.shard.count > 1:
        # The blocks of a shard are no even share of even arrivals.
        plan_rest(counts, setup)
    else:
        edges = np.cumsum([0.0, *(span.expected for span in spans)])
        # The i-th even arrival is at i + 1/2, so an edge has floor(edge + 1/2) before it.
        before = np.floor(edges + 0.5) if is_even else edges / setup.shard.count
        for stage, planned in zip(stages, np.diff(np.round(before)), strict=True):
            stage.planned = int(planned)
    for stage, span in zip(stages, spans, strict=True):
        stage.asked_rate = _asked_rate(span)
    return tuple(stages)


def _asked_rate(stage: Segment) -> float:
    """Requests a second on the average of a stage; a step takes no time and asks for its end."""
    seconds = (stage.end_ns - stage.start_ns) / 1e9
    return stage.expected / seconds if seconds else stage.end_rate


def _play(setup: Setup) -> RunCounts:
    """Play the whole run into an outlet that counts."""
    ledger = Ledger()
    playback = Playback.of(setup, [_Scales(ledger)], ledger=ledger, drain_ns=DRAIN_NS)
    full_speed(playback)
    ledger.signals["metrics"].series = playback.emitter.metrics.series
    return playback.counts


def _sample(setup: Setup, collections: int) -> RunCounts:
    """Simulate some blocks, spread over the run, and count what they become."""
    blocks = setup.blocks()
    # A run in which nothing arrives has no blocks, but metrics that say so.
    last = len(blocks) - 1
    picked = np.unique(np.linspace(0, last, SAMPLED_BLOCKS).astype(int)).tolist() if blocks else []
    counts, emitter = blank_counts(setup), emitter_of(setup)
    signals = counts.ledger.signals
    limit_ns = setup.schedule.duration_ns + DRAIN_NS
    for number in picked:
        exchanges = setup.simulator.simulate(blocks[number])
        counts.plan(exchanges.requests.due_ns)
        exchanges = within(exchanges, limit_ns)
        counts.add(exchanges)
        for chunk in emitter.records(emitter.frames(exchanges)):
            signals[chunk.signal].generated += chunk.count
            signals[chunk.signal].bytes += chunk.proto_bytes
    points = signals["metrics"]
    points.series = emitter.aggregator.expected_points()
    count, size = _collection(setup, blocks[picked[0]] if picked else None)
    emitted = 1 - setup.scenario.imperfections.missing_points
    points.generated = round(points.series * collections * emitted)
    points.bytes = int(points.generated * size / count) if count else 0
    return counts


def _collection(setup: Setup, block: int | None) -> tuple[int, int]:
    """Points and bytes of one collection, measured on a block moved to the start of the run."""
    calm = setup.scenario.model_copy(update={"imperfections": Imperfections()})
    emitter = emitter_of(replace(setup, scenario=calm))
    interval_ns = setup.scenario.telemetry.metrics.interval_ns
    frames = [] if block is None else emitter.frames(setup.simulator.simulate(block))
    for frame in frames:
        for column in (frame.due_ns, frame.start_ns, frame.end_ns):
            np.remainder(column, interval_ns, out=column)
    emitter.measure(frames)
    chunks = list(emitter.collect(interval_ns))
    return sum(c.count for c in chunks), sum(c.proto_bytes for c in chunks)


def _signals(scenario: Scenario, ledger: Ledger, factor: float) -> dict[str, SignalCounts]:
    """What each signal comes to; there are as many points however many requests were seen."""
    found = {}
    for signal, seen in ledger.counts().items():
        if signal not in scenario.telemetry.signals:
            found[signal] = SignalCounts(seen.unit)
            continue
        by = 1.0 if signal == "metrics" else factor
        generated, size = round(seen.generated * by), round(seen.bytes * by)
        found[signal] = SignalCounts(seen.unit, generated, bytes=size, series=seen.series)
    return found


def _curve(setup: Setup) -> list[CurvePoint]:
    points = []
    for stage in setup.schedule.stages:
        points.append(CurvePoint(stage.start_ns / 1e9, stage.start_rate))
        points.append(CurvePoint(stage.end_ns / 1e9, stage.end_rate))
    return points
