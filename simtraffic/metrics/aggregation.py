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

from simtraffic.arrays import Ints
from simtraffic.metrics.cells import cells_of
from simtraffic.metrics.histogram import Histogram
from simtraffic.metrics.series import Instrument
from simtraffic.metrics.standing import Standing
from simtraffic.metrics.sums import Sums

if TYPE_CHECKING:
    from simtraffic.conventions.context import Context
    from simtraffic.conventions.frames import Frame, ShapeBook
    from simtraffic.conventions.model import MetricSpec
    from simtraffic.scenario import MetricsSettings
    from simtraffic.schedule import Shard
    from simtraffic.simulation.forecast import Forecast


class Aggregator:
    """All instruments of a run over the open intervals; it alone counts the collections.

    Attributes:
        number: Of the oldest open interval, from 1; interval k ends at k * ``interval_ns``.
        closed_ns: When the last collection was, nanoseconds since the start of the run.
        began_ns: When the counters of each instance began, likewise; one item an instance.
    """

    def __init__(
        self,
        specs: Sequence[MetricSpec],
        books: Mapping[str, ShapeBook],
        context: Context,
        forecast: Forecast,
        settings: MetricsSettings,
        shard: Shard,
        *,
        exemplars: bool = False,
    ) -> None:
        """Nothing measured yet.

        Args:
            specs: What is measured.
            books: Shapes of each table.
            context: What shapes are built from.
            forecast: What is known of every moment of the run.
            settings: Interval and temporality.
            shard: Whose share of the run this is.
            exemplars: Whether histograms keep some.
        """
        self.instances = len(context.instance_ids)
        self.interval_ns = settings.interval_ns
        self.is_delta = settings.temporality == "delta"
        self.number = 1
        self.closed_ns = 0
        self.began_ns: Ints = np.zeros(self.instances, dtype=np.int64)
        self._books = books
        self._is_first_shard = shard.index == 1
        instruments = [Instrument.of(spec) for spec in specs]
        moving = [each for each in instruments if not each.spec.stands]
        self.histograms = [
            Histogram(each, self.instances, exemplars=exemplars)
            for each in moving
            if each.spec.instrument == "histogram"
        ]
        sums = [
            Sums(each, self.instances) for each in moving if each.spec.instrument != "histogram"
        ]
        self.sums = sorted(sums, key=lambda each: each.is_level)
        self.standing = [
            Standing(each, context, forecast, shard) for each in instruments if each.spec.stands
        ]

    @property
    def instruments(self) -> list[Histogram | Sums | Standing]:
        """All of them, in the order in which they are written."""
        return [*self.histograms, *self.sums, *self.standing]

    def add(self, frame: Frame) -> None:
        """Measure the rows of a frame. None of them may end before the oldest open interval."""
        if not len(frame):
            return
        book = self._books[frame.kind]
        cells = cells_of(frame, self.number, self.interval_ns, self.instances)
        for histogram in self.histograms:
            if histogram.instrument.spec.table == frame.kind:
                histogram.add(cells, book, self.number)
        for each in self.sums:
            if each.instrument.spec.table == frame.kind:
                each.add(frame, cells, book, self.number, self.interval_ns)

    def next_ns(self) -> int:
        """When the next collection is due, nanoseconds since the start of the run."""
        return self.number * self.interval_ns

    def close(self, at_ns: int) -> None:
        """Close the oldest interval at this time, which is its end or the end of the run."""
        span_ns = max(at_ns - self.closed_ns, 1)
        for histogram in self.histograms:
            histogram.close(self.number, is_delta=self.is_delta)
        for each in self.sums:
            each.close(span_ns, is_delta=self.is_delta)
        for standing in self.standing:
            standing.close(self.number, at_ns, self.interval_ns, is_delta=self.is_delta)
        self.number += 1
        self.closed_ns = at_ns

    def restart(self, instance: int) -> None:
        """Let everything but gauges begin anew at one instance, as if its process had restarted."""
        self.began_ns[instance] = self.closed_ns
        for each in self._growing():
            each.running.restart(instance)

    def shows_growth(self, instance: int) -> bool:
        """Whether a point of an instance has a start time by which a restart can be seen."""
        return any(each.running.seen[instance].any() for each in self._growing())

    def _growing(self) -> list[Histogram | Sums | Standing]:
        """What adds up from a start time: everything but gauges."""
        return [each for each in self.instruments if each.instrument.spec.instrument != "gauge"]

    def expected_points(self) -> int:
        """Data points of a collection in which every shape seen so far has been measured."""
        points = sum(each.points(self.instances) for each in self.standing)
        moving: list[Histogram | Sums] = [*self.histograms, *self.sums]
        for instrument in [each.instrument for each in moving]:
            for index in range(len(instrument.spec.measures)):
                instrument.series_of(index, self._books[instrument.spec.table])
            points += self.instances * len(instrument.series)
        return points
