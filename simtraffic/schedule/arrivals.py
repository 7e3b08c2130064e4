"""How arrivals are spread over operational time, block by block.

Operational time counts expected arrivals, so here the rate is always one a unit. Each block is
drawn alone: the result depends on seed and block, not on which blocks were drawn before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simtraffic.arrays import Floats

if TYPE_CHECKING:
    from simtraffic.randomness import Streams

_STREAM = "arrivals"


@dataclass(frozen=True, slots=True)
class BlockGrid:
    """Equal windows of operational time."""

    count: int
    total: float
    """Arrivals expected in all."""

    @property
    def size(self) -> float:
        """Arrivals expected in one block."""
        return self.total / self.count if self.count else 0.0

    def start(self, block: int) -> float:
        """Operational time at which a block starts; that of block ``count`` is the end."""
        return self.total if block >= self.count else block * self.size


@dataclass(frozen=True, slots=True)
class Even:
    """The i-th arrival of the run at operational time i + 0.5."""

    grid: BlockGrid

    def _first(self, block: int) -> int:
        # Rounding keeps the binary fuzz of a total such as 10.500000000000002 from adding one.
        return max(0, math.ceil(round(self.grid.start(block) - 0.5, 6)))

    def positions(self, block: int) -> Floats:
        """Operational times of a block: halfway between whole numbers."""
        halfway = np.arange(self._first(block), self._first(block + 1)) + 0.5
        positions: Floats = np.minimum(halfway, self.grid.total)
        return positions

    def count(self, block: int) -> int:
        """How many there are, by arithmetic alone."""
        return self._first(block + 1) - self._first(block)

    def total(self) -> int:
        """How many the whole run has."""
        return self._first(self.grid.count)


@dataclass(frozen=True, slots=True)
class Poisson:
    """Independent arrivals: a Poisson count a block, spread uniformly."""

    grid: BlockGrid
    streams: Streams

    def positions(self, block: int) -> Floats:
        """Uniform order statistics, as normalised sums of exponentials: sorted without sorting."""
        generator = self.streams.block(_STREAM, block)
        count = int(generator.poisson(self.grid.size))
        sums = np.cumsum(generator.standard_exponential(count + 1))
        positions: Floats = self.grid.start(block) + sums[:-1] * (self.grid.size / sums[-1])
        return positions

    def count(self, block: int) -> int:
        """The first draw of the block's stream."""
        return int(self.streams.block(_STREAM, block).poisson(self.grid.size))


@dataclass(frozen=True, slots=True)
class Gamma:
    """Gamma-distributed gaps of mean one; ``cv`` above one makes bursts, below one regularity.

    Each block is a stationary renewal process of its own: its first gap is drawn from the
    equilibrium distribution (a uniform part of a length-biased gap), so that the expected count is
    exact. Bursts do not reach over the border of a block.
    """

    grid: BlockGrid
    streams: Streams
    cv: float

    def positions(self, block: int) -> Floats:
        """Running sums of gaps, as far as the block reaches."""
        generator = self.streams.block(_STREAM, block)
        shape = 1.0 / (self.cv * self.cv)
        size = self.grid.size
        # Length-biased gamma(k) is gamma(k + 1).
        parts = [np.array([generator.standard_gamma(shape + 1.0) / shape * generator.random()])]
        reached = float(parts[0][0])
        step = int(size + 4.0 * self.cv * math.sqrt(size)) + 8
        while reached < size:
            sums = reached + np.cumsum(generator.standard_gamma(shape, step) / shape)
            parts.append(sums)
            reached = float(sums[-1])
        places = np.concatenate(parts)
        return self.grid.start(block) + places[: int(np.searchsorted(places, size))]

    def count(self, block: int) -> int:
        """Known only by drawing."""
        return len(self.positions(block))


Spread = Even | Poisson | Gamma
"""A way of spreading arrivals. ``positions`` gives a block's operational times, sorted; ``count``
how many there are, without placing them where that is cheaper."""
