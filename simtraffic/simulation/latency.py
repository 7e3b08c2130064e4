"""How long a call takes that succeeds.

- first token = queue + (network + prefill x uncached input) x noise + reasoning x pace
- duration = first token + (visible output - 1) x pace
- pace = time per token x noise x slow-down under load
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simtraffic.arrays import Floats, Indices

if TYPE_CHECKING:
    from simtraffic.simulation.draws import CallDraws
    from simtraffic.simulation.tables import Tokens
    from simtraffic.simulation.traffic import Mix


class LatencyModel:
    """Turns tokens into times, per combination."""

    def __init__(self, mix: Mix) -> None:
        self.network_ns = mix.figures(lambda _, m: m.network_ms * 1e6)
        self.prefill_ns = mix.figures(lambda _, m: m.prefill_us_per_token * 1e3)
        self.pace_ns = mix.figures(lambda _, m: m.per_token_us * 1e3)
        self.sigma_first = mix.figures(lambda _, m: m.sigma_first)
        self.sigma_pace = mix.figures(lambda _, m: m.sigma_pace)

    def times(
        self,
        combinations: Indices,
        tokens: Tokens,
        draws: CallDraws,
        queue_ns: Floats,
        slowdown: Floats,
    ) -> tuple[Floats, Floats]:
        """Time to the first token and duration of each call, in ns."""
        noise = self.sigma_first.take(combinations)
        noise *= draws.first
        np.exp(noise, out=noise)
        first = self.prefill_ns.take(combinations)
        first *= tokens.input - tokens.cached
        first += self.network_ns.take(combinations)
        first *= noise
        first += queue_ns
        pace = self.sigma_pace.take(combinations)
        pace *= draws.pace
        np.exp(pace, out=pace)
        pace *= self.pace_ns.take(combinations)
        pace *= slowdown
        first += pace * tokens.reasoning
        rest = tokens.output - tokens.reasoning - 1
        np.maximum(rest, 0, out=rest)
        pace *= rest
        pace += first
        return first, pace
