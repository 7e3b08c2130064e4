from __future__ import annotations

import json

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from simtraffic.export.otlp_json import from_json, json_body, to_json
from simtraffic.signals import Chunk


def a_request() -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    span = (
        request.resource_spans.add()
        .scope_spans.add()
        .spans.add(
            trace_id=bytes(range(16)),
            span_id=b"\xab" * 8,
            parent_span_id=b"\xcd" * 8,
            name="chat é",
            kind=3,
        )
    )
    span.start_time_unix_nano = 2**60
    # An attribute may be called like an id; it is a value in OTLP/JSON and stays as it is.
    span.attributes.add(key="traceId").value.string_value = "YWJj"
    span.attributes.add(key="n").value.int_value = 2**62
    span.links.add(trace_id=b"\x01" * 16, span_id=b"\x02" * 8)
    return request


def test_ids_are_hexadecimal_enums_numbers_and_long_integers_strings() -> None:
    span = json.loads(to_json("traces", a_request().SerializeToString()))["resourceSpans"][0][
        "scopeSpans"
    ][0]["spans"][0]

    assert span == {
        "traceId": "000102030405060708090a0b0c0d0e0f",
        "spanId": "ab" * 8,
        "parentSpanId": "cd" * 8,
        "name": "chat é",
        "kind": 3,
        "startTimeUnixNano": str(2**60),
        "attributes": [
            {"key": "traceId", "value": {"stringValue": "YWJj"}},
            {"key": "n", "value": {"intValue": str(2**62)}},
        ],
        "links": [{"traceId": "01" * 16, "spanId": "02" * 8}],
    }


def test_it_is_one_line_and_comes_back_equal() -> None:
    request = a_request()

    line = to_json("traces", request.SerializeToString())

    assert b"\n" not in line
    assert from_json("traces", line) == request


def test_unknown_fields_are_ignored() -> None:
    assert from_json("logs", b'{"resourceLogs": [], "new": {"a": 1}}').ByteSize() == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"7",
        b"\xff",
        b'{"resourceSpans": 7}',
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyz"}]}]}]}',
        b"[" * 100_000,
    ],
)
def test_what_is_not_otlp_json_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        from_json("traces", body)


def test_a_batch_becomes_the_same_request_from_either_form() -> None:
    payload = a_request().SerializeToString()
    entry = json.dumps(json.loads(to_json("traces", payload))["resourceSpans"][0]).encode()

    from_protobuf = json_body(Chunk.of("traces", payload + payload, 2))
    from_entries = json_body(Chunk("traces", entry + b"," + entry, 2, 0, "json"))

    assert from_json("traces", from_protobuf) == from_json("traces", from_entries)
    assert len(json.loads(from_entries)["resourceSpans"]) == 2
