"""Collected values to metric messages: a template per instrument, one fill for all its series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb

from simtraffic.arrays import Array, Indices, Ints
from simtraffic.otlp.requests import field_bytes
from simtraffic.otlp.template import Slot, Slots
from simtraffic.otlp.values import any_value

if TYPE_CHECKING:
    from simtraffic.metrics.series import Instrument
    from simtraffic.metrics.state import SeriesState
    from simtraffic.otlp.template import Template

_EXEMPLARS_FIELD = 8
_POINTS_FIELD = 1


class PointWriter:
    """Writes the data points of one instrument."""

    def __init__(
        self, instrument: Instrument, temporality: pb.AggregationTemporality.ValueType
    ) -> None:
        """``temporality`` is the official enum's value."""
        self.instrument = instrument
        self._attributes: list[bytes] = []
        self._is_histogram = instrument.spec.instrument == "histogram"
        self._temporality = temporality
        self._point = self._number_template()
        self._exemplar = self._exemplar_template()
        if self._is_histogram:
            self._point = self._histogram_template()

    def _number_template(self) -> Template:
        slots = Slots(wide=False)
        point = pb.NumberDataPoint(time_unix_nano=slots.fixed64("time"))
        if self.instrument.spec.instrument != "gauge":
            point.start_time_unix_nano = slots.fixed64("start")
        if self.instrument.is_integer:
            point.as_int = slots.fixed64("value")
        else:
            point.as_double = slots.double("value")
        return slots.template(point.SerializeToString())

    def _histogram_template(self) -> Template:
        slots = Slots(wide=False)
        point = pb.HistogramDataPoint(
            start_time_unix_nano=slots.fixed64("start"),
            time_unix_nano=slots.fixed64("time"),
            count=slots.fixed64("count"),
            sum=slots.double("sum"),
            bucket_counts=[
                slots.fixed64(f"bucket{index}") for index in range(self.instrument.bucket_count)
            ],
            explicit_bounds=self.instrument.spec.buckets,
            min=slots.double("min"),
            max=slots.double("max"),
        )
        return slots.template(point.SerializeToString())

    def _exemplar_template(self) -> Template:
        slots = Slots(wide=False)
        exemplar = pb.Exemplar(
            time_unix_nano=slots.fixed64("time"),
            span_id=slots.identity("span_id", 8),
            trace_id=slots.identity("trace_id", 16),
        )
        if self.instrument.is_integer:
            exemplar.as_int = slots.fixed64("value")
        else:
            exemplar.as_double = slots.double("value")
        octets = exemplar.SerializeToString()
        return slots.template(field_bytes(_EXEMPLARS_FIELD, len(octets)) + octets)

    def _attribute_bytes(self, series: int) -> bytes:
        """The attribute set of a series, as the data point's field."""
        known = list(self.instrument.series)
        message = pb.HistogramDataPoint if self._is_histogram else pb.NumberDataPoint
        while len(self._attributes) < len(known):
            pairs = known[len(self._attributes)]
            attributes = [KeyValue(key=key, value=any_value(value)) for key, value in pairs]
            self._attributes.append(message(attributes=attributes).SerializeToString())
        return self._attributes[series]

    def numbers(self, series: Array, values: Array, start_ns: int, time_ns: int) -> list[bytes]:
        """Points of a counter or gauge, one per series; values in the metric's unit."""
        columns = {"start": start_ns, "time": time_ns, "value": values}
        rows = fill(self._point, len(series), columns)
        return [self._framed(int(s), row) for s, row in zip(series, rows, strict=True)]

    def histograms(
        self,
        running: SeriesState,
        instance: int,
        series: Indices,
        times: tuple[int, int],
        exemplars: list[bytes],
    ) -> list[bytes]:
        """Points of a histogram, one per series.

        Args:
            running: What its series hold, in the measured column's own unit.
            instance: Whose points they are.
            series: Which of its series, growing.
            times: Start and time of the points, Unix nanoseconds.
            exemplars: Of each series, already encoded.
        """
        buckets: Ints = running.buckets[instance, series]
        divisor = self.instrument.divisor
        columns: dict[str, object] = {
            "start": times[0],
            "time": times[1],
            "count": buckets.sum(axis=1),
            "sum": running.sums[instance, series] / divisor,
            "min": running.least[instance, series] / divisor,
            "max": running.greatest[instance, series] / divisor,
        }
        columns.update({f"bucket{index}": buckets[:, index] for index in range(buckets.shape[1])})
        rows = fill(self._point, len(series), columns)
        return [
            self._framed(int(s), row, extra)
            for s, row, extra in zip(series, rows, exemplars, strict=True)
        ]

    def exemplars(self, found: Array, start_unix_ns: int | Ints) -> tuple[bytes, int]:
        """Exemplars, one after the other, and the bytes of each; the start may differ by row."""
        value = found["value"]
        if self.instrument.is_integer:
            value = value.astype(np.int64)
        else:
            value = value / self.instrument.divisor
        columns = {
            "time": found["time_ns"] + start_unix_ns,
            "value": value,
            "trace_id": np.ascontiguousarray(found["trace_id"]).view("V16")[:, 0],
            "span_id": found["span_id"],
        }
        return b"".join(fill(self._exemplar, len(found), columns)), self._exemplar.length

    def _framed(self, series: int, row: bytes, extra: bytes = b"") -> bytes:
        attributes = self._attribute_bytes(series)
        length = len(attributes) + len(row) + len(extra)
        return b"".join((field_bytes(_POINTS_FIELD, length), attributes, row, extra))

    def metric(self, points: list[bytes]) -> bytes:
        """The whole metric with these points, as an entry of ``ScopeMetrics.metrics``."""
        spec = self.instrument.spec
        octets = b"".join(points)
        if spec.instrument == "gauge":
            tail = b""
        elif self._is_histogram:
            tail = pb.Histogram(aggregation_temporality=self._temporality).SerializeToString()
        else:
            tail = pb.Sum(
                aggregation_temporality=self._temporality, is_monotonic=True
            ).SerializeToString()
        number = {"gauge": 5, "counter": 7, "histogram": 9}[spec.instrument]
        head = pb.Metric(
            name=spec.name, description=spec.description, unit=spec.unit
        ).SerializeToString()
        data = field_bytes(number, len(octets) + len(tail)) + octets + tail
        return field_bytes(2, len(head) + len(data)) + head + data


def fill(template: Template, count: int, columns: Mapping[str, object]) -> list[bytes]:
    """``count`` filled copies of a template; a column is an array or one value for all."""
    if not count:
        return []
    out = np.empty(count * template.length, dtype=np.uint8)
    wire: dict[Slot, Array] = {}
    for _, slot in template.slots:
        value = columns[slot.column]
        dtype = "<f8" if slot.encoding == "double" else None
        column = np.asarray(value, dtype=dtype)
        wire[slot] = np.broadcast_to(column, (count,)) if not column.ndim else column
    template.fill(out, wire, slice(0, count))
    octets = out.tobytes()
    return [octets[i * template.length : (i + 1) * template.length] for i in range(count)]
