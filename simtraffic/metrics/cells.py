"""Rows grouped for counting: cells of one shape, instance and interval, and where they go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from simtraffic.arrays import Array, Floats, Indices, Ints

if TYPE_CHECKING:
    from simtraffic.conventions.frames import Frame
    from simtraffic.conventions.model import Column

_GROW = 16


def exact_sums(values: Ints, starts: Indices) -> Ints:
    """Sums of int64 values per group of consecutive rows, without rounding."""
    return np.add.reduceat(values, starts)


@dataclass(frozen=True, slots=True)
class Cells:
    """Rows grouped by shape, instance and interval; each group is a run of consecutive rows."""

    frame: Frame
    """The rows, in the order of their groups."""
    group: Indices
    """Group of each row."""
    starts: Indices
    """First row of each group."""
    interval: Indices
    """Of each group, counted from the oldest interval still open."""
    instance: Indices
    shape: Indices
    counts: Ints

    def __len__(self) -> int:
        return len(self.counts)


def cells_of(frame: Frame, number: int, interval_ns: int, instances: int) -> Cells:
    """Group the rows of a frame; ``number`` is that of the oldest open interval."""
    intervals = np.maximum(-(-frame.end_ns // interval_ns), 1) - number
    width = int(intervals.max()) + 1
    frame, key = frame.sorted_by(frame.keys(instances, intervals))
    changes = np.flatnonzero(key[1:] != key[:-1]) + 1
    starts = np.concatenate([np.zeros(1, dtype=np.intp), changes])
    counts = np.diff(starts, append=len(key))
    owner, interval = np.divmod(key[starts], width)
    shape, instance = np.divmod(owner, instances)
    group = np.repeat(np.arange(len(starts)), counts)
    return Cells(
        frame=frame,
        group=group,
        starts=starts,
        interval=interval,
        instance=instance,
        shape=shape,
        counts=counts,
    )


class BucketFinder:
    """Finds the bucket of many values at once, faster than a binary search.

    The leading bits of a double (exponent and six bits of fraction) pick a range so narrow that at
    most one bound lies in it; one comparison settles the rest. Falls back to the search where
    bounds lie closer together.
    """

    _SHIFT = 46

    def __init__(self, bounds: Floats) -> None:
        """``bounds`` grow and are the upper, inclusive ends of the buckets."""
        self._bounds = bounds
        slots = bounds.view(np.int64) >> self._SHIFT
        self._usable = bool(len(bounds)) and bounds[0] > 0 and len(np.unique(slots)) == len(bounds)
        if self._usable:
            self._base = int(slots[0])
            edges = (np.arange(self._base, int(slots[-1]) + 2) << self._SHIFT).view(np.float64)
            self._table = np.searchsorted(bounds, edges, side="left")
            self._ends = np.append(bounds, np.inf)

    def find(self, values: Ints | Floats) -> Indices:
        """Index of the first bound that is not below each value."""
        if not self._usable:
            return np.searchsorted(self._bounds, values, side="left")
        floats = values.astype(np.float64)
        slot = (floats.view(np.int64) >> self._SHIFT) - self._base
        np.clip(slot, 0, len(self._table) - 1, out=slot)
        bucket: Indices = self._table[slot]
        bucket += floats > self._ends[bucket]
        return bucket


class OpenIntervals:
    """An array over the open intervals; it grows at the end and is taken from the front."""

    def __init__(self, instances: int, width: int, dtype: type, fill: float = 0) -> None:
        """Each interval holds (instances, series, width) items, or (instances, series) for 0."""
        self._width = width
        self._fill = fill
        shape = (_GROW, instances, 0, *((width,) if width else ()))
        self.data = np.full(shape, fill, dtype=dtype)

    @property
    def flat(self) -> Array:
        """The same items with interval, instance and series as one axis."""
        return self.data.reshape(-1, *self.data.shape[3:])

    def ensure(self, intervals: int, series: int) -> None:
        """Make room for this many intervals and series."""
        have = self.data.shape
        if have[0] >= intervals and have[2] >= series:
            return
        shape = (
            max(have[0], intervals + _GROW if have[0] < intervals else 0),
            have[1],
            max(have[2], series + _GROW if have[2] < series else 0),
            *have[3:],
        )
        grown = np.full(shape, self._fill, dtype=self.data.dtype)
        grown[: have[0], :, : have[2]] = self.data
        self.data = grown

    def pop(self) -> Array:
        """The oldest interval's values; the others move up."""
        first: Array = self.data[0].copy()
        self.data[:-1] = self.data[1:]
        self.data[-1] = self._fill
        return first


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Values to be measured, in runs of one cell each; one item a row, or one a run."""

    frame: Frame
    values: Ints
    """Added to the sum."""
    each: Ints | Floats
    """Put into a bucket: the value, or its share when it counts several times."""
    times: Ints | None = None
    """How often each row's value counts; None for once."""
    picked: Indices | None = None
    """Rows of the frame; None for all of them in their order."""
    group: Indices
    """Run of each row."""
    starts: Indices
    """First row of each run."""
    cells: Indices | None = None
    """Which of the cells these runs are; None for all of them in their order."""
    interval: Indices
    """Of each run, counted from the oldest interval still open."""
    instance: Indices

    @classmethod
    def of(cls, cells: Cells, value: Column, times: Column | None) -> Self:
        """A column's values; with ``times``, spread evenly over that many measurements."""
        frame = cells.frame
        values = read(frame, value)
        if times is None:
            return cls(
                frame=frame,
                values=values,
                each=values,
                group=cells.group,
                starts=cells.starts,
                interval=cells.interval,
                instance=cells.instance,
            )
        weights = read(frame, times)
        picked = np.flatnonzero(weights > 0)
        group = cells.group[picked]
        starts = np.flatnonzero(np.diff(group, prepend=-1))
        which = group[starts]
        values, weights = values[picked], weights[picked]
        return cls(
            frame=frame,
            values=values,
            each=values / weights,
            times=weights,
            picked=picked,
            group=np.repeat(np.arange(len(starts)), np.diff(starts, append=len(group))),
            starts=starts,
            cells=which,
            interval=cells.interval[which],
            instance=cells.instance[which],
        )


def read(frame: Frame, column: Column) -> Ints:
    """A column's values, one per row."""
    values: Ints = frame.raw[column.name]
    return values
