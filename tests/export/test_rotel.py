"""Against a collector that is not ours: rotel, a Rust implementation of OTLP."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from simtraffic.export import Batch, Outcome
from simtraffic.export.connect import open_transport
from simtraffic.export.delivery import Delivery
from simtraffic.export.environment import listens
from simtraffic.export.settings import ExportSettings
from simtraffic.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

START_NS = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    found = importlib.util.find_spec("rotel")
    if found is None or found.origin is None:
        pytest.skip("rotel is not installed")
    folder = tmp_path_factory.mktemp("rotel")
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        grpc, http = one.getsockname()[1], other.getsockname()[1]
    process = subprocess.Popen(
        [
            str(Path(found.origin).parent / "rotel-agent"),
            *("start", "--exporter", "blackhole"),
            *("--otlp-grpc-endpoint", f"127.0.0.1:{grpc}"),
            *("--otlp-http-endpoint", f"127.0.0.1:{http}"),
            *("--pid-file", str(folder / "pid"), "--log-file", str(folder / "log")),
        ],
        stdout=subprocess.DEVNULL,
    )
    pause = threading.Event()
    try:
        while not (listens("127.0.0.1", grpc) and listens("127.0.0.1", http)):
            assert process.poll() is None
            pause.wait(0.02)
        yield {"grpc": grpc, "http/protobuf": http, "http/json": http}
    finally:
        process.terminate()
        process.wait(30)


def batches() -> list[Batch]:
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
        Batch("traces", traces.SerializeToString(), 1),
        Batch("metrics", metrics.SerializeToString(), 1),
        Batch("logs", logs.SerializeToString(), 1),
    ]


def settings(ports: dict[str, int], protocol: str, compression: str) -> dict[str, ExportSettings]:
    base = f"http://127.0.0.1:{ports[protocol]}"
    return {
        batch.signal: ExportSettings(
            base if protocol == "grpc" else f"{base}/v1/{batch.signal}",
            protocol,  # type: ignore[arg-type]
            compression=compression,  # type: ignore[arg-type]
        )
        for batch in batches()
    }


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf", "http/json"])
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_every_signal_is_taken(ports: dict[str, int], protocol: str, compression: str) -> None:
    ledger = Ledger()
    delivery = Delivery(open_transport(settings(ports, protocol, compression)), ledger)

    for batch in batches():
        ledger.add_generated(batch.signal, batch.count)
        delivery.submit(batch)
    drained = delivery.drain(20.0)
    delivery.close()

    assert drained
    assert ledger.balanced()
    assert ledger.delivered == 1.0
    assert ledger.warnings == {}


def test_a_message_over_its_limit_is_refused_for_good(ports: dict[str, int]) -> None:
    transport = open_transport(settings(ports, "grpc", "none"))
    one = batches()[0]

    result = transport.send(Batch("traces", one.payload * 80_000, 80_000), 20.0)
    transport.close()

    assert result.outcome is Outcome.REJECTED
    assert "too large" in result.message
