"""Instruments of rows that are there at every collection, whatever requests there are.

A histogram measures each row once per collection, by the shard whose turn it is. A gauge shows the
rows as they are; the first shard writes it alone, and the first instance alone what is the run's,
so that sums over shards and instances are right.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from simtraffic.conventions.columns import STANDING
from simtraffic.conventions.frames import ShapeValues
from simtraffic.metrics.series import ABSENT
from simtraffic.metrics.state import SeriesState

if TYPE_CHECKING:
    from simtraffic.conventions.context import Context
    from simtraffic.conventions.model import Measurement
    from simtraffic.metrics.series import Instrument
    from simtraffic.schedule import Shard
    from simtraffic.simulation.forecast import Forecast


class Standing:
    """One instrument of the tables ``collection`` and ``incident``."""

    def __init__(
        self, instrument: Instrument, context: Context, forecast: Forecast, shard: Shard
    ) -> None:
        """Series are known from the start: they follow from the scenario."""
        self.instrument = instrument
        self.is_gauge = instrument.spec.instrument == "gauge"
        self.running = SeriesState(
            len(context.instance_ids), 0 if self.is_gauge else instrument.bucket_count
        )
        self._context = context
        self._forecast = forecast
        self._shard = shard
        rows: list[dict[str, int]] = [{}]
        if instrument.spec.table == "incident":
            rows = [{"incident": index} for index in range(len(context.incidents))]
        shapes = [ShapeValues(codes, context) for codes in rows]
        self._series = [
            (measurement, [instrument.number(measurement, shape) for shape in shapes])
            for measurement in instrument.spec.measures
        ]

    @property
    def _is_silent(self) -> bool:
        """Whether another shard shows the gauge."""
        return self.is_gauge and self._shard.index > 1

    def points(self, instances: int) -> int:
        """Data points of a collection, over all instances."""
        if self._is_silent:
            return 0
        return len(
            {
                (instance, number)
                for measurement, series in self._series
                for instance in range(instances)[self._writers(measurement)]
                for number in series
                if number != ABSENT
            }
        )

    def close(self, number: int, at_ns: int, interval_ns: int, *, is_delta: bool) -> None:
        """Measure at the end of interval ``number``, which is at this time of the run."""
        self.running.grow(len(self.instrument.series))
        if self.is_gauge:
            self._show(at_ns)
            return
        if is_delta:
            self.running.reset()
        # Shards end at different times, after the last arrival is due; until then they agree.
        due_ns = min(number * interval_ns, self._forecast.arrivals_end_ns)
        mine = number % self._shard.count == self._shard.index - 1
        if mine and due_ns > (number - 1) * interval_ns:
            self._count(due_ns)
        self.running.seen = self.running.buckets.sum(axis=2)

    def _count(self, at_ns: int) -> None:
        running = self.running
        for writers, series, value in self._measured(at_ns):
            bucket = int(np.searchsorted(self.instrument.bounds, value, side="left"))
            running.buckets[writers, series, bucket] += 1
            running.sums[writers, series] += int(value)
            least, greatest = running.least[writers], running.greatest[writers]
            least[:, series] = np.minimum(least[:, series], value)
            greatest[:, series] = np.maximum(greatest[:, series], value)

    def _show(self, at_ns: int) -> None:
        if self._is_silent:
            return
        self.running.shown[:] = 0
        for writers, series, value in self._measured(at_ns):
            self.running.shown[writers, series] += value / self.instrument.divisor
            self.running.seen[writers, series] = 1

    def _measured(self, at_ns: int) -> Iterator[tuple[slice, int, float]]:
        """Each row of each measurement: the instances that write it, its series and value."""
        for measurement, series in self._series:
            assert measurement.value is not None
            values = STANDING[measurement.value.name].read(self._context, self._forecast, at_ns)
            for number, value in zip(series, values, strict=True):
                if number != ABSENT:
                    yield self._writers(measurement), number, value

    @staticmethod
    def _writers(measurement: Measurement) -> slice:
        assert measurement.value is not None
        return slice(0, 1) if STANDING[measurement.value.name].of_run else slice(None)
