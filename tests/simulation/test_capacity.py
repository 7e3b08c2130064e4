from __future__ import annotations

import numpy as np
import pytest

from simtraffic.simulation.tables import ERROR_KINDS, Exchanges
from tests.builders import SECOND, flow, load, scenario, simulator, stage

RATE_LIMIT = ERROR_KINDS.index("rate_limit")


def serve(capacity: float | None, *, rate: float = 100.0, seconds: float = 200.0) -> Exchanges:
    asked = scenario(
        load=load(stage(seconds, rate=rate)),
        capacity={} if capacity is None else {"openai": capacity},
    )
    sim = simulator(asked)
    return sim.simulate_blocks(range(sim.schedule.block_count))


def test_an_idle_provider_adds_next_to_nothing() -> None:
    assert serve(None).requests.queue_ns.max() < 1_000_000


def test_queues_grow_with_utilisation() -> None:
    waits = [float(serve(c).requests.queue_ns.mean()) for c in (1000.0, 200.0, 125.0)]
    # 20 ms x rho / (1 - rho).
    assert waits == pytest.approx([20e6 / 9, 20e6, 80e6], rel=0.01)


def test_the_wait_is_part_of_the_time_to_the_first_token() -> None:
    calm, busy = serve(None), serve(80.0)
    waited = busy.requests.queue_ns - calm.requests.queue_ns
    both = (busy.attempts.error == 0) & (waited > SECOND)
    # Prompts do not reason here, so that load changes nothing else before the first token.
    longer = busy.operations.first_token_ns - calm.operations.first_token_ns
    np.testing.assert_allclose(longer[both], waited[both], atol=2)


def test_a_busy_model_generates_more_slowly() -> None:
    calm, busy = serve(None), serve(100.0 / 0.9)
    pace = []
    for result in (calm, busy):
        made = result.operations
        rest = made.end_ns - made.start_ns - made.first_token_ns
        pace.append(float(np.median(rest / np.maximum(made.output_tokens - 1, 1))))
    assert pace[1] / pace[0] == pytest.approx(1 + 0.9**2, rel=0.01)


def test_demand_beyond_capacity_is_turned_away() -> None:
    result = serve(80.0, seconds=400.0)
    late = result.attempts.start_ns > 100 * SECOND
    # A fifth is too much once the backlog is at its bound; five standard errors at n = 30,000.
    turned_away = float((result.attempts.error[late] == RATE_LIMIT).mean())
    assert turned_away == pytest.approx(0.2, abs=0.012)
    assert 5 * SECOND <= result.requests.queue_ns.max() < 6 * SECOND


def test_a_backlog_builds_before_anyone_is_turned_away() -> None:
    result = serve(80.0)
    # 20 requests a second more than the capacity: 5 s of work wait after 20 s.
    early = result.attempts.start_ns < 18 * SECOND
    assert not result.attempts.error[early].any()
    at_ten = np.abs(result.requests.due_ns - 10 * SECOND) < SECOND
    assert float(result.requests.queue_ns[at_ten].mean()) == pytest.approx(2.88e9, rel=0.05)


def test_a_models_own_capacity_goes_before_its_providers() -> None:
    asked = scenario(
        flow(models={"openai/gpt-4o": 1, "openai/gpt-4o-mini": 1, "openai/gpt-4.1": 2}),
        capacity={"openai": 300.0, "openai/gpt-4o": 50.0},
    )
    sim = simulator(asked)
    assert sim.forecast.load.utilisation_at(SECOND) == pytest.approx(
        {"openai/gpt-4o": 0.5, "openai": 0.25}
    )


def test_the_catalogue_gives_each_model_its_own() -> None:
    asked = scenario(flow(models={"openai/gpt-4o": 1, "openai/gpt-4o-mini": 1}))
    assert simulator(asked).forecast.load.utilisation_at(SECOND) == pytest.approx(
        {"openai/gpt-4o": 0.01, "openai/gpt-4o-mini": 0.0025}
    )


def test_after_the_run_nothing_waits() -> None:
    sim = simulator(scenario(capacity={"openai": 80.0}, max_attempts=3))
    result = sim.simulate_blocks(range(sim.schedule.block_count))
    assert sim.forecast.load.utilisation_at(201 * SECOND) == {"openai": 0.0}
    assert len(result.attempts) > len(result)
