"""A scenario's load as a schedule: when each request is due. Pure; it knows no clock.

The run is cut into blocks of equal operational time (expected arrivals). A block is the unit of
work and of randomness: any shard can draw any block, in any order, with the same result.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike

from simtraffic.arrays import Floats, Ints
from simtraffic.randomness import Streams
from simtraffic.schedule.arrivals import BlockGrid, Even, Gamma, Poisson
from simtraffic.schedule.curve import RateCurve, Segment
from simtraffic.schedule.shard import Shard

if TYPE_CHECKING:
    from simtraffic.scenario.model import Load, Scenario
    from simtraffic.schedule.arrivals import Spread

BLOCK_ARRIVALS = 2048
"""Expected arrivals a block in a large run: fills the cache, keeps numpy's overhead small."""

SMALL_RUN_BLOCKS = 64
"""A smaller run is cut into about this many blocks, so that shards share it fairly."""

SMALLEST_BLOCK = 32

HOLD = "hold"
"""Name of the stage that prolongs a run; longer when a stage of the scenario has it."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When requests are due."""

    curve: RateCurve
    grid: BlockGrid
    spread: Spread

    @classmethod
    def of(cls, scenario: Scenario, *, duration_ns: int | None = None) -> Self:
        """The schedule of a scenario.

        Args:
            scenario: Its load and seed are what counts.
            duration_ns: Cuts the run there, or holds the last stage's final rate until then, as a
                further stage named ``hold``.
        """
        curve = RateCurve(tuple(_bounded(_stages(scenario.load), duration_ns)))
        grid = BlockGrid(_block_count(curve.total), curve.total)
        return cls(curve, grid, _spread(scenario, grid))

    @property
    def stages(self) -> tuple[Segment, ...]:
        """The stages as they take place, one after the other."""
        return self.curve.segments

    @property
    def duration_ns(self) -> int:
        """When the last stage ends."""
        return self.stages[-1].end_ns

    @property
    def total_expected(self) -> float:
        """Arrivals expected in the whole run."""
        return self.curve.total

    @property
    def block_count(self) -> int:
        """Blocks are numbered from 0; 0 when nothing is expected."""
        return self.grid.count

    @property
    def block_size(self) -> float:
        """Arrivals expected in each block, at most about 2,048."""
        return self.grid.size

    def rate(self, t_ns: ArrayLike) -> Floats:
        """Arrivals a second at these times, in ns since the start."""
        return self.curve.rate(t_ns)

    def expected(self, t_ns: ArrayLike) -> Floats:
        """Arrivals expected until these times, in ns since the start."""
        return self.curve.expected(t_ns)

    def block_window(self, block: int) -> tuple[int, int]:
        """Start (inclusive) and end (exclusive) of a block, in ns; windows follow each other."""
        return self._border(block), self._border(block + 1)

    def arrivals(self, block: int) -> Ints:
        """Sorted due times of a block's arrivals, in ns since the start, within its window."""
        due = self.curve.times(self.spread.positions(block))
        start, end = self.block_window(block)
        # Rounding must neither swap two arrivals nor move one over the border of its window.
        np.maximum.accumulate(due, out=due)
        return np.clip(due, start, max(start, end - 1), out=due)

    def count(self, block: int) -> int:
        """How many arrivals a block has."""
        return self.spread.count(block)

    def shard_blocks(self, shard: Shard) -> range:
        """The blocks of a shard: every ``count``-th."""
        return range(shard.index - 1, self.block_count, shard.count)

    def planned(self, shard: Shard | None = None) -> int:
        """How many arrivals a shard has; the whole run without one."""
        blocks = self.shard_blocks(shard or Shard())
        if isinstance(self.spread, Even) and blocks.step == 1:
            return self.spread.total()
        return sum(map(self.spread.count, blocks))

    def _border(self, block: int) -> int:
        if block <= 0:
            return 0
        if block >= self.block_count:
            return self.duration_ns
        return int(self.curve.times(np.array([self.grid.start(block)]))[0])


def _stages(load: Load) -> list[Segment]:
    stages = []
    now, rate = 0, float(load.start)
    for stage in load.stages:
        end = now + stage.duration_ns
        if stage.target is None:
            start_rate = end_rate = float(stage.rate or 0.0)
        else:
            start_rate, end_rate = rate, float(stage.target)
        stages.append(Segment(now, end, start_rate, end_rate, stage.name))
        now, rate = end, end_rate
    return stages


def _bounded(stages: list[Segment], duration_ns: int | None) -> list[Segment]:
    """The stages up to this time: the one it falls into is cut, the last one held if need be."""
    last = stages[-1]
    if duration_ns is None or duration_ns == last.end_ns:
        return stages
    if duration_ns > last.end_ns:
        name = HOLD
        while name in (stage.name for stage in stages):
            name += "-on"
        hold = Segment(last.end_ns, duration_ns, last.end_rate, last.end_rate, name)
        return [*stages, hold]
    kept = [stage for stage in stages if stage.start_ns < duration_ns] or stages[:1]
    last = kept[-1]
    if last.end_ns > duration_ns:
        slope = (last.end_rate - last.start_rate) / last.seconds
        rate = last.start_rate + slope * ((duration_ns - last.start_ns) / 1e9)
        kept[-1] = replace(last, end_ns=duration_ns, end_rate=rate)
    return kept


def _block_count(total: float) -> int:
    if total <= 0:
        return 0
    if total >= SMALL_RUN_BLOCKS * BLOCK_ARRIVALS:
        return math.ceil(total / BLOCK_ARRIVALS)
    return max(1, min(SMALL_RUN_BLOCKS, math.ceil(round(total / SMALLEST_BLOCK, 9))))


def _spread(scenario: Scenario, grid: BlockGrid) -> Spread:
    arrivals = scenario.load.arrivals
    if arrivals.kind == "even":
        return Even(grid)
    streams = Streams(scenario.seed)
    if arrivals.kind == "gamma":
        return Gamma(grid, streams, arrivals.cv)
    return Poisson(grid, streams)
