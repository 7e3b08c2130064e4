from __future__ import annotations

import math

import numpy as np

from simtraffic.catalog import load_catalog
from simtraffic.simulation.traffic import AliasDraw, Mix
from tests.builders import flow, scenario, weighted


def test_a_choice_keeps_its_weights() -> None:
    weights = [5.0, 1.0, 0.25, 3.0, 0.75]
    picked = AliasDraw.of(weights).pick(np.random.default_rng(3).random(200_000))
    counts = np.bincount(picked, minlength=len(weights)) / 200_000
    for count, weight in zip(counts, weights, strict=True):
        # Five standard errors.
        assert abs(count - weight / 10) < 5 * math.sqrt(weight / 10 / 200_000)


def test_a_choice_of_one_needs_no_chance() -> None:
    np.testing.assert_array_equal(AliasDraw.of([2.0]).pick(np.array([0.0, 0.999])), [0, 0])


def test_the_extremes_of_a_draw_are_within_the_choices() -> None:
    choice = AliasDraw.of([1.0, 2.0, 3.0])
    assert set(choice.pick(np.array([0.0, np.nextafter(1.0, 0.0)]))) <= {0, 1, 2}


def test_combinations_are_flow_model_and_streaming() -> None:
    asked = scenario(
        flow("a", share=3, streaming=0.5, models={"openai/gpt-4o": 1, "xai/grok-4.3": weighted(3)}),
        flow("b", share=1, streaming=0.0, models={"openai/gpt-4o": 1}),
    )
    mix = Mix.of(asked, load_catalog())
    assert [(c.flow, c.route, c.streaming) for c in mix.combinations] == [
        (0, 0, True), (0, 0, False), (0, 1, True), (0, 1, False), (1, 0, False),
    ]  # fmt: skip
    assert mix.weights == [0.75 / 8, 0.75 / 8, 2.25 / 8, 2.25 / 8, 0.25]
    assert set(mix.fallbacks) == {-1}


def test_a_model_without_weight_is_never_chosen() -> None:
    mix = Mix.of(scenario(flow(models={"openai/gpt-4o": 1, "xai/grok-4.3": 0})), load_catalog())
    assert {c.route for c in mix.combinations} == {0}


def test_the_vocabulary_names_what_fallbacks_reach() -> None:
    asked = scenario(flow("a"), fallback={"openai": "anthropic", "anthropic": "openai"})
    mix = Mix.of(asked, load_catalog())
    words = mix.vocabulary(asked, ("one",))
    assert [route.full_name for route in words.routes] == [
        "openai/gpt-4o-mini",
        "anthropic/claude-haiku-4.5",
    ]
    assert (words.flows, words.flow_workflows, words.stages) == (("a",), (0,), ("one",))
    # Both streaming variants fall back; nothing returns.
    assert mix.fallbacks == [2, 3, -1, -1]
