"""Checks on received data points: histograms that add up, sums that only grow, streams in order.

The last point of each stream is remembered in two generations of bounded size; a stream that is
silent while a whole generation of others reports starts anew.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceRequest,
    )
    from opentelemetry.proto.metrics.v1.metrics_pb2 import HistogramDataPoint, Metric

    from simtraffic.collector.counts import Faults

# Streams remembered are between one and two of these.
GENERATION = 100_000

# Bytes: a chance of 1e-27 that two of all the streams remembered are taken for one.
_DIGEST = 16

_DELTA, _CUMULATIVE = 1, 2


@dataclass(frozen=True, slots=True)
class _Last:
    start_ns: int
    time_ns: int
    total: float
    """Sum's value, histogram's count."""


class MetricCheck:
    """Data points in order of arrival; the caller keeps threads apart."""

    def __init__(self, faults: Faults, generation: int = GENERATION) -> None:
        self._faults = faults
        self._generation = generation
        self._young: dict[bytes, _Last] = {}
        self._old: dict[bytes, _Last] = {}

    def check(self, request: ExportMetricsServiceRequest) -> int:
        """Check a request; returns the number of its data points."""
        count = 0
        for resource in request.resource_metrics:
            owner = _digest(resource.resource.SerializeToString(deterministic=True))
            for scope in resource.scope_metrics:
                place = _digest(owner + scope.scope.name.encode())
                for metric in scope.metrics:
                    count += self._metric(place, metric)
        return count

    def _metric(self, place: bytes, metric: Metric) -> int:
        kind = metric.WhichOneof("data")
        if kind is None:
            self._faults.add(f"metric {metric.name or 'without a name'} has no data")
            return 0
        data: Any = getattr(metric, kind)
        if not metric.name:
            self._faults.add("metric has no name")
        name = _digest(place + metric.name.encode())
        growing = kind != "sum" or data.is_monotonic
        if kind not in ("gauge", "summary"):
            known = data.aggregation_temporality in (_DELTA, _CUMULATIVE)
            self._faults.add(f"{metric.name}: temporality is unspecified", int(not known))
        for point in data.data_points:
            total = self._total(kind, metric.name, point)
            if kind in ("gauge", "summary"):
                continue
            if growing and total < 0:
                self._faults.add(f"{metric.name}: monotonic sum is negative")
            if data.aggregation_temporality == _CUMULATIVE:
                self._follow(name, metric.name, point, total if growing else None)
        return len(data.data_points)

    def _total(self, kind: str, name: str, point: Any) -> float:
        """Check one point by itself; returns what a cumulative stream may not lower."""
        if not point.time_unix_nano:
            self._faults.add(f"{name}: point has no time")
        if point.start_time_unix_nano > point.time_unix_nano:
            self._faults.add(f"{name}: point starts after its time")
        if kind == "histogram":
            self._histogram(name, point)
        elif kind == "exponential_histogram":
            inside = (
                sum(point.positive.bucket_counts)
                + sum(point.negative.bucket_counts)
                + point.zero_count
            )
            if inside != point.count:
                self._faults.add(f"{name}: buckets do not add up to the count")
        elif kind in ("sum", "gauge"):
            which = point.WhichOneof("value")
            if which is None and not point.flags & 1:  # 1: no recorded value
                self._faults.add(f"{name}: point has no value")
            value: float = getattr(point, which) if which else 0
            return value
        return float(point.count)

    def _histogram(self, name: str, point: HistogramDataPoint) -> None:
        buckets, bounds = list(point.bucket_counts), list(point.explicit_bounds)
        if not buckets and not bounds:
            return
        if len(buckets) != len(bounds) + 1:
            self._faults.add(f"{name}: bucket counts are not one more than bounds")
            return
        if sum(buckets) != point.count:
            self._faults.add(f"{name}: buckets do not add up to the count")
        if any(low >= high for low, high in pairwise(bounds)):
            self._faults.add(f"{name}: bounds are not in ascending order")
        if not isfinite(point.sum):
            self._faults.add(f"{name}: sum is not a finite number")
        if point.exemplars:
            self._exemplars(name, point, buckets, bounds)

    def _exemplars(
        self, name: str, point: HistogramDataPoint, buckets: Sequence[int], bounds: Sequence[float]
    ) -> None:
        for exemplar in point.exemplars:
            if len(exemplar.trace_id) not in {0, 16} or len(exemplar.span_id) not in {0, 8}:
                self._faults.add(f"{name}: exemplar id has a wrong length")
            which = exemplar.WhichOneof("value")
            value = getattr(exemplar, which) if which else 0
            # A bucket's upper bound is inside it.
            if not buckets[bisect_left(bounds, value)]:
                self._faults.add(f"{name}: exemplar lies in an empty bucket")

    def _follow(self, stream: bytes, name: str, point: Any, total: float | None) -> None:
        key = _digest(stream + b"".join([pair.SerializeToString() for pair in point.attributes]))
        last = self._young.get(key) or self._old.get(key)
        if last is not None and last.start_ns == point.start_time_unix_nano:
            if point.time_unix_nano <= last.time_ns:
                self._faults.add(f"{name}: point is not newer than the last of its stream")
            elif total is not None and total < last.total:
                self._faults.add(f"{name}: cumulative stream went down without a new start")
        self._young[key] = _Last(
            point.start_time_unix_nano, point.time_unix_nano, total if total is not None else 0.0
        )
        if len(self._young) >= self._generation:
            self._old, self._young = self._young, {}


def _digest(identity: bytes) -> bytes:
    """In place of an identity, which may be of any length."""
    return blake2b(identity, digest_size=_DIGEST).digest()
