"""How long prompts and answers are, what of them is cached or reasoning, and how answers end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simtraffic.arrays import Codes, Floats, Indices, Ints
from simtraffic.distributions import Z95, QuantileTables, lognormal_of_quantiles
from simtraffic.randomness import mix as hash_mix
from simtraffic.randomness import uniform
from simtraffic.simulation.tables import Tokens

if TYPE_CHECKING:
    from simtraffic.catalog import Catalog, Model, Profile
    from simtraffic.scenario import Flow
    from simtraffic.simulation.draws import Draws
    from simtraffic.simulation.traffic import Combination, Mix

CACHE_STEP = 128
"""Providers cache prompts in steps of this many tokens (OpenAI's documented step)."""

LARGEST_LADDER = 1 << 20
SMALLEST_LADDER = 256
LADDER_STEPS = (1, 1, 2, 4)
"""Bound of the output, as multiples of the smallest usual bound above the flow's 95th percentile;
each a quarter of the requests. Own assumption: no public figure was found."""

_STOP, _LENGTH, _TOOL_CALL, _CONTENT_FILTER = 1, 2, 3, 4


class TokenModel:
    """Turns scores into token counts, per combination."""

    def __init__(self, mix: Mix, catalog: Catalog) -> None:
        profiles = [_profile_of(flow, catalog) for flow in mix.flows]
        self.lengths = QuantileTables.of_mixtures(
            [_input(flow, p) for flow, p in zip(mix.flows, profiles, strict=True)]
            + [_output(flow, p) for flow, p in zip(mix.flows, profiles, strict=True)]
        )
        flows = len(mix.flows)
        shares = [_cached_share(flow, p) for flow, p in zip(mix.flows, profiles, strict=True)]
        self.cached_from_conversation = [share is None for share in shares]
        self.flow = np.array([c.flow for c in mix.combinations], dtype=np.intp)
        self.output_row = self.flow + flows
        self.cached_share = mix.figures(lambda c, _: shares[c.flow] or 0.0)
        self.window = mix.figures(lambda _, m: m.context_window)
        self.least = mix.figures(lambda _, m: float(m.kind == "chat"))
        self.reasoning = mix.figures(lambda c, m: _reasoning_share(mix.flows[c.flow], m))
        self.filtered = mix.figures(lambda c, _: profiles[c.flow].content_filter * 65536)
        self.special = self.filtered + mix.figures(lambda c, _: profiles[c.flow].tool_call * 65536)
        self.ladder = self._ladder(mix, flows)
        self.any_cached = bool((self.cached_share > 0).any())
        self.any_reasoning = bool((self.reasoning > 0).any())
        self.all_generate = bool((self.least > 0).all())

    def _ladder(self, mix: Mix, flows: int) -> Ints:
        def bounds(combination: Combination, model: Model) -> list[int]:
            usual = self.lengths.quantile(flows + combination.flow, Z95)
            bound = SMALLEST_LADDER
            while bound < usual and bound < LARGEST_LADDER:
                bound *= 2
            return [min(bound * step, model.max_output) for step in LADDER_STEPS]

        rows = [bounds(c, mix.models[c.route]) for c in mix.combinations]
        return np.array(rows, dtype=np.int64).ravel()

    def input(self, combinations: Indices, scores: Floats) -> Ints:
        """Input tokens, at least 1, at most the model's context window."""
        lengths = self.lengths.at(scores, self.flow.take(combinations))
        np.rint(lengths, out=lengths)
        np.minimum(lengths, self.window.take(combinations), out=lengths)
        np.maximum(lengths, 1.0, out=lengths)
        return lengths.astype(np.int64)

    def tokens(self, combinations: Indices, draws: Draws, previous: Ints | None) -> Tokens:
        """The tokens of each call.

        Args:
            combinations: Kind of each call.
            draws: Of the calls' requests.
            previous: Input that the provider has in its cache from the conversation's turn before
                (0 for none); None when no flow is a conversation.
        """
        inputs = self.input(combinations, draws.input)
        outputs, bounds, finish = self._answers(combinations, draws)
        return Tokens(
            input=inputs,
            cached=self._cached(combinations, draws, inputs, previous),
            output=outputs,
            reasoning=self._reasoned(combinations, draws, outputs),
            max_tokens=bounds,
            finish=finish,
        )

    def _answers(self, combinations: Indices, draws: Draws) -> tuple[Ints, Ints, Codes]:
        lengths = self.lengths.at(draws.output, self.output_row.take(combinations))
        np.rint(lengths, out=lengths)
        np.maximum(lengths, self.least.take(combinations), out=lengths)
        small = draws.small.view(np.uint16).reshape(-1, 4)
        outputs = lengths.astype(np.int64)
        bounds = self.ladder.take(combinations * len(LADDER_STEPS) + (small[:, 2] >> 14))
        cut = outputs > bounds
        np.minimum(outputs, bounds, out=outputs)
        ending = small[:, 3].astype(np.float64)
        finish = np.full(len(outputs), _STOP, dtype=np.int16)
        finish[ending < self.special.take(combinations)] = _TOOL_CALL
        finish[ending < self.filtered.take(combinations)] = _CONTENT_FILTER
        finish[cut] = _LENGTH
        if not self.all_generate:
            finish *= self.least.take(combinations) > 0
        return outputs, bounds, finish

    def _cached(
        self, combinations: Indices, draws: Draws, inputs: Ints, previous: Ints | None
    ) -> Ints:
        if previous is None:
            cached = np.zeros(len(inputs), dtype=np.int64)
        else:
            cached = np.minimum(previous & -CACHE_STEP, inputs)
        if not self.any_cached:
            return cached
        share = self.cached_share.take(combinations)
        rows = np.flatnonzero(share > 0)
        asked = share[rows]
        bits = draws.places[rows]
        # A hit has a mean share of 0.6 to 1; the chance of a hit makes up the rest.
        given_hit = 0.6 + 0.4 * asked
        hit = uniform(hash_mix(bits, np.uint64(11))) * given_hit < asked
        spread = np.minimum(1.0 - given_hit, 0.3) * (
            2.0 * uniform(hash_mix(bits, np.uint64(12))) - 1.0
        )
        cached[rows] = np.rint(inputs[rows] * (given_hit + spread) * hit).astype(np.int64)
        return cached

    def _reasoned(self, combinations: Indices, draws: Draws, outputs: Ints) -> Ints:
        reasoning = np.zeros(len(outputs), dtype=np.int64)
        if not self.any_reasoning:
            return reasoning
        share = self.reasoning.take(combinations)
        rows = np.flatnonzero(share > 0)
        mean = share[rows]
        # Uniform around the mean; for a mean of 0.736 the coefficient of variation is 0.2
        # (ServeGen reports 0.29).
        around = np.minimum(mean, 1.0 - mean) * (
            2.0 * uniform(hash_mix(draws.places[rows], np.uint64(13))) - 1.0
        )
        most = np.maximum(outputs[rows] - 1, 0)
        parts = np.rint(outputs[rows] * (mean + around)).astype(np.int64)
        reasoning[rows] = np.minimum(parts, most)
        return reasoning


def _profile_of(flow: Flow, catalog: Catalog) -> Profile:
    default = "embeddings" if flow.workflow == "embeddings" else "chat"
    return catalog.profiles[flow.tokens if isinstance(flow.tokens, str) else default]


def _input(flow: Flow, profile: Profile) -> list[tuple[float, float, float]]:
    if isinstance(flow.tokens, str):
        return [(part.weight, part.mu, part.sigma) for part in profile.input]
    asked = flow.tokens.input
    return [(1.0, *lognormal_of_quantiles(asked.p50, asked.p95))]


def _output(flow: Flow, profile: Profile) -> list[tuple[float, float, float]]:
    if flow.workflow == "embeddings":
        return []
    asked = None if isinstance(flow.tokens, str) else flow.tokens.output
    if asked is None:
        return [(part.weight, part.mu, part.sigma) for part in profile.output]
    return [(1.0, *lognormal_of_quantiles(asked.p50, asked.p95))]


def _cached_share(flow: Flow, profile: Profile) -> float | None:
    """The mean cached share; None when the conversation decides."""
    asked: float | None = None if isinstance(flow.tokens, str) else flow.tokens.cached
    if asked is not None:
        return asked
    if flow.conversation is not None:
        return None
    return profile.cached if isinstance(flow.tokens, str) else 0.0


def _reasoning_share(flow: Flow, model: Model) -> float:
    asked = None if isinstance(flow.tokens, str) else flow.tokens.reasoning
    share = model.reasoning_share if asked is None else asked
    return share if model.kind == "chat" else 0.0
