"""Sums by interval: what counters add up, rates show, and gauges of open rows count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simtraffic.arrays import Array, Ints
from simtraffic.metrics.cells import Cells, OpenIntervals, exact_sums, read
from simtraffic.metrics.series import ABSENT
from simtraffic.metrics.state import SeriesState

if TYPE_CHECKING:
    from simtraffic.conventions.frames import Frame, ShapeBook
    from simtraffic.metrics.series import Instrument


class Sums:
    """One counter or gauge over the open intervals; ``running`` holds what was closed.

    A gauge of rows that are open is a sum as well: of those that opened less those that closed.
    """

    def __init__(self, instrument: Instrument, instances: int) -> None:
        """Nothing counted yet; ``instances`` is how many there are."""
        self.instrument = instrument
        self.running = SeriesState(instances)
        self._sums = OpenIntervals(instances, 0, np.int64)
        self._seen = OpenIntervals(instances, 0, np.int64)

    @property
    def is_level(self) -> bool:
        """Whether it goes down as well, so that it neither begins anew nor has a delta."""
        return self.instrument.spec.between is not None

    def add(
        self, frame: Frame, cells: Cells, book: ShapeBook, number: int, interval_ns: int
    ) -> None:
        """Count rows.

        Args:
            frame: The rows.
            cells: The same rows, grouped by the interval in which they end.
            book: Shapes of the rows' table.
            number: Of the oldest open interval.
            interval_ns: Length of an interval.
        """
        if self.is_level:
            self._count_open(frame, book, number, interval_ns)
        elif self.instrument.spec.at == "start":
            self._count_at_start(frame, book, number, interval_ns)
        else:
            self._count_at_end(cells, book)

    def _count_at_end(self, cells: Cells, book: ShapeBook) -> None:
        for index, measurement in enumerate(self.instrument.spec.measures):
            series = self.instrument.series_of(index, book)[cells.shape]
            kept = np.flatnonzero(series != ABSENT)
            if not len(kept):
                continue
            sums = cells.counts
            if measurement.value is not None:
                sums = exact_sums(read(cells.frame, measurement.value), cells.starts)
            at = (cells.interval[kept], cells.instance[kept], series[kept])
            self._count(at, sums[kept], cells.counts[kept])

    def _count_at_start(self, frame: Frame, book: ShapeBook, number: int, interval_ns: int) -> None:
        # A request that is due at a collection arrives after it; no row begins after it ends.
        begins = np.minimum(frame.start_ns // interval_ns + 1, -(-frame.end_ns // interval_ns))
        intervals = np.maximum(begins, 1) - number
        for index, measurement in enumerate(self.instrument.spec.measures):
            series = self.instrument.series_of(index, book)[frame.shape]
            rows = np.flatnonzero(series != ABSENT)
            if not len(rows):
                continue
            values = 1 if measurement.value is None else read(frame, measurement.value)[rows]
            self._count((intervals[rows], frame.instance[rows], series[rows]), values, 1)

    def _count_open(self, frame: Frame, book: ShapeBook, number: int, interval_ns: int) -> None:
        series = self.instrument.series_of(0, book)[frame.shape]
        assert self.instrument.spec.between is not None
        opened, closed = (_moment(frame, name) for name in self.instrument.spec.between)
        # A row counts at the collections from the first at or after it opened to before it closed.
        enter = np.maximum(-(-opened // interval_ns), 1) - number
        leave = np.maximum(-(-closed // interval_ns), 1) - number
        rows = np.flatnonzero(series != ABSENT)
        if not len(rows):
            return
        enter, leave = np.maximum(enter[rows], 0), np.maximum(leave[rows], 0)
        instance, kept = frame.instance[rows], series[rows]
        self._ensure(int(max(enter.max(), leave.max())) + 1)
        np.add.at(self._seen.data, (enter, instance, kept), 1)
        open_at_some = leave > enter
        enter, leave = enter[open_at_some], leave[open_at_some]
        instance, kept = instance[open_at_some], kept[open_at_some]
        np.add.at(self._sums.data, (enter, instance, kept), 1)
        np.add.at(self._sums.data, (leave, instance, kept), -1)

    def _count(self, at: tuple[Array, Array, Array], sums: Array | int, seen: Array | int) -> None:
        self._ensure(int(at[0].max()) + 1)
        np.add.at(self._sums.data, at, sums)
        np.add.at(self._seen.data, at, seen)

    def _ensure(self, intervals: int) -> None:
        for window in (self._sums, self._seen):
            window.ensure(intervals, len(self.instrument.series))

    def close(self, span_ns: int, *, is_delta: bool) -> None:
        """Move the oldest open interval, which was this long, to what is running."""
        sums: Ints = self._sums.pop()
        seen: Ints = self._seen.pop()
        running, width = self.running, sums.shape[1]
        running.grow(width)
        rate_ns = self.instrument.spec.rate_ns
        if rate_ns:
            # A rate shows this interval alone, scaled; once seen it stays, at zero if need be.
            running.seen[:, :width] += seen
            running.shown[:] = 0
            running.shown[:, :width] = sums * (rate_ns / span_ns) / self.instrument.divisor
            return
        if is_delta and not self.is_level:
            running.reset()
        running.sums[:, :width] += sums
        running.seen[:, :width] += seen


def _moment(frame: Frame, name: str) -> Ints:
    if name == "start":
        return frame.start_ns
    if name == "end":
        return frame.end_ns
    queue: Ints = frame.raw["queue_ns"]
    return frame.due_ns + queue
