"""Measurements to series, per collection interval and instance, exactly.

Rows are put into the interval in which they end, so they may come in any order and long before it
is collected. Sums are kept as integers in the column's own unit (nanoseconds, tokens, 1e-12 USD):
adding them up in another order or on several shards gives the same number to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from simtraffic.otlp.series import ABSENT, Instrument

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from simtraffic.conventions.model import Column, MetricSpec
    from simtraffic.otlp.frames import Frame, ShapeBook

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

_GROW = 16

EXEMPLAR_DTYPE = np.dtype(
    [
        ("interval", "<i8"),
        ("instance", "<i4"),
        ("series", "<i4"),
        ("bucket", "<i4"),
        ("value", "<f8"),
        ("time_ns", "<i8"),
        ("trace_id", "<u8", (2,)),
        ("span_id", "<u8"),
    ]
)


def exact_sums(values: Ints, starts: NDArray[np.intp]) -> Ints:
    """Sums of int64 values per group of consecutive rows, without rounding."""
    return np.add.reduceat(values, starts)


@dataclass(frozen=True, slots=True)
class Cells:
    """Rows grouped by shape, instance and interval; each group is a run of consecutive rows."""

    frame: Frame
    """The rows, in the order of their groups."""
    group: NDArray[np.intp]
    """Group of each row."""
    starts: NDArray[np.intp]
    """First row of each group."""
    interval: NDArray[np.intp]
    """Of each group, counted from the oldest interval still open."""
    instance: NDArray[np.intp]
    shape: NDArray[np.intp]
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

    def find(self, values: Ints | Floats) -> NDArray[np.intp]:
        """Index of the first bound that is not below each value."""
        if not self._usable:
            return np.searchsorted(self._bounds, values, side="left")
        floats = values.astype(np.float64)
        slot = (floats.view(np.int64) >> self._SHIFT) - self._base
        np.clip(slot, 0, len(self._table) - 1, out=slot)
        bucket = self._table[slot]
        bucket += floats > self._ends[bucket]
        return bucket


class Window:
    """An array whose first axis is the open intervals; it grows at the end, is taken from the front."""

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

    def pop(self) -> NDArray[np.generic]:
        """The oldest interval's values; the others move up."""
        first = self.data[0].copy()
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
    group: NDArray[np.intp]
    starts: NDArray[np.intp]
    cells: NDArray[np.intp] | slice
    """Which of the cells these runs are."""
    interval: NDArray[np.intp]
    instance: NDArray[np.intp]
    picked: NDArray[np.intp] | None
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

    places: NDArray[np.intp]
    """Flat index (interval, instance, series) of each target, without repeats."""
    cells: NDArray[np.intp]
    """Cells that go anywhere."""
    cell_places: NDArray[np.intp]
    """Flat index of each of those cells."""
    of_cell: NDArray[np.intp]
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
    def flat(window: Window) -> NDArray[np.generic]:
        """The window with its first three axes as one."""
        return window.data.reshape(-1, *window.data.shape[3:])

    def coordinates(self, window: Window) -> tuple[NDArray[np.intp], ...]:
        """Interval, instance and series of each target."""
        return np.unravel_index(self.places, window.data.shape[:3])


class Histogram:
    """Explicit buckets with exact sums, least and greatest value, and exemplars."""

    def __init__(self, instrument: Instrument, instances: int, *, exemplars: bool) -> None:
        """Empty series."""
        self.instrument = instrument
        buckets = instrument.bucket_count
        self.buckets = Window(instances, buckets, np.int64)
        self.sums = Window(instances, 0, np.int64)
        self.least = Window(instances, 0, np.float64, np.inf)
        self.greatest = Window(instances, 0, np.float64, -np.inf)
        self.exemplars: list[NDArray[np.void]] = []
        self._keeps_exemplars = exemplars
        self._finder = BucketFinder(instrument.bounds)
        self._windows = (self.buckets, self.sums, self.least, self.greatest)

    def add(self, cells: Cells, book: ShapeBook, first: int) -> None:
        """Count rows; ``first`` is the number of the oldest open interval."""
        for index, measure in enumerate(self.instrument.spec.measures):
            series = self.instrument.series_of(index, book)[cells.shape]
            if (series == ABSENT).all():
                continue
            assert measure.value is not None
            rows = Rows.of(cells, measure.value, measure.times)
            if len(rows.starts):
                self._measure(rows, series[rows.cells], first)

    def _measure(self, rows: Rows, series: NDArray[np.int32], first: int) -> None:
        buckets = self.instrument.bucket_count
        target = Targets.of(rows, series, self._windows, len(self.instrument.series))
        place = target.of_cell[rows.group] * buckets
        place += self._finder.find(rows.each)
        size = (len(target) + 1) * buckets
        counts = np.bincount(place, weights=rows.times, minlength=size)
        counted = counts[: len(target) * buckets].astype(np.int64).reshape(-1, buckets)
        target.flat(self.buckets)[target.places] += counted
        kept, flat = target.cells, target.cell_places
        np.add.at(target.flat(self.sums), flat, exact_sums(rows.values, rows.starts)[kept])
        least, greatest = target.flat(self.least), target.flat(self.greatest)
        np.minimum.at(least, flat, np.minimum.reduceat(rows.each, rows.starts)[kept])
        np.maximum.at(greatest, flat, np.maximum.reduceat(rows.each, rows.starts)[kept])
        if self._keeps_exemplars:
            self._remember(rows, target, place, first)

    def _remember(
        self, rows: Rows, target: Targets, place: NDArray[np.intp], first: int
    ) -> None:
        """Keep the last sampled measurement of each bucket, as the SDK's reservoir does."""
        buckets = self.instrument.bucket_count
        chosen = np.full((len(target) + 1) * buckets, -1, dtype=np.intp)
        numbers = np.arange(len(place))
        sampled = rows.frame.raw.get("sampled")
        if sampled is None:
            chosen[place] = numbers
        else:
            mask = sampled if rows.picked is None else sampled[rows.picked]
            chosen[place[mask]] = numbers[mask]  # type: ignore[index]
        places = np.flatnonzero(chosen[: len(target) * buckets] >= 0)
        picks = chosen[places]
        cell, bucket = np.divmod(places, buckets)
        source = picks if rows.picked is None else rows.picked[picks]
        interval, instance, series = target.coordinates(self.sums)
        made = np.empty(len(places), dtype=EXEMPLAR_DTYPE)
        made["interval"] = interval[cell] + first
        made["instance"] = instance[cell]
        made["series"] = series[cell]
        made["bucket"] = bucket
        made["value"] = rows.each[picks]
        made["time_ns"] = rows.frame.end_ns[source]
        made["trace_id"] = rows.frame.raw["trace_id"][source]
        made["span_id"] = rows.frame.raw["span_id"][source]
        self.exemplars.append(made)

    def take_exemplars(self, interval: int) -> NDArray[np.void]:
        """Exemplars of this interval, one per bucket at most, ordered by instance and series."""
        if not self.exemplars:
            return np.empty(0, dtype=EXEMPLAR_DTYPE)
        every = self.exemplars[0] if len(self.exemplars) == 1 else np.concatenate(self.exemplars)
        now = every["interval"] == interval
        self.exemplars = [every[~now]] if not now.all() else []
        mine = every[now][::-1]
        width = self.instrument.bucket_count
        key = (mine["instance"].astype(np.int64) << 32) | (
            mine["series"].astype(np.int64) * width + mine["bucket"]
        )
        _, last = np.unique(key, return_index=True)
        return mine[last]


class Counter:
    """A sum; also the interval sums that a rate gauge shows."""

    def __init__(self, instrument: Instrument, instances: int) -> None:
        """Empty series."""
        self.instrument = instrument
        self.sums = Window(instances, 0, np.int64)
        self.seen = Window(instances, 0, np.int64)

    def add(self, cells: Cells, book: ShapeBook) -> None:
        """Count rows."""
        for index, measure in enumerate(self.instrument.spec.measures):
            series = self.instrument.series_of(index, book)[cells.shape]
            kept = np.flatnonzero(series != ABSENT)
            if not len(kept):
                continue
            sums = cells.counts
            if measure.value is not None:
                sums = exact_sums(read(cells.frame, measure.value), cells.starts)
            intervals = int(cells.interval.max()) + 1
            for window in (self.sums, self.seen):
                window.ensure(intervals, len(self.instrument.series))
            at = (cells.interval[kept], cells.instance[kept], series[kept])
            np.add.at(self.sums.data, at, sums[kept])
            np.add.at(self.seen.data, at, cells.counts[kept])


class Level:
    """A gauge of rows that are open at collection: changes per interval, added up over time."""

    def __init__(self, instrument: Instrument, instances: int) -> None:
        """Empty series."""
        self.instrument = instrument
        self.sums = Window(instances, 0, np.int64)
        self.seen = Window(instances, 0, np.int64)

    def add(self, frame: Frame, book: ShapeBook, first: int, interval_ns: int) -> None:
        """Note at which collections the rows of a frame are open."""
        series = self.instrument.series_of(0, book)[frame.shape]
        assert self.instrument.spec.between is not None
        opened, closed = (self._moment(frame, name) for name in self.instrument.spec.between)
        # A row counts at the collections from the first at or after it opened to before it closed.
        enter = np.maximum(-(-opened // interval_ns), 1) - first
        leave = np.maximum(-(-closed // interval_ns), 1) - first
        rows = np.flatnonzero(series != ABSENT)
        if not len(rows):
            return
        enter, leave = np.maximum(enter[rows], 0), np.maximum(leave[rows], 0)
        instance, number = frame.instance[rows], series[rows]
        intervals = int(max(enter.max(), leave.max())) + 1
        for window in (self.sums, self.seen):
            window.ensure(intervals, len(self.instrument.series))
        np.add.at(self.seen.data, (enter, instance, number), 1)
        open_at_some = leave > enter
        enter, leave = enter[open_at_some], leave[open_at_some]
        instance, number = instance[open_at_some], number[open_at_some]
        np.add.at(self.sums.data, (enter, instance, number), 1)
        np.add.at(self.sums.data, (leave, instance, number), -1)

    @staticmethod
    def _moment(frame: Frame, name: str) -> Ints:
        if name == "start":
            return frame.start_ns
        if name == "end":
            return frame.end_ns
        queue: Ints = frame.raw["queue_ns"]  # type: ignore[assignment]
        return frame.due_ns + queue


def read(frame: Frame, column: Column) -> Ints:
    """A column's values, one per row."""
    values: Ints = frame.raw[column.name]  # type: ignore[assignment]
    return values


class Aggregator:
    """All instruments of a run over the open intervals."""

    def __init__(
        self,
        specs: Sequence[MetricSpec],
        books: Mapping[str, ShapeBook],
        *,
        instances: int,
        interval_ns: int,
        exemplars: bool,
    ) -> None:
        """Nothing measured yet; the first interval ends at ``interval_ns``."""
        self.books = books
        self.instances = instances
        self.interval_ns = interval_ns
        self.first = 1
        """Number of the oldest open interval; interval k ends at k * ``interval_ns``."""
        self.histograms: list[Histogram] = []
        self.counters: list[Counter] = []
        self.levels: list[Level] = []
        self.collections: list[Instrument] = []
        for spec in specs:
            instrument = Instrument.of(spec)
            if spec.table == "collection":
                self.collections.append(instrument)
            elif spec.instrument == "histogram":
                self.histograms.append(Histogram(instrument, instances, exemplars=exemplars))
            elif spec.between:
                self.levels.append(Level(instrument, instances))
            else:
                self.counters.append(Counter(instrument, instances))

    def add(self, frame: Frame) -> None:
        """Measure the rows of a frame. None of them may end before the oldest open interval."""
        if not len(frame):
            return
        book = self.books[frame.kind]
        cells = cells_of(frame, self.first, self.interval_ns, self.instances)
        for histogram in self.histograms:
            if histogram.instrument.spec.table == frame.kind:
                histogram.add(cells, book, self.first)
        for counter in self.counters:
            if counter.instrument.spec.table == frame.kind:
                counter.add(cells, book)
        for level in self.levels:
            if level.instrument.spec.table == frame.kind:
                level.add(frame, book, self.first, self.interval_ns)
