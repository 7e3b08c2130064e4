"""What was sent and what arrived, as bags of items that compare field by field.

The files are read with the official classes alone, not with what the package reads them with.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from pathlib import Path

    from google.protobuf.message import Message

Items = dict[str, Counter[tuple[bytes | str, ...]]]
"""By signal: each span, data point or log record with its resource and scope, and how often."""

_REQUESTS: dict[str, tuple[str, type[Message]]] = {
    "resourceSpans": ("traces", ExportTraceServiceRequest),
    "resourceMetrics": ("metrics", ExportMetricsServiceRequest),
    "resourceLogs": ("logs", ExportLogsServiceRequest),
}
_IDS = frozenset({"traceId", "spanId", "parentSpanId"})


def requests_in(path: Path) -> Iterator[tuple[str, Any]]:
    """Signal and official request of each line of a file; unknown fields are errors."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            document = json.loads(line)
            (key,) = document
            signal, request = _REQUESTS[key]
            yield signal, ParseDict(_with_plain_ids(document), request())


def _with_plain_ids(node: Any, key: str = "") -> Any:
    """OTLP writes ids in hexadecimal, where protobuf's own JSON has base64."""
    if isinstance(node, dict):
        return {name: _with_plain_ids(value, name) for name, value in node.items()}
    if isinstance(node, list):
        return [_with_plain_ids(value) for value in node]
    if key in _IDS:
        return base64.b64encode(bytes.fromhex(node)).decode("ascii")
    return node


def items_in(*paths: Path) -> Items:
    """Everything in files of OTLP/JSON lines."""
    return items_of(request for path in paths for request in requests_in(path))


def items_of(requests: Iterable[tuple[str, Any]]) -> Items:
    """Everything in requests, without how it was cut into requests."""
    found: Items = {"traces": Counter(), "metrics": Counter(), "logs": Counter()}
    walks = {"traces": _spans, "metrics": _points, "logs": _records}
    for signal, request in requests:
        found[signal].update(walks[signal](request))
    return found


def rounded(requests: Iterable[tuple[str, Any]], digits: int) -> Iterator[tuple[str, Any]]:
    """Requests of traces, changed so that doubles of spans hold so many significant digits."""
    for signal, request in requests:
        for span in _each_span(request):
            for attribute in span.attributes:
                if attribute.value.HasField("double_value"):
                    # Times and costs have fewer digits than that and are far from a tie; a rate
                    # may end anywhere, so that a wrong last bit could tip the last digit kept.
                    kept = 6 if attribute.key.endswith("per_second") else digits
                    value = float(f"{attribute.value.double_value:.{kept}g}")
                    attribute.value.double_value = value
        yield signal, request


def _each_span(request: Any) -> Iterator[Any]:
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            yield from scope.spans


def counts(items: Items) -> dict[str, int]:
    """How many items of each signal."""
    return {signal: bag.total() for signal, bag in items.items()}


def _spans(request: Any) -> Iterator[tuple[bytes | str, ...]]:
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            place = _place(resource, scope)
            for span in scope.spans:
                _drop_empty(span, "status")
                yield (*place, _bytes(span))


def _points(request: Any) -> Iterator[tuple[bytes | str, ...]]:
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            place = _place(resource, scope)
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                points = list(getattr(metric, kind).data_points)
                # What is left is the metric's head: name, unit, temporality and so on.
                getattr(metric, kind).ClearField("data_points")
                head = (metric.name, _bytes(metric))
                for point in points:
                    yield (*place, *head, _bytes(point))


def _records(request: Any) -> Iterator[tuple[bytes | str, ...]]:
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            place = _place(resource, scope)
            for record in scope.log_records:
                _drop_empty(record, "body")
                yield (*place, _bytes(record))


def _place(resource: Any, scope: Any) -> tuple[bytes | str, ...]:
    return (
        _bytes(resource.resource),
        resource.schema_url,
        _bytes(scope.scope),
        scope.schema_url,
    )


def _drop_empty(message: Any, part: str) -> None:
    """An empty part and none mean the same; collectors differ in what they write."""
    if not getattr(message, part).ByteSize():
        message.ClearField(part)


def _bytes(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)
