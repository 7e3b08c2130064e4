from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from simtraffic.simulation.tables import ERROR_KINDS, Exchanges
from tests.builders import SECOND, flow, incident, load, scenario, simulator, stage, weighted


def run(asked: Any, blocks: int | None = None) -> Exchanges:
    sim = simulator(asked)
    return sim.simulate_blocks(range(blocks or sim.schedule.block_count))


def share_of(errors: np.ndarray, kind: str) -> float:
    return float((errors == ERROR_KINDS.index(kind)).mean())


def near(share: float, expected: float, count: int) -> bool:
    """Within five standard errors."""
    return abs(share - expected) <= 5 * math.sqrt(expected * (1 - expected) / count)


def test_attempts_fail_with_the_asked_shares() -> None:
    asked = {"rate_limit": 0.05, "timeout": 0.01, "overloaded": 0.02, "server_error": 0.03,
             "content_filter": 0.015, "context_length": 0.01, "auth": 0.005,
             "invalid_request": 0.004}  # fmt: skip
    attempts = run(scenario(errors=asked)).attempts
    for kind, share in asked.items():
        assert near(share_of(attempts.error, kind), share, len(attempts)), kind


def test_without_errors_everything_succeeds() -> None:
    result = run(scenario(max_attempts=3))
    assert not result.requests.error.any()
    assert set(result.requests.status_code) == {200}
    assert len(result.attempts) == len(result.operations) == len(result)


def test_a_flow_and_a_model_override_kind_by_kind() -> None:
    asked = scenario(
        flow("a", errors={"timeout": 0.3}),
        flow(
            "b",
            errors={"rate_limit": 0.0},
            models={"openai/gpt-4o": 1, "xai/grok-4.3": weighted(1, timeout=0.5)},
        ),
        errors={"rate_limit": 0.1, "timeout": 0.01},
    )
    result = run(asked)
    flows = result.requests.flow[result.attempts.request]
    groups = {
        (0, 0): {"rate_limit": 0.1, "timeout": 0.3},
        (1, 1): {"rate_limit": 0.0, "timeout": 0.01},
        (1, 2): {"rate_limit": 0.0, "timeout": 0.5},
    }
    for (number, route), shares in groups.items():
        errors = result.attempts.error[(flows == number) & (result.attempts.route == route)]
        for kind, share in shares.items():
            assert near(share_of(errors, kind), share, len(errors)), (number, route, kind)


def test_an_incident_adds_to_what_it_matches_while_it_lasts() -> None:
    asked = scenario(
        flow(models={"openai/gpt-4o": 1, "xai/grok-4.3": 1}),
        errors={"overloaded": 0.1},
        incidents=(incident(at=50, seconds=50, provider="openai", errors={"overloaded": 0.4}),),
    )
    attempts = run(asked).attempts
    inside = (attempts.start_ns >= 50 * SECOND) & (attempts.start_ns < 100 * SECOND)
    for rows, share in (
        (inside & (attempts.route == 0), 0.5),
        (inside & (attempts.route == 1), 0.1),
        (~inside, 0.1),
    ):
        assert near(share_of(attempts.error[rows], "overloaded"), share, int(rows.sum()))


@pytest.mark.parametrize(
    ("match", "share"),
    [
        ({}, 1.0),
        ({"provider": "xai"}, 0.3),
        ({"model": "openai/gpt-4o"}, 0.35),
        ({"flow": "b"}, 0.4),
        ({"instance": 2}, 0.25),
        ({"flow": "a", "provider": "xai", "instance": 1}, 0.3 * 0.25),
    ],
)
def test_an_incident_matches_what_it_names(match: dict[str, Any], share: float) -> None:
    asked = scenario(
        flow("a", share=60, models={"openai/gpt-4o-mini": 1, "xai/grok-4.3": 1}),
        flow("b", share=40, models={"openai/gpt-4o": 1}),
        flow("c", share=0, models={"openai/gpt-4o": 1}),
        incidents=(incident(at=0, seconds=200, errors={"auth": 1.0}, **match),),
        instances=4,
    )
    if match.get("model"):
        share = 0.4
    attempts = run(asked).attempts
    assert near(share_of(attempts.error, "auth"), share, len(attempts))


def test_incidents_that_overlap_add_up() -> None:
    asked = scenario(
        incidents=(
            incident("one", at=0, seconds=200, errors={"auth": 0.2}),
            incident("two", at=100, seconds=100, errors={"auth": 0.3}),
        )
    )
    attempts = run(asked).attempts
    late = attempts.start_ns >= 100 * SECOND
    assert near(share_of(attempts.error[late], "auth"), 0.5, int(late.sum()))


def test_a_slowdown_multiplies_durations() -> None:
    calm = run(scenario())
    slow = run(scenario(incidents=(incident(at=50, seconds=50, slowdown=4.0),)))
    ratio = (slow.attempts.end_ns - slow.attempts.start_ns) / (
        calm.attempts.end_ns - calm.attempts.start_ns
    )
    inside = (calm.attempts.start_ns >= 50 * SECOND) & (calm.attempts.start_ns < 100 * SECOND)
    np.testing.assert_allclose(ratio[inside], 4.0, rtol=1e-6)
    np.testing.assert_array_equal(ratio[~inside], 1.0)


def test_retries_cure() -> None:
    once = run(scenario(errors={"rate_limit": 0.3}))
    thrice = run(scenario(errors={"rate_limit": 0.3}, max_attempts=3))
    assert near(float((once.requests.error > 0).mean()), 0.3, len(once))
    assert near(float((thrice.requests.error > 0).mean()), 0.3**3, len(thrice))
    cured = (thrice.operations.attempts > 1) & (thrice.operations.error == 0)
    assert thrice.operations.first_error[cured].all()
    assert (thrice.operations.first_token_ns[cured] > 0.4 * SECOND).all()


def test_a_retry_beyond_an_incident_escapes_it() -> None:
    asked = scenario(
        incidents=(incident(at=0, seconds=100, errors={"overloaded": 1.0}),),
        max_attempts=2,
        backoff_ns=30 * SECOND,
    )
    attempts = run(asked).attempts
    inside = attempts.start_ns < 100 * SECOND
    assert (attempts.error[inside] > 0).all()
    assert not attempts.error[~inside].any()


def test_timeouts_take_ten_seconds_and_refusals_are_quick() -> None:
    result = run(scenario(errors={"timeout": 0.5, "rate_limit": 0.5}), blocks=20)
    took = (result.attempts.end_ns - result.attempts.start_ns) / SECOND
    timeout = result.attempts.error == ERROR_KINDS.index("timeout")
    np.testing.assert_allclose(took[timeout], 10.0)
    assert 0.09 < np.median(took[~timeout]) < 0.11


def test_a_slowdown_holds_for_refusals_but_not_for_timeouts() -> None:
    asked = scenario(
        errors={"timeout": 0.5, "rate_limit": 0.5},
        incidents=(incident(at=0, seconds=200, slowdown=4.0),),
    )
    attempts = run(asked, blocks=20).attempts
    took = (attempts.end_ns - attempts.start_ns) / SECOND
    timeout = attempts.error == ERROR_KINDS.index("timeout")
    np.testing.assert_allclose(took[timeout], 10.0)
    assert 0.36 < np.median(took[~timeout]) < 0.44


def test_a_server_error_takes_part_of_the_normal_time() -> None:
    calm = run(scenario(), blocks=20).attempts
    broken = run(scenario(errors={"server_error": 1.0}), blocks=20).attempts
    part = (broken.end_ns - broken.start_ns) / (calm.end_ns - calm.start_ns)
    assert part.min() >= 0.1
    assert part.max() <= 0.9
    assert part.std() > 0.2


def test_a_fallback_is_a_further_operation_at_the_other_provider() -> None:
    asked = scenario(
        flow(models={"openai/gpt-4o-mini": 1}),
        incidents=(incident(at=0, seconds=300, provider="openai", errors={"overloaded": 1.0}),),
        max_attempts=2,
        fallback={"openai": "anthropic"},
    )
    result = run(asked)
    operations = result.operations
    assert not result.requests.error.any()
    assert len(operations) == 2 * len(result)
    first, second = (
        operations.take(~operations.is_fallback),
        operations.take(operations.is_fallback),
    )
    assert first.error.all()
    assert not first.is_last.any()
    assert second.is_last.all()
    np.testing.assert_array_equal(second.start_ns, first.end_ns[second.request])
    routes = simulator(asked).vocabulary.routes
    assert {routes[code].full_name for code in second.route} == {"anthropic/claude-haiku-4.5"}
    assert {routes[code].full_name for code in result.requests.route} == {"openai/gpt-4o-mini"}


@pytest.mark.parametrize(
    ("models", "target", "expected"),
    [
        ({"openai/gpt-4o": 1, "anthropic/claude-opus-4.5": 1}, "anthropic", "claude-opus-4.5"),
        ({"openai/gpt-4o": 1}, "anthropic", "claude-sonnet-4.6"),
        ({"openai/gpt-4o": 1}, "groq", "gpt-oss-120b"),
        ({"openai/gpt-4o": 1}, "anthropic/claude-haiku-4.5", "claude-haiku-4.5"),
    ],
)
def test_a_fallback_goes_to_the_model_that_fits(
    models: dict[str, Any], target: str, expected: str
) -> None:
    asked = scenario(
        flow(models=models),
        incidents=(incident(at=0, seconds=200, provider="openai", errors={"timeout": 1.0}),),
        fallback={"openai": target},
    )
    sim = simulator(asked)
    operations = sim.simulate(0).operations
    names = {sim.vocabulary.routes[code].name for code in operations.route[operations.is_fallback]}
    assert names == {expected}


def test_fallbacks_never_return_to_a_provider() -> None:
    asked = scenario(
        errors={"server_error": 1.0},
        fallback={"openai": "anthropic", "anthropic": "google", "google": "openai"},
    )
    sim = simulator(asked)
    result = sim.simulate(0)
    first = result.operations.request == 0
    routes = [sim.vocabulary.routes[code].provider for code in result.operations.route[first]]
    assert routes == ["openai", "anthropic", "google"]
    assert set(result.requests.status_code) == {502}


def test_what_no_other_provider_cures_does_not_fall_back() -> None:
    asked = scenario(errors={"content_filter": 1.0}, fallback={"openai": "anthropic"})
    result = run(asked, blocks=5)
    assert len(result.operations) == len(result)
    assert set(result.requests.status_code) == {400}


def test_embeddings_have_nowhere_to_fall_back_to_without_such_a_model() -> None:
    asked = scenario(
        flow(
            workflow="embeddings",
            tokens="embeddings",
            streaming=0.0,
            models={"openai/text-embedding-3-small": 1},
        ),
        errors={"timeout": 1.0},
        fallback={"openai": "anthropic"},
    )
    result = run(asked, blocks=2)
    assert len(result.operations) == len(result)


def test_errors_above_certainty_take_the_kinds_in_order() -> None:
    asked = scenario(
        errors={"rate_limit": 0.6},
        incidents=(incident(at=0, seconds=200, errors={"rate_limit": 0.2, "auth": 0.2}),),
        load=load(stage(100, rate=100.0)),
    )
    attempts = run(asked).attempts
    assert attempts.error.all()
    assert near(share_of(attempts.error, "auth"), 0.2, len(attempts))
