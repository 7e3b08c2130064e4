from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from simtraffic.catalog import load_catalog
from tests.builders import flow, load, scenario, simulator, stage, tokens

if TYPE_CHECKING:
    from simtraffic.simulation.tables import Operations


def serve(name: str, prompt: int, answer: int, **more: Any) -> Operations:
    asked = flow(
        models={name: 1},
        tokens=tokens((prompt, prompt), (answer, answer), **more),
    )
    sim = simulator(scenario(asked, load=load(stage(100, rate=200.0))))
    return sim.simulate_blocks(range(sim.schedule.block_count)).operations


@pytest.mark.parametrize("name", ["openai/gpt-4o", "anthropic/claude-haiku-4.5"])
def test_the_first_token_takes_network_and_prefill(name: str) -> None:
    model = load_catalog().models[name]
    made = serve(name, 2000, 100)
    expected = model.network_ms * 1e6 + 2000 * model.prefill_us_per_token * 1e3
    # The median of a lognormal; its error is 1.25 sigma / sqrt(n), n = 20,000. Queue and overhead
    # are below 2 ms.
    error = 5 * 1.25 * model.sigma_first / math.sqrt(len(made))
    assert np.median(made.first_token_ns) == pytest.approx(expected + 1e6, rel=error + 0.003)


def test_the_rest_of_the_answer_takes_its_pace() -> None:
    model = load_catalog().models["openai/gpt-4o"]
    made = serve("openai/gpt-4o", 500, 401)
    rest = made.end_ns - made.start_ns - made.first_token_ns
    error = 5 * 1.25 * model.sigma_pace / math.sqrt(len(made))
    assert np.median(rest) == pytest.approx(400 * model.per_token_us * 1e3, rel=error + 0.003)


def test_cached_input_needs_no_prefill() -> None:
    fresh = np.median(serve("openai/gpt-4o", 50_000, 100).first_token_ns)
    cached = np.median(serve("openai/gpt-4o", 50_000, 100, cached=1.0).first_token_ns)
    assert fresh / cached == pytest.approx((420 + 4000) / 420, rel=0.05)


def test_reasoning_comes_before_the_first_token() -> None:
    made = serve("openai/o4-mini", 500, 2000)
    model = load_catalog().models["openai/o4-mini"]
    reasoned = made.reasoning_tokens.mean() * model.per_token_us * 1e3
    assert made.first_token_ns.mean() > reasoned
    assert made.first_token_ns.mean() == pytest.approx(reasoned + 0.9e9, rel=0.1)
    took = made.end_ns - made.start_ns
    assert (made.first_token_ns < took).all()


def test_noise_has_the_models_spread() -> None:
    made = serve("openai/gpt-4o", 2000, 100)
    logs = np.log(made.first_token_ns - 200_000 - 400_000)
    assert logs.std() == pytest.approx(0.5, rel=5 / math.sqrt(2 * len(made)) + 0.01)
