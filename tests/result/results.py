"""Results and plans with one honest default each."""

from dataclasses import replace

from simtraffic.ledger import Loss, SignalCounts
from simtraffic.result.plan import CurvePoint, PlanResult
from simtraffic.result.result import RunResult, ThresholdResult
from simtraffic.result.rows import (
    IncidentCounts,
    Percentiles,
    RequestCounts,
    StageCounts,
    TrafficCounts,
    Usage,
    Window,
)

SECOND = 1_000_000_000
START_NS = 1_767_225_600 * SECOND
"""2026-01-01T00:00:00Z."""
BROWNOUT = Window(60 * SECOND, 105 * SECOND)


def a_result(**changes):
    """A run that passed."""
    passed = RunResult(
        run_id="5f1c2a9be0d34417",
        scenario="ramp",
        seed=7,
        shard="1/1",
        start_ns=START_NS,
        end_ns=START_NS + 207_250_000_000,
        speed="real",
        endpoint="http://localhost:4317",
        verdict="passed",
        exit_code=0,
        schedule=RequestCounts(11_034, 11_034, 0, Percentiles(p50=0.0021, p99=0.0114, max=0.0203)),
        signals={
            "traces": SignalCounts("spans", 34_215, 34_215, 0, 0, 0, 96, 1, 22_345_678, 0),
            "metrics": SignalCounts("data_points", 5_412, 5_412, 0, 0, 0, 21, 0, 1_200_450, 0),
            "logs": SignalCounts("log_records", 312, 312, 0, 0, 0, 60, 0, 98_304, 0),
        },
        stages=(
            StageCounts(
                "warm-up",
                planned=765,
                generated=765,
                failed=10,
                target_rate=50.0,
                asked_rate=25.5,
                achieved_rate=25.5,
                time_to_first_token_seconds=Percentiles(0.412, 1.21, 2.4),
                duration_seconds=Percentiles(2.31, 9.87, 17.2),
            ),
            StageCounts(
                "steady",
                planned=6_000,
                generated=6_000,
                failed=427,
                target_rate=50.0,
                asked_rate=50.0,
                achieved_rate=50.0,
                time_to_first_token_seconds=Percentiles(0.43, 4.9, 9.1),
                duration_seconds=Percentiles(2.5, 12.2, 31.4),
            ),
            StageCounts(
                "cool-down",
                planned=4_269,
                generated=4_269,
                target_rate=5.0,
                asked_rate=142.3,
                achieved_rate=142.3,
            ),
        ),
        traffic=(
            TrafficCounts(
                flow="support-chat",
                provider="openai",
                model="gpt-4o-mini",
                requests=4_700,
                attempts=5_310,
                failed=220,
                errors={"rate_limit": 61, "overloaded": 744, "timeout": 12},
                input_tokens=6_120_000,
                cached_tokens=1_830_000,
                output_tokens=1_050_000,
                cost_pusd=1_411_200_000_000,
            ),
            TrafficCounts(
                flow="knowledge-search",
                provider="anthropic",
                model="claude-sonnet-4.6",
                requests=3_310,
                attempts=3_400,
                failed=3,
                errors={"timeout": 3},
                input_tokens=41_000_000,
                output_tokens=2_200_000,
                reasoning_tokens=12_000,
                cost_pusd=156_020_000_000_000,
            ),
        ),
        incidents=(IncidentCounts("openai-brownout", BROWNOUT, 1_340, 301),),
        thresholds=(
            ThresholdResult("delivered == 100%", 1.0, True, "delivered"),
            ThresholdResult("p99(lateness) < 250ms", 0.0114, True, "lateness"),
            ThresholdResult("error_share < 8%", 0.0412, True, "error_share"),
        ),
        generator=Usage(3.42, 188_000_000, 164.2, 207.3),
    )
    return replace(passed, **changes)


def a_failed_result():
    """A run that lost telemetry and missed thresholds."""
    return a_result(
        verdict="failed",
        exit_code=4,
        reasons=(
            "1,215 of 34,215 spans not delivered: UNAVAILABLE: connection refused; given up after"
            " 60 s (and 1 other cause)",
            "threshold not met: delivered == 100%; found 96.5 %",
            "threshold not met: p95(time_to_first_token) < 2s during steady where provider=openai;"
            " no streamed operation produced a token during steady where provider=openai",
        ),
        signals=a_result().signals
        | {
            "traces": SignalCounts(
                "spans", 34_215, 33_000, 15, 700, 500, 130, 33, 22_345_678, 2_048
            )
        },
        thresholds=(
            ThresholdResult("error_share < 8%", 0.0412, True, "error_share"),
            ThresholdResult("delivered == 100%", 0.9645, False, "delivered"),
            ThresholdResult(
                "p95(time_to_first_token) < 2s during steady where provider=openai",
                None,
                False,
                "time_to_first_token",
                "no streamed operation produced a token during steady where provider=openai",
            ),
        ),
        losses=(
            Loss(
                "traces",
                "failed",
                "UNAVAILABLE: connection refused; given up after 60 s",
                700,
                first_ns=START_NS + 70 * SECOND,
                last_ns=START_NS + 140 * SECOND,
            ),
            Loss(
                "traces",
                "dropped",
                "queue full",
                500,
                first_ns=START_NS + 70 * SECOND,
                last_ns=START_NS + 70 * SECOND,
            ),
        ),
        warnings={"a success whose body cannot be read": 3},
        collector={
            "spans": 33_000,
            "data_points": 5_412,
            "log_records": 312,
            "requests": 210,
            "bytes": 23_644_300,
            "faults": [],
        },
    )


def a_stage(name, start_s, end_s, **counted):
    """A stage between two seconds of the run."""
    return StageCounts(name, Window(start_s * SECOND, end_s * SECOND), **counted)


def a_plan(**changes):
    """A ramp, a hold, a spike and a cool-down, with one incident."""
    plan = PlanResult(
        scenario="ramp",
        seed=7,
        shard="1/1",
        duration_seconds=200.0,
        schedule=RequestCounts(11_590),
        signals={
            "traces": SignalCounts("spans", 36_010, bytes=23_400_000),
            "metrics": SignalCounts("data_points", 7_560, bytes=1_900_000, series=360),
            "logs": SignalCounts("log_records", 410, bytes=120_000),
        },
        stages=(
            a_stage("warm-up", 0, 30, planned=765, target_rate=50.0, asked_rate=25.5),
            a_stage("steady", 30, 150, planned=6_000, target_rate=50.0, asked_rate=50.0),
            a_stage("spike", 150, 170, planned=4_000, target_rate=200.0, asked_rate=200.0),
            a_stage("cool-down", 170, 200, planned=825, target_rate=5.0, asked_rate=27.5),
        ),
        traffic=(
            TrafficCounts(
                flow="support-chat",
                provider="openai",
                model="gpt-4o-mini",
                requests=4_868,
                attempts=5_200,
                failed=190,
                errors={"rate_limit": 50},
                input_tokens=6_300_000,
                cached_tokens=1_900_000,
                output_tokens=1_100_000,
                cost_pusd=1_605_000_000_000,
            ),
            TrafficCounts(
                flow="knowledge-search",
                provider="anthropic",
                model="claude-sonnet-4.6",
                requests=3_477,
                attempts=3_500,
                input_tokens=44_000_000,
                output_tokens=2_300_000,
                cost_pusd=166_500_000_000_000,
            ),
        ),
        incidents=(IncidentCounts("openai-brownout", BROWNOUT),),
        generator=Usage(4.1, 190_000_000, 640.0),
        curve=(
            CurvePoint(0.0, 1.0),
            CurvePoint(30.0, 50.0),
            CurvePoint(150.0, 50.0),
            CurvePoint(150.0, 200.0),
            CurvePoint(170.0, 200.0),
            CurvePoint(200.0, 5.0),
        ),
        notes=("with no collector at localhost:4317, run starts the built-in one",),
    )
    return replace(plan, **changes)
