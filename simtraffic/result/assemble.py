"""Fill in the result of a run from what the run counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simtraffic.result.result import RunResult
from simtraffic.result.rows import Percentiles, RequestCounts, Usage
from simtraffic.result.thresholds import evaluate
from simtraffic.result.verdict import judge, word

if TYPE_CHECKING:
    from simtraffic.result.counts import RunCounts
    from simtraffic.scenario import Scenario


def run_result(
    scenario: Scenario,
    counts: RunCounts,
    *,
    run_id: str,
    shard: str,
    start_ns: int,
    speed: str | float,
    endpoint: str | None,
    collector: dict[str, Any] | None = None,
) -> RunResult:
    """The result; the counts must have come to rest, thresholds and verdict are judged here.

    Args:
        scenario: Whose run it was.
        counts: Of all processes together.
        run_id: As the telemetry has it.
        shard: Such as ``2/8``; of a part of a run some thresholds cannot be judged.
        start_ns: Unix nanoseconds, in simulated time.
        speed: ``real``, ``max`` or simulated seconds to a second.
        endpoint: Where the telemetry went; None for a file alone.
        collector: Counts of the built-in collector.
    """
    ledger, tally = counts.ledger, counts.tally
    thresholds = tuple(
        evaluate(threshold, counts, is_share=shard != "1/1") for threshold in scenario.thresholds
    )
    code, reasons = judge(counts, thresholds)
    return RunResult(
        run_id=run_id,
        scenario=scenario.name,
        seed=scenario.seed,
        shard=shard,
        start_ns=start_ns,
        end_ns=start_ns + counts.end_ns,
        speed=speed,
        endpoint=endpoint,
        verdict=word(code),
        exit_code=int(code),
        schedule=RequestCounts(
            planned=ledger.planned,
            generated=ledger.generated,
            skipped=ledger.skipped,
            lateness_seconds=Percentiles.late(counts.lateness),
        ),
        signals=ledger.counts(),
        stages=tally.stages_until(counts.elapsed_ns),
        traffic=tally.traffic(),
        incidents=tuple(tally.incidents),
        thresholds=thresholds,
        generator=_usage(counts),
        reasons=reasons,
        losses=tuple(ledger.losses()),
        warnings=dict(ledger.warnings),
        collector=collector,
        imperfections=counts.imperfections if scenario.imperfections.is_wanted else None,
    )


def _usage(counts: RunCounts) -> Usage:
    spans, wall_s = counts.ledger.signals["traces"].generated, counts.wall_seconds
    return Usage(
        cpu_seconds=counts.cpu_seconds,
        peak_rss_bytes=counts.peak_rss_bytes,
        spans_per_second=spans / wall_s if wall_s else 0.0,
        wall_seconds=wall_s,
    )
