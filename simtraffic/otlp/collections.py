"""Collections: every interval, all series of every instance, cumulative or delta."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb

from simtraffic.arrays import Array, Ints
from simtraffic.metrics.running import Running
from simtraffic.otlp.points import PointWriter
from simtraffic.otlp.requests import MAX_REQUEST_BYTES
from simtraffic.signals import Chunk

if TYPE_CHECKING:
    from simtraffic.metrics.aggregation import Aggregator, Counter, Histogram, Level
    from simtraffic.metrics.running import MetricSettings
    from simtraffic.metrics.series import Instrument
    from simtraffic.metrics.standing import Standing
    from simtraffic.otlp.imperfect import Imperfect
    from simtraffic.otlp.requests import Envelope

SECOND_NS = 1_000_000_000


class MetricStream:
    """Collects an :class:`Aggregator` interval by interval and writes export requests."""

    def __init__(
        self,
        aggregator: Aggregator,
        envelopes: Sequence[Envelope],
        settings: MetricSettings,
        standing: Sequence[Standing] = (),
        imperfect: Imperfect | None = None,
    ) -> None:
        """``standing`` are the instruments that look at no request."""
        self._imperfect = imperfect
        self._withheld: dict[int, list[tuple[bytes, int]]] = {}
        """By instance, metrics of a collection that are told after the next."""
        self._reset_ns = np.zeros(aggregator.instances, dtype=np.int64)
        """When the counters of each instance began anew."""
        self._restarted: set[int] = set()
        """Instances whose new start no point has shown yet."""
        self._aggregator = aggregator
        self._envelopes = envelopes
        self._settings = settings
        self._previous_ns = 0
        temporality = (
            pb.AGGREGATION_TEMPORALITY_DELTA
            if settings.is_delta
            else pb.AGGREGATION_TEMPORALITY_CUMULATIVE
        )
        self._histograms = [
            (h, self._running(h.instrument), PointWriter(h.instrument, temporality))
            for h in aggregator.histograms
        ]
        self._counters = [
            (c, self._running(c.instrument), PointWriter(c.instrument, temporality))
            for c in aggregator.counters
        ]
        self._levels = [
            (v, self._running(v.instrument), PointWriter(v.instrument, temporality))
            for v in aggregator.levels
        ]
        self._standing = [
            (s, self._running(s.instrument), PointWriter(s.instrument, temporality))
            for s in standing
        ]
        self.series = 0
        """Data points of the last collection."""

    def _running(self, instrument: Instrument) -> Running:
        width = instrument.bucket_count if instrument.spec.instrument == "histogram" else 0
        return Running(self._aggregator.instances, width)

    def next_ns(self) -> int:
        """When the next collection is due, nanoseconds since the start of the run."""
        return self._aggregator.first * self._settings.interval_ns

    @property
    def standing_points(self) -> int:
        """Data points of each collection that no request feeds."""
        instances, shard_index = self._aggregator.instances, self._settings.shard_index
        return sum(standing.points(instances, shard_index) for standing, _, _ in self._standing)

    def collect(self, at_ns: int) -> Iterator[Chunk]:
        """Close the oldest interval at this time, which is its end or the end of the run."""
        times = self._times(at_ns)
        span_ns = max(at_ns - self._previous_ns, 1)
        metrics: list[list[tuple[bytes, int]]] = [[] for _ in self._envelopes]
        for histogram, running, writer in self._histograms:
            self._take_histogram(histogram, running)
            found = histogram.take_exemplars(self._aggregator.first)
            self._write_histogram(running, writer, found, times, metrics)
        for counter, running, writer in self._counters:
            self._take_counter(counter, running, span_ns)
            self._write_numbers(running, writer, times, metrics)
        for level, running, writer in self._levels:
            self._take_level(level, running)
            self._write_numbers(running, writer, times, metrics)
        nothing = np.empty(0, dtype=[("instance", "i4"), ("series", "i4")])
        for standing, running, writer in self._standing:
            standing.take(running, self._settings, self._aggregator.first, at_ns)
            if standing.is_gauge:
                self._write_numbers(running, writer, times, metrics)
            else:
                self._write_histogram(running, writer, nothing, times, metrics)
        self.series = sum(count for mine in metrics for _, count in mine)
        late: list[list[tuple[bytes, int]]] = []
        if self._imperfect is not None:
            late = self._spoil(self._imperfect, metrics, at_ns)
        self._aggregator.first += 1
        self._previous_ns = at_ns
        yield from self._pack(metrics)
        if any(late):
            yield from self._pack(late)

    def _times(self, at_ns: int) -> list[tuple[int, int]]:
        """Start and time of each instance's points, Unix nanoseconds by its own clock."""
        settings, instances = self._settings, self._aggregator.instances
        skew = self._imperfect.skew_ns if self._imperfect else np.zeros(instances, dtype=np.int64)
        starts = np.full(instances, self._previous_ns) if settings.is_delta else self._reset_ns
        return [
            (settings.start_unix_ns + start + off, settings.start_unix_ns + at_ns + off)
            for start, off in zip(starts.tolist(), skew.tolist(), strict=True)
        ]

    def _zero_unix_ns(self, found: Array) -> int | Ints:
        """Start of the run by the clock of each exemplar's instance."""
        start_unix_ns = self._settings.start_unix_ns
        if self._imperfect is None:
            return start_unix_ns
        skew_ns: Ints = self._imperfect.skew_ns[found["instance"]]
        return start_unix_ns + skew_ns

    def _spoil(
        self, imperfect: Imperfect, metrics: list[list[tuple[bytes, int]]], at_ns: int
    ) -> list[list[tuple[bytes, int]]]:
        """Take out what is not told now; gives what is told after it."""
        number, late = self._aggregator.first, [list[tuple[bytes, int]]() for _ in metrics]
        for instance, mine in enumerate(metrics):
            points = sum(count for _, count in mine)
            is_missing = imperfect.is_missing(instance, number)
            if instance in self._restarted and not is_missing and self._has_growing(instance):
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
            if not self._settings.is_delta and imperfect.resets(instance, self._previous_ns, at_ns):
                self._restarted.add(instance)
                self._reset_ns[instance] = at_ns
                for running in self._growing():
                    running.restart(instance)
        return late

    def _growing(self) -> Iterator[Running]:
        """What adds up from a start time: everything but gauges."""
        for _, running, _ in self._histograms:
            yield running
        for counter, running, _ in self._counters:
            if not counter.instrument.spec.rate_ns:
                yield running
        for standing, running, _ in self._standing:
            if not standing.is_gauge:
                yield running

    def _has_growing(self, instance: int) -> bool:
        return any(running.seen[instance].any() for running in self._growing())

    def rest(self) -> Iterator[Chunk]:
        """What was still withheld at the end of the run."""
        if self._withheld:
            instances = range(len(self._envelopes))
            yield from self._pack([self._withheld.pop(each, []) for each in instances])

    def _take_histogram(self, histogram: Histogram, running: Running) -> None:
        buckets = histogram.buckets.pop()
        running.grow(buckets.shape[1])
        if self._settings.is_delta:
            running.reset()
        width = buckets.shape[1]
        running.buckets[:, :width] += buckets
        running.sums[:, :width] += histogram.sums.pop()
        least, greatest = histogram.least.pop(), histogram.greatest.pop()
        running.least[:, :width] = np.minimum(running.least[:, :width], least)
        running.greatest[:, :width] = np.maximum(running.greatest[:, :width], greatest)
        running.seen = running.buckets.sum(axis=2)

    def _take_counter(self, counter: Counter, running: Running, span_ns: int) -> None:
        sums: Ints = counter.sums.pop()
        seen: Ints = counter.seen.pop()
        width = sums.shape[1]
        running.grow(width)
        rate_ns = counter.instrument.spec.rate_ns
        if rate_ns:
            # A rate shows this interval alone, scaled; once seen it stays, at zero if need be.
            running.seen[:, :width] += seen
            running.shown[:] = 0
            running.shown[:, :width] = sums * (rate_ns / span_ns) / counter.instrument.divisor
            return
        if self._settings.is_delta:
            running.reset()
        running.sums[:, :width] += sums
        running.seen[:, :width] += seen

    def _take_level(self, level: Level, running: Running) -> None:
        changes: Ints = level.sums.pop()
        seen: Ints = level.seen.pop()
        running.grow(changes.shape[1])
        running.sums[:, : changes.shape[1]] += changes
        running.seen[:, : seen.shape[1]] += seen

    def _write_histogram(
        self,
        running: Running,
        writer: PointWriter,
        found: Array,
        times: list[tuple[int, int]],
        metrics: list[list[tuple[bytes, int]]],
    ) -> None:
        octets, width = (
            writer.exemplars(found, self._zero_unix_ns(found)) if len(found) else (b"", 0)
        )
        divisor = writer.instrument.divisor
        for instance, mine in enumerate(metrics):
            series = np.flatnonzero(running.seen[instance])
            if not len(series):
                continue
            points = writer.histograms(
                series,
                running.buckets[instance, series],
                running.sums[instance, series] / divisor,
                running.least[instance, series] / divisor,
                running.greatest[instance, series] / divisor,
                *times[instance],
                _slices(found, instance, series, octets, width),
            )
            mine.append((writer.metric(points), len(points)))

    def _write_numbers(
        self,
        running: Running,
        writer: PointWriter,
        times: list[tuple[int, int]],
        metrics: list[list[tuple[bytes, int]]],
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

    def _pack(self, metrics: list[list[tuple[bytes, int]]]) -> Iterator[Chunk]:
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


def _cut(metrics: list[tuple[bytes, int]], room: int) -> Iterator[list[tuple[bytes, int]]]:
    part: list[tuple[bytes, int]] = []
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
