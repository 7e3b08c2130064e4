"""Instruments of rows that are there at every collection, whatever requests there are.

A histogram measures each row once per collection, by the shard whose turn it is. A gauge shows the
rows as they are; the first shard tells it alone, and the first instance alone what is the run's, so
that sums over shards and instances are right.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from simtraffic.conventions.columns import STANDING
from simtraffic.conventions.frames import ShapeValues
from simtraffic.metrics.series import ABSENT

if TYPE_CHECKING:
    from simtraffic.conventions.context import Context, Plan
    from simtraffic.conventions.model import Measure
    from simtraffic.metrics.running import MetricSettings, Running
    from simtraffic.metrics.series import Instrument


class Standing:
    """One instrument of the tables ``collection`` and ``incident``."""

    def __init__(self, instrument: Instrument, context: Context, plan: Plan) -> None:
        """Series are known from the start: they follow from the scenario."""
        self.instrument = instrument
        self.is_gauge = instrument.spec.instrument == "gauge"
        self._context = context
        self._plan = plan
        rows: list[dict[str, int]] = [{}]
        if instrument.spec.table == "incident":
            rows = [{"incident": index} for index in range(len(context.incidents))]
        shapes = [ShapeValues(codes, context) for codes in rows]
        self._series = [
            (measure, [instrument.number(measure, shape) for shape in shapes])
            for measure in instrument.spec.measures
        ]

    def points(self, instances: int, shard_index: int) -> int:
        """Data points of a collection, over all instances."""
        if self.is_gauge and shard_index:
            return 0
        return len(
            {
                (instance, number)
                for measure, series in self._series
                for instance in range(instances)[self._tellers(measure)]
                for number in series
                if number != ABSENT
            }
        )

    def take(self, running: Running, settings: MetricSettings, number: int, at_ns: int) -> None:
        """Measure at the end of interval ``number``, which is at this time of the run."""
        running.grow(len(self.instrument.series))
        if self.is_gauge:
            self._show(running, settings, at_ns)
            return
        if settings.is_delta:
            running.reset()
        # Shards end at different times, after the last arrival is due; until then they agree.
        due_ns = min(number * settings.interval_ns, settings.arrivals_end_ns)
        mine = number % settings.shard_count == settings.shard_index
        if mine and due_ns > (number - 1) * settings.interval_ns:
            self._count(running, due_ns)
        running.seen = running.buckets.sum(axis=2)

    def _count(self, running: Running, at_ns: int) -> None:
        for tellers, series, value in self._measured(at_ns):
            bucket = int(np.searchsorted(self.instrument.bounds, value, side="left"))
            running.buckets[tellers, series, bucket] += 1
            running.sums[tellers, series] += int(value)
            least, greatest = running.least[tellers], running.greatest[tellers]
            least[:, series] = np.minimum(least[:, series], value)
            greatest[:, series] = np.maximum(greatest[:, series], value)

    def _show(self, running: Running, settings: MetricSettings, at_ns: int) -> None:
        if settings.shard_index:
            return
        running.shown[:] = 0
        for tellers, series, value in self._measured(at_ns):
            running.shown[tellers, series] += value / self.instrument.divisor
            running.seen[tellers, series] = 1

    def _measured(self, at_ns: int) -> Iterator[tuple[slice, int, float]]:
        """Each row of each measure: the instances that tell it, its series and value."""
        for measure, series in self._series:
            assert measure.value is not None
            values = STANDING[measure.value.name].read(self._context, self._plan, at_ns)
            for number, value in zip(series, values, strict=True):
                if number != ABSENT:
                    yield self._tellers(measure), number, value

    @staticmethod
    def _tellers(measure: Measure) -> slice:
        assert measure.value is not None
        return slice(0, 1) if STANDING[measure.value.name].of_run else slice(None)
