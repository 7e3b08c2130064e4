"""Histograms: explicit buckets with exact sums, least and greatest value, and exemplars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simtraffic.arrays import Array, Indices, Ints
from simtraffic.metrics.cells import BucketFinder, Cells, OpenIntervals, Runs, exact_sums
from simtraffic.metrics.series import ABSENT
from simtraffic.metrics.state import EXEMPLAR_DTYPE, SeriesState

if TYPE_CHECKING:
    from simtraffic.conventions.frames import ShapeBook
    from simtraffic.metrics.series import Instrument


class Histogram:
    """One histogram over the open intervals; ``running`` holds what was closed."""

    def __init__(self, instrument: Instrument, instances: int, *, exemplars: bool) -> None:
        """Nothing measured yet; with ``exemplars`` the last measurement of each bucket is kept."""
        self.instrument = instrument
        self.running = SeriesState(instances, instrument.bucket_count)
        buckets = instrument.bucket_count
        self._buckets = OpenIntervals(instances, buckets, np.int64)
        self._sums = OpenIntervals(instances, 0, np.int64)
        self._least = OpenIntervals(instances, 0, np.float64, np.inf)
        self._greatest = OpenIntervals(instances, 0, np.float64, -np.inf)
        self._exemplars: list[Array] = []
        self._keeps_exemplars = exemplars
        self._finder = BucketFinder(instrument.bounds)

    def add(self, cells: Cells, book: ShapeBook, number: int) -> None:
        """Count rows; ``number`` is that of the oldest open interval."""
        for index, measurement in enumerate(self.instrument.spec.measures):
            series = self.instrument.series_of(index, book)[cells.shape]
            if (series == ABSENT).all():
                continue
            assert measurement.value is not None
            runs = Runs.of(cells, measurement.value, measurement.times)
            if len(runs.starts):
                self._measure(runs, series if runs.cells is None else series[runs.cells], number)

    def _measure(self, runs: Runs, series: NDArray[np.int32], number: int) -> None:
        """Put runs into their series; several runs may share one."""
        intervals, count = int(runs.interval.max()) + 1, len(self.instrument.series)
        for window in (self._buckets, self._sums, self._least, self._greatest):
            window.ensure(intervals, count)
        kept = np.flatnonzero(series != ABSENT)
        at = (runs.interval[kept], runs.instance[kept], series[kept])
        flat = np.ravel_multi_index(at, self._sums.data.shape[:3])
        targets, target_of_kept = np.unique(flat, return_inverse=True)
        # Runs that go nowhere share a target of their own, one past the last.
        target = np.full(len(series), len(targets), dtype=np.intp)
        target[kept] = target_of_kept
        buckets = self.instrument.bucket_count
        place = target[runs.group] * buckets
        place += self._finder.find(runs.each)
        counts = np.bincount(place, weights=runs.times, minlength=(len(targets) + 1) * buckets)
        counted = counts[: len(targets) * buckets].astype(np.int64).reshape(-1, buckets)
        self._buckets.flat[targets] += counted
        np.add.at(self._sums.flat, flat, exact_sums(runs.values, runs.starts)[kept])
        least = np.minimum.reduceat(runs.each, runs.starts)[kept]
        greatest = np.maximum.reduceat(runs.each, runs.starts)[kept]
        np.minimum.at(self._least.flat, flat, least)
        np.maximum.at(self._greatest.flat, flat, greatest)
        if self._keeps_exemplars:
            self._remember(runs, targets, place, number)

    def _remember(self, runs: Runs, targets: Indices, place: Indices, number: int) -> None:
        """Keep the last sampled measurement of each bucket, as the SDK's reservoir does."""
        buckets = self.instrument.bucket_count
        chosen = np.full((len(targets) + 1) * buckets, -1, dtype=np.intp)
        numbers = np.arange(len(place))
        sampled = runs.frame.raw.get("sampled")
        if sampled is None:
            chosen[place] = numbers
        else:
            mask = sampled if runs.picked is None else sampled[runs.picked]
            chosen[place[mask]] = numbers[mask]
        places = np.flatnonzero(chosen[: len(targets) * buckets] >= 0)
        picks = chosen[places]
        target, bucket = np.divmod(places, buckets)
        source = picks if runs.picked is None else runs.picked[picks]
        interval, instance, series = np.unravel_index(targets, self._sums.data.shape[:3])
        made = np.empty(len(places), dtype=EXEMPLAR_DTYPE)
        made["interval"] = interval[target] + number
        made["instance"] = instance[target]
        made["series"] = series[target]
        made["bucket"] = bucket
        made["value"] = runs.each[picks]
        made["time_ns"] = runs.frame.end_ns[source]
        made["trace_id"] = runs.frame.raw["trace_id"][source]
        made["span_id"] = runs.frame.raw["span_id"][source]
        self._exemplars.append(made)

    def close(self, number: int, *, is_delta: bool) -> None:
        """Move the oldest open interval, which has this number, to what is running."""
        running = self.running
        buckets: Ints = self._buckets.pop()
        width = buckets.shape[1]
        running.grow(width)
        if is_delta:
            running.reset()
        running.buckets[:, :width] += buckets
        running.sums[:, :width] += self._sums.pop()
        least, greatest = self._least.pop(), self._greatest.pop()
        running.least[:, :width] = np.minimum(running.least[:, :width], least)
        running.greatest[:, :width] = np.maximum(running.greatest[:, :width], greatest)
        running.seen = running.buckets.sum(axis=2)
        running.exemplars = self._take_exemplars(number)

    def _take_exemplars(self, interval: int) -> Array:
        """Exemplars of this interval, one per bucket at most, ordered by instance and series."""
        if not self._exemplars:
            return np.empty(0, dtype=EXEMPLAR_DTYPE)
        every = self._exemplars[0] if len(self._exemplars) == 1 else np.concatenate(self._exemplars)
        now = every["interval"] == interval
        self._exemplars = [every[~now]] if not now.all() else []
        mine = every[now][::-1]
        width = self.instrument.bucket_count
        key = (mine["instance"].astype(np.int64) << 32) | (
            mine["series"].astype(np.int64) * width + mine["bucket"]
        )
        _, last = np.unique(key, return_index=True)
        chosen: Array = mine[last]
        return chosen
