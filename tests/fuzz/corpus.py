"""Where mutation begins: real requests, and the corners of OTLP that simtraffic does not send."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simtraffic.export.answers import SERVICES
from simtraffic.export.otlp_json import from_json, message_to_json
from tests.fuzz.structure import is_repeated

if TYPE_CHECKING:
    from google.protobuf.message import Message

GOLDEN = Path(__file__).parents[1] / "golden"
# Of a list, so that an input is a few kilobytes and much of it is structure.
KEPT = 2

TYPES = {False: "application/x-protobuf", True: "application/json"}


def messages() -> list[tuple[str, Message]]:
    """Requests by signal: what simtraffic sends, shortened, then the corners."""
    found: list[tuple[str, Message]] = []
    for path in sorted(GOLDEN.glob("*.json")):
        for tree in json.loads(path.read_text()):
            signal = {"resourceSpans": "traces", "resourceMetrics": "metrics"}.get(
                next(iter(tree)), "logs"
            )
            message = from_json(signal, json.dumps(tree).encode())
            _shorten(message)
            found.append((signal, message))
    return [*found, ("traces", _spans()), ("metrics", _points()), ("logs", _records())]


@cache
def bodies() -> list[tuple[str, bool, bytes]]:
    """Signal, whether it is JSON, and the body."""
    found = []
    for signal, message in messages():
        found.append((signal, False, message.SerializeToString()))
        found.append((signal, True, message_to_json(message)))
    return found


def http_request(
    signal: str,
    body: bytes,
    *,
    is_json: bool,
    coding: str = "",
    sizes: tuple[int, ...] = (),
    more: str = "",
) -> bytes:
    """A whole request; with ``sizes`` in chunks of these, with ``coding="gzip"`` compressed."""
    head = f"POST {SERVICES[signal].http_path} HTTP/1.1\r\nhost: localhost\r\n{more}"
    head += f"content-type: {TYPES[is_json]}\r\n"
    if coding:
        head += f"content-encoding: {coding}\r\n"
        body = gzip.compress(body, mtime=0)
    if not sizes:
        return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
    chunks, start = b"", 0
    for size in (*sizes, len(body)):
        piece = body[start : start + size]
        start += size
        if piece:
            chunks += f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    return f"{head}transfer-encoding: chunked\r\n\r\n".encode() + chunks + b"0\r\n\r\n"


def http_requests() -> list[bytes]:
    """Whole requests of every form, also two on one connection."""
    found = []
    for signal, is_json, body in bodies():
        found += [
            http_request(signal, body, is_json=is_json),
            http_request(signal, body, is_json=is_json, coding="gzip"),
            http_request(signal, body, is_json=is_json, sizes=(1, 10, 300)),
            http_request(signal, body, is_json=is_json, coding="gzip", sizes=(20,)),
            http_request(signal, body, is_json=is_json, more="expect: 100-continue\r\n"),
        ]
    return [*found, found[0] + found[1], b"GET /v1/traces HTTP/1.1\r\nhost: localhost\r\n\r\n"]


def http2_request(signal: str, body: bytes) -> bytes:
    """A gRPC call as a client writes it: preface, settings, a head, a message (RFC 9113, 7541)."""
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": SERVICES[signal].grpc_method,
        ":authority": "localhost",
        "content-type": "application/grpc",
        "te": "trailers",
    }
    # Literal fields without an index; every name and value is shorter than 127 bytes.
    block = b"".join(
        b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        for name, value in fields.items()
    )
    message = b"\0" + len(body).to_bytes(4, "big") + body
    return (
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        + _frame(4, 0, 0, b"")
        + _frame(1, 4, 1, block)
        + _frame(0, 1, 1, message)
    )


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return (
        len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload
    )


def _shorten(message: Any) -> None:
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if is_repeated(field):
            del value[KEPT:]
        for each in value if is_repeated(field) else [value]:
            _shorten(each)


def _spans() -> Message:
    request: Any = SERVICES["traces"].request()
    resource = request.resource_spans.add(schema_url="https://opentelemetry.io/schemas/1.40.0")
    resource.resource.dropped_attributes_count = 3
    for name, value in (("text", "ü"), ("empty", ""), ("number", -(2**63)), ("real", 1e308)):
        _attribute(resource.resource.attributes.add(key=name).value, value)
    _attribute(resource.resource.attributes.add(key="nested").value, [True, [b"\0\xff", {"a": 1}]])
    scope = resource.scope_spans.add(schema_url="x")
    scope.scope.name, scope.scope.version = "fuzz", "1"
    span = scope.spans.add(name="s", kind=3, trace_state="a=b", flags=257)
    span.trace_id, span.span_id, span.parent_span_id = bytes(range(16)), b"12345678", b"87654321"
    span.start_time_unix_nano, span.end_time_unix_nano = 2**60, 2**60 + 1
    span.events.add(name="e", time_unix_nano=2**60).attributes.add(key="k").value.bool_value = True
    span.links.add(trace_id=bytes(range(1, 17)), span_id=b"abcdefgh", trace_state="c=d")
    span.status.code, span.status.message = 2, "wrong"
    return request  # type: ignore[no-any-return]


def _points() -> Message:
    request: Any = SERVICES["metrics"].request()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    point = metrics.add(name="gauge", unit="1", description="d").gauge.data_points.add()
    point.time_unix_nano, point.as_double = 2**60, float("nan")
    sums = metrics.add(name="sum").sum
    sums.aggregation_temporality, sums.is_monotonic = 2, True
    sums.data_points.add(time_unix_nano=2**60, as_int=5).attributes.add(key="k")
    bars = metrics.add(name="histogram").histogram
    bars.aggregation_temporality = 2
    bar = bars.data_points.add(count=3, sum=4.5, min=1, max=2, time_unix_nano=2**60)
    bar.bucket_counts.extend([1, 2, 0])
    bar.explicit_bounds.extend([1.0, 2.0])
    bar.exemplars.add(time_unix_nano=2**60, as_double=1.5, trace_id=bytes(16), span_id=bytes(8))
    powers = metrics.add(name="exponential").exponential_histogram
    powers.aggregation_temporality = 1
    power = powers.data_points.add(count=6, scale=-3, zero_count=1, zero_threshold=0.1)
    power.time_unix_nano = 2**60
    power.positive.offset, power.negative.offset = 2**31 - 1, -(2**31)
    power.positive.bucket_counts.extend([2, 2**40])
    power.negative.bucket_counts.extend([1])
    summary = metrics.add(name="summary").summary.data_points.add(count=2, sum=3.0)
    summary.quantile_values.add(quantile=0.5, value=1.0)
    return request  # type: ignore[no-any-return]


def _records() -> Message:
    request: Any = SERVICES["logs"].request()
    scope = request.resource_logs.add().scope_logs.add()
    record = scope.log_records.add(severity_number=17, severity_text="ERROR", event_name="e")
    record.time_unix_nano, record.observed_time_unix_nano = 2**64 - 1, 1
    record.trace_id, record.span_id, record.flags = bytes(16), bytes(8), 1
    _attribute(record.body, {"a": [1, 2.5, "x", b"y", {"b": None}]})
    return request  # type: ignore[no-any-return]


def _attribute(into: Any, value: Any) -> None:
    match value:
        case bool():
            into.bool_value = value
        case int():
            into.int_value = value
        case float():
            into.double_value = value
        case str():
            into.string_value = value
        case bytes():
            into.bytes_value = value
        case list():
            into.array_value.SetInParent()
            for each in value:
                _attribute(into.array_value.values.add(), each)
        case dict():
            into.kvlist_value.SetInParent()
            for key, each in value.items():
                _attribute(into.kvlist_value.values.add(key=key).value, each)
