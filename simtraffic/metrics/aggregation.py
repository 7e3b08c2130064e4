"""Measurements to series, per collection interval and instance, exactly.

Rows are put into the interval in which they end, or begin where a counter asks for that, so they
may come in any order and long before it is collected. Sums are kept as integers in the column's own
unit (nanoseconds, tokens, 1e-12 USD): adding them up in another order or on several shards gives
the same number to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simtraffic.arrays import Array, Indices, Ints
from simtraffic.metrics.cells import (
    BucketFinder,
    Cells,
    Rows,
    Targets,
    Window,
    cells_of,
    exact_sums,
    read,
)
from simtraffic.metrics.series import ABSENT, Instrument

if TYPE_CHECKING:
    from simtraffic.conventions.frames import Frame, ShapeBook
    from simtraffic.conventions.model import MetricSpec

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
        self.exemplars: list[Array] = []
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

    def _remember(self, rows: Rows, target: Targets, place: Indices, first: int) -> None:
        """Keep the last sampled measurement of each bucket, as the SDK's reservoir does."""
        buckets = self.instrument.bucket_count
        chosen = np.full((len(target) + 1) * buckets, -1, dtype=np.intp)
        numbers = np.arange(len(place))
        sampled = rows.frame.raw.get("sampled")
        if sampled is None:
            chosen[place] = numbers
        else:
            mask = sampled if rows.picked is None else sampled[rows.picked]
            chosen[place[mask]] = numbers[mask]
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

    def take_exemplars(self, interval: int) -> Array:
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
        chosen: Array = mine[last]
        return chosen


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
            at = (cells.interval[kept], cells.instance[kept], series[kept])
            self._count(at, sums[kept], cells.counts[kept])

    def add_at_start(self, frame: Frame, book: ShapeBook, first: int, interval_ns: int) -> None:
        """Count rows in the interval in which they begin; ``first`` is the oldest open one."""
        # A request that is due at a collection arrives after it; no row begins after it ends.
        begins = np.minimum(frame.start_ns // interval_ns + 1, -(-frame.end_ns // interval_ns))
        intervals = np.maximum(begins, 1) - first
        for index, measure in enumerate(self.instrument.spec.measures):
            series = self.instrument.series_of(index, book)[frame.shape]
            rows = np.flatnonzero(series != ABSENT)
            if not len(rows):
                continue
            values = 1 if measure.value is None else read(frame, measure.value)[rows]
            self._count((intervals[rows], frame.instance[rows], series[rows]), values, 1)

    def _count(self, at: tuple[Array, Array, Array], sums: Array | int, seen: Array | int) -> None:
        for window in (self.sums, self.seen):
            window.ensure(int(at[0].max()) + 1, len(self.instrument.series))
        np.add.at(self.sums.data, at, sums)
        np.add.at(self.seen.data, at, seen)


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
        queue: Ints = frame.raw["queue_ns"]
        return frame.due_ns + queue


class Aggregator:
    """All instruments of requests, operations and attempts over the open intervals."""

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
        for spec in specs:
            instrument = Instrument.of(spec)
            if spec.instrument == "histogram":
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
            if counter.instrument.spec.table != frame.kind:
                continue
            if counter.instrument.spec.at == "start":
                counter.add_at_start(frame, book, self.first, self.interval_ns)
            else:
                counter.add(cells, book)
        for level in self.levels:
            if level.instrument.spec.table == frame.kind:
                level.add(frame, book, self.first, self.interval_ns)
