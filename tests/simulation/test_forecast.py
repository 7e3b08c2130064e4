"""What is known of every moment of a run before it is simulated."""

from __future__ import annotations

from tests.told import setup


def test_memory_grows_with_open_requests_and_stays_after_the_last_stage() -> None:
    run = setup()
    forecast, end_ns = run.simulator.forecast, run.schedule.duration_ns

    shown = [forecast.memory_bytes(t_ns) for t_ns in (0, end_ns // 2, end_ns, 2 * end_ns)]

    assert shown[2] == shown[3]
    share = forecast.in_flight(end_ns // 2) / run.scenario.service.instances
    assert shown[1] == int(220_000_000 + 2_000_000 * share) > 220_000_000


def test_nothing_is_asked_for_after_the_last_stage() -> None:
    run = setup()
    forecast = run.simulator.forecast

    assert forecast.arrivals_end_ns == run.schedule.duration_ns
    assert forecast.arrival_rate(forecast.arrivals_end_ns // 2) > 0
    assert forecast.arrival_rate(forecast.arrivals_end_ns + 1) == 0
