"""Results and plans with one honest default each."""

from dataclasses import replace

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
    ThresholdResult,
    TrafficResult,
)


def a_result(**changes):
    """A run that passed."""
    passed = RunResult(
        run_id="5f1c2a9be0d34417",
        scenario="ramp",
        seed=7,
        shard="1/1",
        start="2026-01-01T00:00:00Z",
        end="2026-01-01T00:03:27.250000Z",
        speed="real",
        endpoint="http://localhost:4317",
        verdict="passed",
        exit_code=0,
        schedule=ScheduleResult(11_034, 11_034, 0, Lateness(0.0021, 0.0114, 0.0203)),
        signals={
            "traces": SignalResult("spans", 34_215, 34_215, 0, 0, 0, 96, 1, 22_345_678, 0),
            "metrics": SignalResult("data_points", 5_412, 5_412, 0, 0, 0, 21, 0, 1_200_450, 0),
            "logs": SignalResult("log_records", 312, 312, 0, 0, 0, 60, 0, 98_304, 0),
        },
        stages=(
            StageResult(
                "warm-up",
                765,
                765,
                50.0,
                25.5,
                25.5,
                0.0131,
                Quantiles(0.412, 1.21, 2.4),
                Quantiles(2.31, 9.87, 17.2),
            ),
            StageResult(
                "steady",
                6_000,
                6_000,
                50.0,
                50.0,
                50.0,
                0.0712,
                Quantiles(0.43, 4.9, 9.1),
                Quantiles(2.5, 12.2, 31.4),
            ),
            StageResult("cool-down", 4_269, 4_269, 5.0, 142.3, 142.3, 0.0),
        ),
        traffic=(
            TrafficResult(
                "support-chat",
                "openai",
                "gpt-4o-mini",
                4_700,
                5_310,
                220,
                {"rate_limit": 61, "overloaded": 744, "timeout": 12},
                6_120_000,
                1_830_000,
                1_050_000,
                0,
                1.4112,
            ),
            TrafficResult(
                "knowledge-search",
                "anthropic",
                "claude-sonnet-4.6",
                3_310,
                3_400,
                3,
                {"timeout": 3},
                41_000_000,
                0,
                2_200_000,
                12_000,
                156.02,
            ),
        ),
        incidents=(
            IncidentResult(
                "openai-brownout", "2026-01-01T00:01:00Z", "2026-01-01T00:01:45Z", 1_340, 301
            ),
        ),
        thresholds=(
            ThresholdResult("delivered == 100%", 1.0, True, "delivered"),
            ThresholdResult("p99(lateness) < 250ms", 0.0114, True, "lateness"),
            ThresholdResult("error_share < 8%", 0.0412, True, "error_share"),
        ),
        generator=GeneratorResult(3.42, 188_000_000, 164.2, 207.3),
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
            "traces": SignalResult(
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
            LossResult(
                "traces",
                "failed",
                "UNAVAILABLE: connection refused; given up after 60 s",
                700,
                "2026-01-01T00:01:10Z",
                "2026-01-01T00:02:20Z",
            ),
            LossResult(
                "traces",
                "dropped",
                "queue full",
                500,
                "2026-01-01T00:01:10Z",
                "2026-01-01T00:01:10Z",
            ),
        ),
        warnings={"a success whose body cannot be read": 3},
        collector={
            "spans": 33_000,
            "data_points": 5_412,
            "log_records": 312,
            "requests": 210,
            "faults": [],
        },
    )


def a_plan(**changes):
    """A ramp, a hold, a spike and a cool-down, with one incident."""
    plan = PlanResult(
        scenario="ramp",
        seed=7,
        shard="1/1",
        duration_seconds=200.0,
        schedule=PlannedSchedule(11_590),
        signals={
            "traces": PlannedSignal("spans", 36_010, 23_400_000),
            "metrics": PlannedSignal("data_points", 7_560, 1_900_000, 360),
            "logs": PlannedSignal("log_records", 410, 120_000),
        },
        stages=(
            PlannedStage("warm-up", 0.0, 30.0, 765, 50.0, 25.5),
            PlannedStage("steady", 30.0, 120.0, 6_000, 50.0, 50.0),
            PlannedStage("spike", 150.0, 20.0, 4_000, 200.0, 200.0),
            PlannedStage("cool-down", 170.0, 30.0, 825, 5.0, 27.5),
        ),
        traffic=(
            PlannedTraffic(
                "support-chat",
                "openai",
                "gpt-4o-mini",
                4_868,
                5_200,
                190,
                {"rate_limit": 50},
                6_300_000,
                1_900_000,
                1_100_000,
                0,
                1.605,
            ),
            PlannedTraffic(
                "knowledge-search",
                "anthropic",
                "claude-sonnet-4.6",
                3_477,
                3_500,
                0,
                {},
                44_000_000,
                0,
                2_300_000,
                0,
                166.5,
            ),
        ),
        incidents=(PlannedIncident("openai-brownout", 60.0, 45.0),),
        generator=PlannedGenerator(4.1, 190_000_000, 640.0),
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
