"""What a run would do, without doing it: no clock, no connection.

A run of ordinary length is played through in full at simulated speed into an outlet that only
counts. A long one is sampled: blocks spread over the run are simulated and scaled up.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from simtraffic.result.plan import (
    CurvePoint,
    PlannedGenerator,
    PlannedIncident,
    PlannedSchedule,
    PlannedSignal,
    PlannedStage,
    PlannedTraffic,
    PlanResult,
)
from simtraffic.runner.counts import blank_counts, plan_whole
from simtraffic.runner.emission import emitter_of
from simtraffic.runner.full_speed import full_speed
from simtraffic.runner.playback import Playback
from simtraffic.runner.setup import Setup, within
from simtraffic.scenario.imperfections import Imperfections
from simtraffic.signals import SIGNALS, UNITS, Chunk, Form

if TYPE_CHECKING:
    from simtraffic.clock import Flag
    from simtraffic.result.tally import Tally
    from simtraffic.scenario import Scenario
    from simtraffic.schedule import Segment

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


@dataclass
class _Counted:
    """An outlet that counts and forgets."""

    fatal: str | None = None
    count: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SIGNALS, 0))
    size: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SIGNALS, 0))

    def form(self, signal: str) -> Form:  # noqa: ARG002 - the same for all
        """Protobuf."""
        return "protobuf"

    def submit(self, chunk: Chunk, *, block: bool, stop: Flag) -> None:  # noqa: ARG002
        """Count a chunk."""
        self.count[chunk.signal] += chunk.count
        self.size[chunk.signal] += chunk.proto_bytes


@dataclass(frozen=True, slots=True)
class _Seen:
    """What playing or sampling a run showed."""

    counted: _Counted
    tally: Tally
    series: int
    requests: int


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
    factor = planned / seen.requests if seen.requests else 0.0
    signals = _signals(scenario, seen, factor)
    spans = signals["traces"].generated if "traces" in signals else 0
    peak = max((max(s.start_rate, s.end_rate) for s in setup.schedule.stages), default=0.0)
    is_even = scenario.load.arrivals.kind == "even"
    return PlanResult(
        scenario=scenario.name,
        seed=scenario.seed,
        shard=str(setup.shard),
        duration_seconds=setup.schedule.duration_ns / 1e9,
        schedule=PlannedSchedule(planned, exact=is_even),
        signals=signals,
        stages=tuple(stages),
        traffic=tuple(_traffic(seen.tally, factor)),
        incidents=tuple(
            PlannedIncident(i.name, i.at_ns / 1e9, i.duration_ns / 1e9) for i in scenario.incidents
        ),
        generator=PlannedGenerator(
            cpu_seconds=_CPU_SECONDS_AT_START
            + spans * _CPU_SECONDS_PER_SPAN
            + signals["metrics"].generated * _CPU_SECONDS_PER_POINT,
            peak_rss_bytes=_IDLE_RSS_BYTES
            + _BUFFER_RSS_BYTES
            + seen.series * _RSS_BYTES_PER_SERIES,
            spans_per_second=peak * spans / planned / setup.shard.count if planned else 0.0,
        ),
        curve=tuple(_curve(setup)),
        notes=() if played else (f"long run: estimated from {SAMPLED_BLOCKS} blocks of it",),
    )


def _stages(setup: Setup) -> list[PlannedStage]:
    schedule = setup.schedule
    is_even = setup.scenario.load.arrivals.kind == "even"
    if is_even and setup.shard.count > 1:
        counts = _counted_stages(setup)
    else:
        edges = np.cumsum([0.0, *(stage.expected for stage in schedule.stages)])
        # The i-th even arrival is at i + 1/2, so an edge has floor(edge + 1/2) before it.
        before = np.floor(edges + 0.5) if is_even else edges / setup.shard.count
        counts = np.diff(np.round(before)).astype(int).tolist()
    return [
        PlannedStage(
            name=stage.name,
            start_seconds=stage.start_ns / 1e9,
            duration_seconds=(stage.end_ns - stage.start_ns) / 1e9,
            planned=int(count),
            target_rate=stage.end_rate,
            asked_rate=_asked_rate(stage),
        )
        for stage, count in zip(schedule.stages, counts, strict=True)
    ]


def _asked_rate(stage: Segment) -> float:
    """Requests a second on the average of a stage; a step takes no time and asks for its end."""
    seconds = (stage.end_ns - stage.start_ns) / 1e9
    return stage.expected / seconds if seconds else stage.end_rate


def _counted_stages(setup: Setup) -> list[int]:
    """Requests of a shard's even arrivals, by stage: counted, as its blocks are no even share."""
    counts = blank_counts(setup)
    plan_whole(counts, setup)
    return [stage.planned for stage in counts.tally.stages]


def _play(setup: Setup) -> _Seen:
    """Play the whole run into an outlet that counts."""
    counted = _Counted()
    playback = Playback.of(setup, [counted], drain_ns=DRAIN_NS)
    full_speed(playback)
    tally = playback.counts.tally
    return _Seen(counted, tally, playback.telemetry.metrics.series, tally.planned)


def _sample(setup: Setup, collections: int) -> _Seen:
    """Simulate some blocks, spread over the run, and count what they become."""
    blocks = setup.blocks()
    # A run in which nothing arrives has no blocks, but metrics that say so.
    last = len(blocks) - 1
    picked = np.unique(np.linspace(0, last, SAMPLED_BLOCKS).astype(int)).tolist() if blocks else []
    counted, tally = _Counted(), blank_counts(setup).tally
    telemetry = emitter_of(setup)
    limit_ns = setup.schedule.duration_ns + DRAIN_NS
    requests = 0
    for number in picked:
        exchanges = setup.simulator.simulate(blocks[number])
        requests += len(exchanges)
        exchanges = within(exchanges, limit_ns)
        tally.add(exchanges)
        for chunk in telemetry.records(telemetry.frames(exchanges)):
            counted.count[chunk.signal] += chunk.count
            counted.size[chunk.signal] += chunk.proto_bytes
    series = telemetry.aggregator.expected_points()
    count, size = _collection(setup, blocks[picked[0]] if picked else None)
    told = 1 - setup.scenario.imperfections.missing_points
    counted.count["metrics"] = round(series * collections * told)
    counted.size["metrics"] = int(counted.count["metrics"] * size / count) if count else 0
    return _Seen(counted, tally, series, requests)


def _collection(setup: Setup, block: int | None) -> tuple[int, int]:
    """Points and bytes of one collection, measured on a block moved to the start of the run."""
    calm = setup.scenario.model_copy(update={"imperfections": Imperfections()})
    telemetry = emitter_of(replace(setup, scenario=calm))
    interval_ns = setup.scenario.telemetry.metrics.interval_ns
    frames = [] if block is None else telemetry.frames(setup.simulator.simulate(block))
    for frame in frames:
        for column in (frame.due_ns, frame.start_ns, frame.end_ns):
            np.remainder(column, interval_ns, out=column)
    telemetry.measure(frames)
    chunks = list(telemetry.collect(interval_ns))
    return sum(c.count for c in chunks), sum(c.proto_bytes for c in chunks)


def _signals(scenario: Scenario, seen: _Seen, factor: float) -> dict[str, PlannedSignal]:
    signals = {}
    for signal in SIGNALS:
        count, size, series = seen.counted.count[signal], seen.counted.size[signal], 0
        if signal != "metrics":
            count, size = round(count * factor), round(size * factor)
        elif signal in scenario.telemetry.signals:
            series = seen.series
        if signal not in scenario.telemetry.signals:
            count = size = 0
        signals[signal] = PlannedSignal(UNITS[signal], count, size, series)
    return signals


def _traffic(tally: Tally, factor: float) -> list[PlannedTraffic]:
    return [
        PlannedTraffic(
            flow=row.flow,
            provider=row.provider,
            model=row.model,
            requests=round(row.requests * factor),
            attempts=round(row.attempts * factor),
            failed=round(row.failed * factor),
            errors={kind: round(count * factor) for kind, count in row.errors.items()},
            input_tokens=round(row.input_tokens * factor),
            cached_tokens=round(row.cached_tokens * factor),
            output_tokens=round(row.output_tokens * factor),
            reasoning_tokens=round(row.reasoning_tokens * factor),
            cost_usd=row.cost_pusd * factor / 1e12,
        )
        for row in tally.traffic()
    ]


def _curve(setup: Setup) -> list[CurvePoint]:
    points = []
    for stage in setup.schedule.stages:
        points.append(CurvePoint(stage.start_ns / 1e9, stage.start_rate))
        points.append(CurvePoint(stage.end_ns / 1e9, stage.end_rate))
    return points
