"""Collections: every interval, all series of every instance, cumulative or delta."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb

from simtraffic.arrays import Array, Ints
from simtraffic.otlp.points import PointWriter
from simtraffic.otlp.requests import MAX_REQUEST_BYTES
from simtraffic.signals import Chunk

if TYPE_CHECKING:
    from simtraffic.metrics.aggregation import Aggregator
    from simtraffic.metrics.state import SeriesState
    from simtraffic.otlp.imperfect import Imperfect
    from simtraffic.otlp.requests import Envelope

Written = list[tuple[bytes, int]]
"""Metrics of one instance, each with its data points."""


class MetricStream:
    """Closes the intervals of an :class:`Aggregator` and writes them as export requests."""

    def __init__(
        self,
        aggregator: Aggregator,
        envelopes: Sequence[Envelope],
        start_unix_ns: int,
        imperfect: Imperfect | None = None,
    ) -> None:
        """One envelope an instance; ``start_unix_ns`` is that of the run."""
        self._aggregator = aggregator
        self._envelopes = envelopes
        self._start_unix_ns = start_unix_ns
        self._imperfect = imperfect
        self._withheld: dict[int, Written] = {}
        """By instance, metrics of a collection that are emitted after the next."""
        self._restarted: set[int] = set()
        """Instances whose new start no point has shown yet."""
        temporality = (
            pb.AGGREGATION_TEMPORALITY_DELTA
            if aggregator.is_delta
            else pb.AGGREGATION_TEMPORALITY_CUMULATIVE
        )
        self._writers = [
            (each.running, PointWriter(each.instrument, temporality))
            for each in aggregator.instruments
        ]
        self.series = 0
        """Data points of the last collection."""

    def next_ns(self) -> int:
        """When the next collection is due, nanoseconds since the start of the run."""
        return self._aggregator.next_ns()

    def collect(self, at_ns: int) -> Iterator[Chunk]:
        """Close the oldest interval at this time, which is its end or the end of the run."""
        number, before_ns = self._aggregator.number, self._aggregator.closed_ns
        self._aggregator.close(at_ns)
        times = self._times(before_ns, at_ns)
        metrics: list[Written] = [[] for _ in self._envelopes]
        for running, writer in self._writers:
            if writer.instrument.spec.instrument == "histogram":
                self._write_histogram(running, writer, times, metrics)
            else:
                self._write_numbers(running, writer, times, metrics)
        self.series = sum(count for mine in metrics for _, count in mine)
        late: list[Written] = []
        if self._imperfect is not None:
            late = self._spoil(self._imperfect, metrics, number, before_ns)
        yield from self._pack(metrics)
        if any(late):
            yield from self._pack(late)

    def _times(self, before_ns: int, at_ns: int) -> list[tuple[int, int]]:
        """Start and time of each instance's points, Unix nanoseconds by its own clock."""
        aggregator, instances = self._aggregator, len(self._envelopes)
        skew = self._imperfect.skew_ns if self._imperfect else np.zeros(instances, dtype=np.int64)
        starts = np.full(instances, before_ns) if aggregator.is_delta else aggregator.began_ns
        return [
            (self._start_unix_ns + start + off, self._start_unix_ns + at_ns + off)
            for start, off in zip(starts.tolist(), skew.tolist(), strict=True)
        ]

    def _zero_unix_ns(self, found: Array) -> int | Ints:
        """Start of the run by the clock of each exemplar's instance."""
        if self._imperfect is None:
            return self._start_unix_ns
        skew_ns: Ints = self._imperfect.skew_ns[found["instance"]]
        return self._start_unix_ns + skew_ns

    def _spoil(
        self, imperfect: Imperfect, metrics: list[Written], number: int, before_ns: int
    ) -> list[Written]:
        """Take out what is not emitted now; gives what is emitted after it."""
        aggregator, late = self._aggregator, [Written() for _ in metrics]
        for instance, mine in enumerate(metrics):
            points = sum(count for _, count in mine)
            is_missing = imperfect.is_missing(instance, number)
            if instance in self._restarted and not is_missing and aggregator.shows_growth(instance):
                # A reset that no point shows was not sent.
                imperfect.counts["counter_resets"] += 1
                self._restarted.remove(instance)
            if is_missing:
                imperfect.counts["missing_points"] += points
                mine.clear()
            elif points and instance in self._withheld:
                # They are out of order only now, as something newer goes before them.
                late[instance] = self._withheld.pop(instance)
                imperfect.counts["out_of_order_points"] += sum(n for _, n in late[instance])
            elif points and imperfect.is_out_of_order(instance, number):
                self._withheld[instance] = list(mine)
                mine.clear()
            if not aggregator.is_delta and imperfect.resets(
                instance, before_ns, aggregator.closed_ns
            ):
                self._restarted.add(instance)
                aggregator.restart(instance)
        return late

    def rest(self) -> Iterator[Chunk]:
        """What was still withheld at the end of the run."""
        if self._withheld:
            instances = range(len(self._envelopes))
            yield from self._pack([self._withheld.pop(each, []) for each in instances])

    def _write_histogram(
        self,
        running: SeriesState,
        writer: PointWriter,
        times: list[tuple[int, int]],
        metrics: list[Written],
    ) -> None:
        found = running.exemplars
        octets, width = (
            writer.exemplars(found, self._zero_unix_ns(found)) if len(found) else (b"", 0)
        )
        for instance, mine in enumerate(metrics):
            series = np.flatnonzero(running.seen[instance])
            if not len(series):
                continue
            exemplars = _slices(found, instance, series, octets, width)
            points = writer.histograms(running, instance, series, times[instance], exemplars)
            mine.append((writer.metric(points), len(points)))

    def _write_numbers(
        self,
        running: SeriesState,
        writer: PointWriter,
        times: list[tuple[int, int]],
        metrics: list[Written],
    ) -> None:
        instrument = writer.instrument
        for instance, mine in enumerate(metrics):
            series = np.flatnonzero(running.seen[instance])
            if not len(series):
                continue
            values: Array = running.sums[instance, series]
            if instrument.spec.rate_ns or instrument.spec.stands:
                shown = running.shown[instance, series]
                values = shown.astype(np.int64) if instrument.is_integer else shown
            elif not instrument.is_integer:
                values = running.sums[instance, series] / instrument.divisor
            points = writer.numbers(series, values, *times[instance])
            mine.append((writer.metric(points), len(points)))

    def _pack(self, metrics: list[Written]) -> Iterator[Chunk]:
        entries: list[bytes | memoryview] = []
        size = count = 0
        for envelope, mine in zip(self._envelopes, metrics, strict=True):
            for part in _cut(mine, MAX_REQUEST_BYTES - envelope.overhead):
                length = sum(len(octets) for octets, _ in part)
                entry_size = envelope.size(length)
                if entries and size + entry_size > MAX_REQUEST_BYTES:
                    yield Chunk("metrics", b"".join(entries), count, size)
                    entries, size, count = [], 0, 0
                entries += envelope.wrap([octets for octets, _ in part], length)
                size += entry_size
                count += sum(points for _, points in part)
        if entries:
            yield Chunk("metrics", b"".join(entries), count, size)


def _cut(metrics: Written, room: int) -> Iterator[Written]:
    part: Written = []
    size = 0
    for metric in metrics:
        if part and size + len(metric[0]) > room:
            yield part
            part, size = [], 0
        part.append(metric)
        size += len(metric[0])
    if part:
        yield part


def _slices(found: Array, instance: int, series: Array, octets: bytes, width: int) -> list[bytes]:
    """Each series' own exemplars; ``found`` is ordered by instance and series."""
    if not width:
        return [b""] * len(series)
    mine = found["instance"] == instance
    first = int(np.argmax(mine)) if mine.any() else 0
    numbers = found["series"][mine]
    lows = np.searchsorted(numbers, series, side="left") + first
    highs = np.searchsorted(numbers, series, side="right") + first
    return [octets[low * width : high * width] for low, high in zip(lows, highs, strict=True)]
