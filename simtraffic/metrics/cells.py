"""Rows grouped for counting: cells of one shape, instance and interval, and where they go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from simtraffic.arrays import Array, Floats, Indices, Ints
from simtraffic.metrics.series import ABSENT

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


def cells_of(frame: Frame, first: int, interval_ns: int, instances: int) -> Cells:
    """Group the rows of a frame; ``first`` is the number of the oldest open interval."""
    intervals = np.maximum(-(-frame.end_ns // interval_ns), 1) - first
    width = int(intervals.max()) + 1
    key = (frame.shape.astype(np.int64) * instances + frame.instance) * width + intervals
    if (key[1:] < key[:-1]).any():
        order = np.argsort(key.astype(np.uint16) if key.max() < 1 << 16 else key, kind="stable")
        frame, key = frame.take(order), key[order]
    changes = np.flatnonzero(key[1:] != key[:-1]) + 1
    starts = np.concatenate([np.zeros(1, dtype=np.intp), changes])
    counts = np.diff(starts, append=len(key))
    owner, interval = np.divmod(key[starts], width)
    shape, instance = np.divmod(owner, instances)
    group = np.repeat(np.arange(len(starts)), counts)
    return Cells(frame, group, starts, interval, instance, shape, counts)


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


class Window:
    """An array over the open intervals; it grows at the end and is taken from the front."""

    def __init__(self, instances: int, width: int, dtype: type, fill: float = 0) -> None:
        """Each interval holds (instances, series, width) items, or (instances, series) for 0."""
        self._width = width
        self._fill = fill
        shape = (_GROW, instances, 0, *((width,) if width else ()))
        self.data = np.full(shape, fill, dtype=dtype)

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


@dataclass(frozen=True, slots=True)
class Rows:
    """Values to be measured, in runs of one cell each."""

    frame: Frame
    values: Ints
    """Added to the sum."""
    each: Ints | Floats
    """Put into a bucket: the value, or its share when it counts several times."""
    times: Ints | None
    group: Indices
    starts: Indices
    cells: Indices | slice
    """Which of the cells these runs are."""
    interval: Indices
    instance: Indices
    picked: Indices | None
    """Rows of the frame; None for all of them in their order."""

    @classmethod
    def of(cls, cells: Cells, value: Column, times: Column | None) -> Self:
        """A column's values; with ``times``, spread evenly over that many measurements."""
        frame = cells.frame
        values = read(frame, value)
        if times is None:
            return cls(
                *(frame, values, values, None, cells.group, cells.starts, slice(None)),
                *(cells.interval, cells.instance, None),
            )
        weights = read(frame, times)
        picked = np.flatnonzero(weights > 0)
        group = cells.group[picked]
        starts = np.flatnonzero(np.diff(group, prepend=-1))
        which = group[starts]
        runs = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(group)))
        values, weights = values[picked], weights[picked]
        return cls(
            *(frame, values, values / weights, weights, runs, starts, which),
            *(cells.interval[which], cells.instance[which], picked),
        )


@dataclass(frozen=True, slots=True)
class Targets:
    """Where in the windows the cells of one measure go; several cells may share a series."""

    places: Indices
    """Flat index (interval, instance, series) of each target, without repeats."""
    cells: Indices
    """Cells that go anywhere."""
    cell_places: Indices
    """Flat index of each of those cells."""
    of_cell: Indices
    """Target of every cell; one past the last for cells that go nowhere."""

    @classmethod
    def of(
        cls, rows: Rows, series: NDArray[np.int32], windows: Sequence[Window], count: int
    ) -> Targets:
        """Make room in the windows, all of one shape, and find the places."""
        intervals = int(rows.interval.max()) + 1
        for window in windows:
            window.ensure(intervals, count)
        _, instances, width = windows[0].data.shape[:3]
        cells = np.flatnonzero(series != ABSENT)
        flat = (rows.interval[cells] * instances + rows.instance[cells]) * width + series[cells]
        places, inverse = np.unique(flat, return_inverse=True)
        of_cell = np.full(len(series), len(places), dtype=np.intp)
        of_cell[cells] = inverse
        return cls(places, cells, flat, of_cell)

    def __len__(self) -> int:
        return len(self.places)

    @staticmethod
    def flat(window: Window) -> Array:
        """The window with its first three axes as one."""
        return window.data.reshape(-1, *window.data.shape[3:])

    def coordinates(self, window: Window) -> tuple[Indices, ...]:
        """Interval, instance and series of each target."""
        return np.unravel_index(self.places, window.data.shape[:3])


def read(frame: Frame, column: Column) -> Ints:
    """A column's values, one per row."""
    values: Ints = frame.raw[column.name]
    return values
