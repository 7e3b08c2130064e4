"""What calls cost: tokens times price, in 1e-12 USD."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simtraffic.arrays import Indices, Ints

if TYPE_CHECKING:
    from simtraffic.simulation.tables import Tokens
    from simtraffic.simulation.traffic import Mix


class PriceModel:
    """What a token costs, per kind of call: cached input has a price of its own."""

    def __init__(self, mix: Mix) -> None:
        models = [mix.models[c.route] for c in mix.combinations]
        self.input = np.array([m.input_pusd for m in models], dtype=np.int64)
        self.cached = np.array([m.cached_pusd for m in models], dtype=np.int64)
        self.output = np.array([m.output_pusd for m in models], dtype=np.int64)

    def costs(self, combinations: Indices, tokens: Tokens) -> tuple[Ints, Ints]:
        """Cost of input (cached tokens at their own price) and of output."""
        costs = (tokens.input - tokens.cached) * self.input.take(combinations)
        costs += tokens.cached * self.cached.take(combinations)
        return costs, tokens.output * self.output.take(combinations)
