from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from simtraffic.catalog import load_catalog
from simtraffic.simulation.tables import FINISH_REASONS, Operations
from tests.builders import flow, load, scenario, simulator, stage, tokens

LARGE = load(stage(100, rate=1000.0))


def operations(blocks: int = 30, **asked: Any) -> Operations:
    return simulator(scenario(flow(**asked), load=LARGE)).simulate_blocks(range(blocks)).operations


def share_below(values: np.ndarray, bound: float) -> float:
    return float((values <= bound).mean())


def test_lengths_have_the_asked_quantiles() -> None:
    made = operations(tokens=tokens((900, 4000), (160, 600)))
    error = 5 / math.sqrt(len(made))
    for values, p50, p95 in ((made.input_tokens, 900, 4000), (made.output_tokens, 160, 600)):
        # Half a token of rounding is far below five standard errors at n = 47,000.
        assert abs(share_below(values, p50) - 0.5) < 0.5 * error + 0.002
        assert abs(share_below(values, p95) - 0.95) < 0.22 * error + 0.002


@pytest.mark.parametrize("name", ["conversation", "code", "long_context", "agent", "api_large"])
def test_lengths_follow_the_profile(name: str) -> None:
    made = operations(tokens=name, models={"google/gemini-2.5-flash": 1})
    profile = load_catalog().profiles[name]
    mean = sum(p.weight * math.exp(p.mu + p.sigma**2 / 2) for p in profile.input)
    square = sum(p.weight * math.exp(2 * p.mu + 2 * p.sigma**2) for p in profile.input)
    error = math.sqrt((square - mean**2) / len(made))
    assert abs(made.input_tokens.mean() - mean) < 5 * error
    mean_out = sum(p.weight * math.exp(p.mu + p.sigma**2 / 2) for p in profile.output)
    # The bound, one to eight times the 95th percentile, cuts the far tail.
    assert 0.85 * mean_out < made.output_tokens.mean() < 1.05 * mean_out


def test_input_and_output_are_independent() -> None:
    made = operations(tokens="conversation")
    ranks = np.corrcoef(
        np.argsort(np.argsort(made.input_tokens)), np.argsort(np.argsort(made.output_tokens))
    )
    assert abs(ranks[0, 1]) < 5 / math.sqrt(len(made))


def test_the_context_window_bounds_the_input() -> None:
    made = operations(tokens=tokens((100_000, 900_000), (100, 200)))
    assert made.input_tokens.max() == 128_000
    assert made.input_tokens.min() >= 1


def test_max_tokens_is_a_ladder_that_cuts_few() -> None:
    made = operations(tokens="conversation")
    assert set(made.max_tokens) == {512, 1024, 2048}
    cut = made.finish == FINISH_REASONS.index("length")
    assert 0.001 < cut.mean() < 0.03
    assert (made.output_tokens[cut] == made.max_tokens[cut]).all()


def test_the_models_own_bound_holds() -> None:
    made = operations(tokens=tokens((100, 200), (6000, 40_000)), models={"cohere/command-r": 1})
    assert set(made.max_tokens) == {4096}
    assert made.output_tokens.max() == 4096


def test_answers_end_as_the_profile_says() -> None:
    made = operations(tokens="agent")
    for reason, share in (("tool_call", 0.5), ("content_filter", 0.001)):
        found = float((made.finish == FINISH_REASONS.index(reason)).mean())
        # What `length` cuts comes first: a few in a thousand.
        assert abs(found - share) < 5 * math.sqrt(share / len(made)) + 0.01 * share
    assert made.finish.all()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.8, 1.0])
def test_the_mean_cached_share_is_the_one_asked_for(share: float) -> None:
    made = operations(tokens=tokens((900, 4000), (100, 200), cached=share))
    parts = made.cached_tokens / made.input_tokens
    assert abs(parts.mean() - share) < 5 * 0.5 / math.sqrt(len(made))
    assert (made.cached_tokens <= made.input_tokens).all()


def test_a_profile_may_bring_its_cached_share() -> None:
    made = operations(tokens="long_context")
    parts = made.cached_tokens / made.input_tokens
    assert abs(parts.mean() - 0.366) < 5 * 0.5 / math.sqrt(len(made))
    assert not operations(blocks=3, tokens="code").cached_tokens.any()


def test_reasoning_is_part_of_the_output() -> None:
    made = operations(tokens="reasoning", models={"openai/o4-mini": 1})
    assert (made.reasoning_tokens < made.output_tokens).all()
    long = made.output_tokens > 100
    parts = made.reasoning_tokens[long] / made.output_tokens[long]
    assert abs(parts.mean() - 0.736) < 0.005
    assert not operations(blocks=3).reasoning_tokens.any()


def test_an_asked_reasoning_share_wins() -> None:
    made = operations(tokens=tokens((100, 200), (1000, 2000), reasoning=0.4))
    assert abs((made.reasoning_tokens / made.output_tokens).mean() - 0.4) < 0.005
    none = operations(
        blocks=3,
        tokens=tokens((100, 200), (1000, 2000), reasoning=0.0),
        models={"openai/o4-mini": 1},
    )
    assert not none.reasoning_tokens.any()
