"""Fill in the result of a run from what the run counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from simtraffic.result.result import (
    GeneratorResult,
    IncidentResult,
    Lateness,
    LossResult,
    Quantiles,
    RunResult,
    ScheduleResult,
    SignalResult,
    StageResult,
    TrafficResult,
)
from simtraffic.result.thresholds import Evidence, evaluate
from simtraffic.result.verdict import judge
from simtraffic.signals import UNITS

if TYPE_CHECKING:
    from simtraffic.ledger import Ledger
    from simtraffic.result.sketch import QuantileSketch
    from simtraffic.result.tally import StageTally, Tally
    from simtraffic.scenario import Scenario

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What only the run loop knows about a finished run."""

    run_id: str
    shard: str
    start_ns: int
    """Unix nanoseconds, as ``end_ns``; both in simulated time."""
    end_ns: int
    elapsed_ns: int
    """How far the arrivals came, from the start; less than the schedule when interrupted."""
    speed: str | float
    endpoint: str | None
    """Where the telemetry went; None for a file alone."""
    stage_planned: Sequence[int]
    """Planned requests of each stage, in the order of the tally's stages."""
    stage_targets: Sequence[float]
    """Rate (1/s) that the scenario names for each stage: held, or at the end of a ramp."""
    generator: GeneratorResult
    interrupted: bool = False
    undelivered: Sequence[str] = ()
    """Further reasons why telemetry was not fully delivered, such as a refused credential."""
    collector: dict[str, Any] | None = None
    """Counts of the built-in collector."""
    imperfections: dict[str, int] | None = None
    """What was told wrong on purpose, by kind; None when nothing was to be."""


def run_result(
    scenario: Scenario,
    tally: Tally,
    ledger: Ledger,
    lateness: QuantileSketch,
    facts: RunFacts,
) -> RunResult:
    """The result; the ledger must have come to rest, thresholds and verdict are judged here.

    ``lateness`` counts nanoseconds, each as often as records and points were handed over.
    """
    is_share = facts.shard != "1/1"
    evidence = Evidence(
        tally,
        ledger,
        lateness,
        facts.elapsed_ns,
        is_share=is_share,
        is_interrupted=facts.interrupted,
    )
    thresholds = tuple(evaluate(threshold, evidence) for threshold in scenario.thresholds)
    verdict = judge(
        ledger, thresholds, interrupted=facts.interrupted, undelivered=facts.undelivered
    )
    return RunResult(
        run_id=facts.run_id,
        scenario=scenario.name,
        seed=scenario.seed,
        shard=facts.shard,
        start=timestamp(facts.start_ns),
        end=timestamp(facts.end_ns),
        speed=facts.speed,
        endpoint=facts.endpoint,
        verdict=verdict.word,
        exit_code=int(verdict.exit_code),
        schedule=ScheduleResult(
            ledger.planned, ledger.generated, ledger.skipped, _lateness(lateness)
        ),
        signals=_signals(ledger),
        stages=tuple(
            _stage(stage, facts.stage_planned[code], facts.stage_targets[code], facts.elapsed_ns)
            for code, stage in enumerate(tally.stages)
        ),
        traffic=_traffic(tally),
        incidents=tuple(
            IncidentResult(
                incident.name,
                timestamp(facts.start_ns + incident.window.start_ns),
                timestamp(facts.start_ns + incident.window.end_ns),
                incident.requests,
                incident.errors,
            )
            for incident in tally.incidents
        ),
        thresholds=thresholds,
        generator=facts.generator,
        reasons=verdict.reasons,
        losses=_losses(ledger),
        warnings=dict(ledger.warnings),
        collector=facts.collector,
        imperfections=facts.imperfections,
    )


def timestamp(unix_ns: int) -> str:
    """RFC 3339 in UTC with as many digits as needed, down to microseconds."""
    moment = _EPOCH + timedelta(microseconds=unix_ns // 1000)
    return moment.isoformat().replace("+00:00", "Z")


def _signals(ledger: Ledger) -> dict[str, SignalResult]:
    return {
        signal: SignalResult(UNITS[signal], **counts) for signal, counts in ledger.as_dict().items()
    }


def _stage(stage: StageTally, planned: int, target: float, elapsed_ns: int) -> StageResult:
    length = stage.window.seconds
    # An interrupted run reached its rate only as far as it came.
    reached = min(stage.window.end_ns, elapsed_ns) - stage.window.start_ns
    return StageResult(
        name=stage.name,
        planned=planned,
        generated=stage.generated,
        target_rate=target,
        asked_rate=planned / length if length > 0 else 0.0,
        achieved_rate=stage.generated / (reached / 1e9) if reached > 0 else 0.0,
        error_share=stage.failed / stage.generated if stage.generated else 0.0,
        time_to_first_token_seconds=_quantiles(stage.time_to_first_token),
        duration_seconds=_quantiles(stage.duration),
    )


def _traffic(tally: Tally) -> tuple[TrafficResult, ...]:
    return tuple(
        TrafficResult(
            row.flow,
            row.provider,
            row.model,
            row.requests,
            row.attempts,
            row.failed,
            row.errors,
            row.input_tokens,
            row.cached_tokens,
            row.output_tokens,
            row.reasoning_tokens,
            row.cost_pusd / 1e12,
        )
        for row in tally.traffic()
    )


def _losses(ledger: Ledger) -> tuple[LossResult, ...]:
    return tuple(
        LossResult(
            loss.signal,
            loss.outcome,
            loss.reason,
            loss.count,
            timestamp(loss.first_ns),
            timestamp(loss.last_ns),
        )
        for loss in ledger.losses()
    )


def _quantiles(sketch: QuantileSketch) -> Quantiles:
    return Quantiles(*(_seconds(sketch.quantile(share)) for share in (0.5, 0.95, 0.99)))


def _lateness(sketch: QuantileSketch) -> Lateness:
    highest = float(sketch.maximum) if sketch.count else None
    return Lateness(
        _seconds(sketch.quantile(0.5)), _seconds(sketch.quantile(0.99)), _seconds(highest)
    )


def _seconds(nanoseconds: float | None) -> float | None:
    return None if nanoseconds is None else round(nanoseconds / 1e9, 9)
