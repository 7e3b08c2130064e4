from __future__ import annotations

import json
import threading
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from simtraffic.collector import Collector
from simtraffic.errors import UsageError
from simtraffic.export import Outcome
from simtraffic.export.connect import open_transport
from simtraffic.export.settings import ExportSettings
from simtraffic.signals import SIGNALS, Chunk

START_NS = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z


def batches() -> list[Chunk]:
    traces = ExportTraceServiceRequest()
    traces.resource_spans.add().scope_spans.add().spans.add(
        trace_id=b"T" * 16,
        span_id=b"S" * 8,
        name="chat",
        kind=3,
        start_time_unix_nano=START_NS,
        end_time_unix_nano=START_NS,
    )
    metrics = ExportMetricsServiceRequest()
    metric = metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="cost")
    metric.gauge.data_points.add(as_int=1, time_unix_nano=START_NS)
    logs = ExportLogsServiceRequest()
    logs.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=START_NS)
    return [
        Chunk.of(signal, request.SerializeToString(), 1)
        for signal, request in zip(SIGNALS, (traces, metrics, logs), strict=True)
    ]


def send_all(
    collector: Collector, protocol: str = "grpc", compression: str = "none"
) -> list[Outcome]:
    settings = {
        batch.signal: ExportSettings(
            collector.grpc_endpoint
            if protocol == "grpc"
            else f"{collector.http_endpoint}/v1/{batch.signal}",
            protocol,  # type: ignore[arg-type]
            compression=compression,  # type: ignore[arg-type]
        )
        for batch in batches()
    }
    transport = open_transport(settings)
    outcomes = [transport.send(batch, 10.0).outcome for batch in batches()]
    transport.close()
    return outcomes


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf", "http/json"])
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_every_signal_arrives_over_every_protocol(protocol: str, compression: str) -> None:
    with Collector(keep=True) as collector:
        assert send_all(collector, protocol, compression) == [Outcome.ACCEPTED] * 3
        assert [span.name for span in collector.spans()] == ["chat"]
        assert [metric.name for metric in collector.metrics()] == ["cost"]
        assert [record.time_unix_nano for record in collector.log_records()] == [START_NS]

    assert collector.counts().as_dict() == {
        "spans": 1,
        "data_points": 1,
        "log_records": 1,
        "requests": 3,
        "bytes": sum(len(batch.payload) for batch in batches()),
        "faults": [],
    }


def test_what_arrives_is_written_as_otlp_json_lines(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"

    with Collector(out=str(out)) as collector:
        send_all(collector)

    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [next(iter(line)) for line in lines] == [
        "resourceSpans",
        "resourceMetrics",
        "resourceLogs",
    ]
    span = lines[0]["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    assert span["traceId"] == (b"T" * 16).hex()


def test_a_file_that_fills_up_is_among_the_faults() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")

    with Collector(out="/dev/full") as collector:
        assert send_all(collector) == [Outcome.ACCEPTED] * 3

    assert collector.counts().faults == {"/dev/full: cannot be written; No space left on device": 1}


def test_bad_bytes_over_grpc_are_refused_for_good() -> None:
    with Collector() as collector:
        transport = open_transport({"traces": ExportSettings(collector.grpc_endpoint)})
        result = transport.send(Chunk.of("traces", b"\xff", 1), 10.0)
        transport.close()

    assert result.outcome is Outcome.REJECTED
    assert result.message.startswith("INVALID_ARGUMENT: not a request of traces")
    assert collector.counts().requests == 0


def test_waiting_ends_when_enough_has_arrived_or_the_time_is_over() -> None:
    with Collector() as collector:
        assert not collector.wait_for("traces", 1, timeout_s=0.0)
        waiting = threading.Thread(target=send_all, args=(collector,))
        waiting.start()
        assert collector.wait_for("traces", 1, timeout_s=20.0)
        waiting.join()


def test_nothing_is_kept_unless_asked_for() -> None:
    with Collector() as collector, pytest.raises(ValueError, match="keep=True"):
        collector.spans()


def test_a_taken_address_is_a_fault_and_leaves_nothing_open() -> None:
    before = set(threading.enumerate())
    with Collector() as collector:
        taken_grpc = collector.grpc_endpoint.removeprefix("http://")
        taken_http = collector.http_endpoint.removeprefix("http://")

        with pytest.raises(UsageError, match=f"--grpc {taken_grpc}: cannot listen there"):
            Collector(grpc=taken_grpc).__enter__()
        with pytest.raises(UsageError, match=f"--http {taken_http}: cannot listen there"):
            Collector(http=taken_http).__enter__()

    # gRPC's own thread for the end of a server is a moment behind.
    left = set(threading.enumerate()) - before
    for thread in left:
        thread.join(20.0)
    assert not any(thread.is_alive() for thread in left)


def test_a_door_can_be_left_out() -> None:
    with Collector(http=None) as collector:
        assert collector.http_endpoint == ""
        assert collector.grpc_endpoint
    with Collector(grpc=None) as collector:
        assert collector.grpc_endpoint == ""


def test_grpc_takes_more_than_four_mebibytes() -> None:
    with (
        Collector() as collector,
        grpc.insecure_channel(collector.grpc_endpoint.removeprefix("http://")) as channel,
    ):
        call = channel.unary_unary(
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export", None, None
        )
        record = ExportLogsServiceRequest()
        record.resource_logs.add().scope_logs.add().log_records.add(
            time_unix_nano=1
        ).body.string_value = "x" * (5 << 20)

        assert call(record.SerializeToString(), timeout=20.0) == b""
