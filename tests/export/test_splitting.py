from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from simtraffic.export.answers import SERVICES
from simtraffic.export.otlp_json import entries_of, from_json, json_body
from simtraffic.export.queue import Batch, Queue
from simtraffic.export.splitting import cut_between_chunks, cut_between_records, describe
from simtraffic.signals import SIGNALS, Chunk
from tests.examples import examples


def request_of(signal: str, shape: list[list[int]]) -> Any:
    """A request: for each resource the number of records in each of its scopes."""
    request: Any = SERVICES[signal].request()
    number = 0
    for place, scopes in enumerate(shape):
        holder = getattr(request, f"resource_{'spans' if signal == 'traces' else signal}").add()
        holder.schema_url = "https://schema"
        holder.resource.attributes.add(key="instance").value.int_value = place
        for records in scopes:
            number += 1
            if signal == "traces":
                spans = holder.scope_spans.add()
                spans.scope.name = f"scope-{number}"
                for n in range(records):
                    spans.spans.append(
                        trace_pb2.Span(
                            name=f"span {number}.{n}",
                            trace_id=number.to_bytes(16, "big"),
                            span_id=(n + 1).to_bytes(8, "big"),
                            kind=trace_pb2.Span.SPAN_KIND_CLIENT,
                            start_time_unix_nano=2**60 + n,
                        )
                    )
            elif signal == "logs":
                logs = holder.scope_logs.add(schema_url="inner")
                for n in range(records):
                    logs.log_records.append(
                        logs_pb2.LogRecord(
                            event_name=f"event {number}.{n}",
                            severity_number=logs_pb2.SEVERITY_NUMBER_INFO,
                        )
                    )
            else:
                _metrics(holder.scope_metrics.add(), number, records)
    return request


def _metrics(scope: Any, number: int, records: int) -> None:
    scope.scope.name = f"scope-{number}"
    total = scope.metrics.add(name=f"sum {number}", unit="{token}", description="what it is")
    total.metadata.add(key="k").value.string_value = "v"
    total.sum.aggregation_temporality = metrics_pb2.AGGREGATION_TEMPORALITY_CUMULATIVE
    total.sum.is_monotonic = True
    curve = scope.metrics.add(name=f"histogram {number}")
    curve.histogram.aggregation_temporality = metrics_pb2.AGGREGATION_TEMPORALITY_DELTA
    level = scope.metrics.add(name=f"gauge {number}")
    level.gauge.SetInParent()
    for n in range(records):
        place = (total.sum, curve.histogram, level.gauge)[n % 3]
        point = place.data_points.add(time_unix_nano=2**60 + n)
        if n % 3 == 1:
            point.bucket_counts.extend([n, 0, 1])


def batch_of(signal: str, request: Any, form: str = "protobuf") -> Chunk:
    count = len(flat(signal, request))
    if form == "json":
        entries = entries_of(signal, request)
        return Chunk(signal, entries, count, request.ByteSize(), "json")
    return Chunk.of(signal, request.SerializeToString(), count)


def read(batch: Chunk) -> Any:
    if batch.form == "json":
        return from_json(batch.signal, json_body(batch))
    return SERVICES[batch.signal].request.FromString(batch.payload)


def flat(signal: str, request: Any) -> list[tuple[str, ...]]:
    """Each record with everything that is told of what surrounds it."""
    found: list[tuple[str, ...]] = []
    for holder in getattr(request, f"resource_{'spans' if signal == 'traces' else signal}"):
        for scope in getattr(holder, f"scope_{'spans' if signal == 'traces' else signal}"):
            place = (holder.schema_url, str(holder.resource), scope.schema_url, str(scope.scope))
            if signal == "traces":
                found += [(*place, str(span)) for span in scope.spans]
            elif signal == "logs":
                found += [(*place, str(record)) for record in scope.log_records]
            else:
                for metric in scope.metrics:
                    data = getattr(metric, metric.WhichOneof("data"))
                    points = list(data.data_points)
                    del data.data_points[:]
                    found += [(*place, str(metric), str(point)) for point in points]
                    data.data_points.extend(points)
    return found


@examples(60)
@given(
    signal=st.sampled_from(SIGNALS),
    form=st.sampled_from(["protobuf", "json"]),
    shape=st.lists(st.lists(st.integers(0, 7), max_size=3), min_size=1, max_size=3),
    target=st.integers(1, 600),
)
def test_records_and_what_surrounds_them_are_the_same_after_a_cut(
    signal: str, form: str, shape: list[list[int]], target: int
) -> None:
    request = request_of(signal, shape)
    batch = batch_of(signal, request, form)

    parts = cut_between_records(batch, target)

    assert [row for part in parts for row in flat(signal, read(part))] == flat(signal, request)
    assert sum(part.count for part in parts) == batch.count
    assert {part.form for part in parts} == {form}
    assert [part.count for part in parts] == [len(flat(signal, read(part))) for part in parts]
    if batch.count > 1 and target < len(batch.payload):
        assert len(parts) > 1


@pytest.mark.parametrize("form", ["protobuf", "json"])
@pytest.mark.parametrize("signal", SIGNALS)
def test_parts_are_as_large_as_asked_for_and_not_much_smaller(signal: str, form: str) -> None:
    batch = batch_of(signal, request_of(signal, [[300]]), form)
    target = len(batch.payload) // 5

    parts = cut_between_records(batch, target)

    # What JSON adds differs from record to record.
    most = (1.05 if form == "protobuf" else 1.2) * target
    assert max(len(part.payload) for part in parts) <= most
    assert len(parts) <= 7


@pytest.mark.parametrize("signal", ["traces", "logs"])
def test_blanks_within_json_are_no_reason_not_to_cut(signal: str) -> None:
    request = request_of(signal, [[6]])
    compact = batch_of(signal, request, "json")
    blanks = compact.payload.replace(b",", b"," + b" " * 50)
    batch = Chunk(signal, blanks, 6, compact.proto_bytes, "json")

    parts = cut_between_records(batch, len(blanks) - 1)

    assert len(parts) > 1
    assert [row for part in parts for row in flat(signal, read(part))] == flat(signal, request)
    assert sum(part.proto_bytes for part in parts) == compact.proto_bytes


@pytest.mark.parametrize("form", ["protobuf", "json"])
def test_whole_chunks_stay_whole(form: str) -> None:
    chunks = [batch_of("logs", request_of("logs", [[n]]), form) for n in (3, 1, 9, 2, 2)]
    lane = Queue(threading.RLock(), 1 << 20, 1 << 20, 1, {}, 0.0).lanes["logs"]
    batch = Batch(lane, 1, 0.0, form=chunks[0].form)
    for chunk in chunks:
        batch.add(chunk, 0.0)
    small = len(chunks[0].payload) + len(chunks[1].payload) + 1

    parts = cut_between_chunks(batch.join(), batch.cuts, small)

    assert [part.count for part in parts] == [4, 9, 4]
    assert sum(part.proto_bytes for part in parts) == sum(chunk.proto_bytes for chunk in chunks)
    assert [row for part in parts for row in flat("logs", read(part))] == [
        row for chunk in chunks for row in flat("logs", read(chunk))
    ]


@pytest.mark.parametrize(
    "batch",
    [
        Chunk.of("traces", b"\x00\xff", 4),
        Chunk("traces", b"{", 4, 10, "json"),
        batch_of("traces", request_of("traces", [[1]])),
        # Counted otherwise than it is: the ledger's count must not change on the way.
        Chunk.of("traces", request_of("traces", [[3]]).SerializeToString(), 5),
    ],
)
def test_what_cannot_be_cut_is_handed_back_as_it_is(batch: Chunk) -> None:
    assert cut_between_records(batch, 1) == [batch]


@pytest.mark.parametrize("form", ["protobuf", "json"])
def test_a_single_record_is_named(form: str) -> None:
    named = {
        signal: describe(batch_of(signal, request_of(signal, [[1]]), form)) for signal in SIGNALS
    }

    assert named["traces"].startswith("span 'span 1.0' of ")
    assert named["metrics"].startswith("data point of 'sum 1' of ")
    assert named["logs"].startswith("log record 'event 1.0' of ")
    assert all(words.endswith(" bytes") for words in named.values())
    assert describe(Chunk.of("logs", b"\xff", 7)) == "7 records of 1 bytes that cannot be cut"
