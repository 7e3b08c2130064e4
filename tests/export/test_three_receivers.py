"""Three signals to three receivers, each with a protocol, headers and limits of its own."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from simtraffic.export.connect import open_transport
from simtraffic.export.delivery import Delivery
from simtraffic.export.environment import ExportOptions, resolve_export
from simtraffic.export.otlp_json import from_json
from simtraffic.ledger import Ledger
from simtraffic.signals import SIGNALS
from tests.export.test_grpc import Server as GrpcServer
from tests.export.test_http import Server as HttpServer
from tests.export.test_splitting import batch_of, flat, request_of

LONG_S = 20.0


@pytest.fixture
def receivers() -> Iterator[tuple[GrpcServer, HttpServer, HttpServer]]:
    with ExitStack() as stack:
        grpc = GrpcServer()
        stack.callback(grpc.stop)
        found: list[Any] = [grpc]
        for _ in range(2):
            http = HttpServer()
            thread = threading.Thread(target=http.serve_forever, args=(0.01,))
            thread.start()
            stack.callback(http.server_close)
            stack.callback(thread.join)
            stack.callback(http.shutdown)
            found.append(http)
        yield found[0], found[1], found[2]


def test_each_signal_goes_its_own_way(
    receivers: tuple[GrpcServer, HttpServer, HttpServer],
) -> None:
    grpc, first, second = receivers
    bodies: list[bytes] = []
    grpc.answer = lambda body, _context: bodies.append(body) or b""
    second.headers = {"content-type": "application/json"}
    prefix = "OTEL_EXPORTER_OTLP"
    environ = {
        f"{prefix}_ENDPOINT": "http://nobody.invalid:1",
        f"{prefix}_HEADERS": "x-all=1,x-key=generic",
        f"{prefix}_COMPRESSION": "gzip",
        f"{prefix}_TIMEOUT": "7000",
        f"{prefix}_TRACES_ENDPOINT": grpc.endpoint,
        f"{prefix}_METRICS_ENDPOINT": first.endpoint.replace("/v1/traces", "/in/here"),
        f"{prefix}_METRICS_PROTOCOL": "http/protobuf",
        f"{prefix}_METRICS_HEADERS": "x-key=for%20metrics",
        f"{prefix}_METRICS_TIMEOUT": "3000",
        f"{prefix}_LOGS_ENDPOINT": second.endpoint.replace("/v1/traces", ""),
        f"{prefix}_LOGS_PROTOCOL": "http/json",
        f"{prefix}_LOGS_COMPRESSION": "none",
    }
    settings = resolve_export(ExportOptions(), environ).signals
    requests = {signal: request_of(signal, [[4]]) for signal in SIGNALS}
    delivery = Delivery(open_transport(settings), Ledger())
    for signal, request in requests.items():
        batch = batch_of(signal, request)
        delivery.ledger.add_generated(signal, batch.count)
        delivery.submit(batch)

    assert delivery.drain(LONG_S)
    delivery.close()

    assert delivery.ledger.delivered == 1.0
    assert delivery.ledger.warnings == {}
    assert {signal: each.timeout_s for signal, each in settings.items()} == {
        "traces": 7.0,
        "metrics": 3.0,
        "logs": 7.0,
    }
    assert bodies == [requests["traces"].SerializeToString()]
    assert (grpc.metadata["x-all"], grpc.metadata["x-key"]) == ("1", "generic")
    ((path, headers, body),) = first.seen
    assert path == "/in/here"
    assert (headers["content-encoding"], headers["x-key"]) == ("gzip", "for metrics")
    assert "x-all" not in headers
    assert gzip.decompress(body) == requests["metrics"].SerializeToString()
    ((path, headers, body),) = second.seen
    assert path == "/"
    assert headers["x-key"] == "generic"
    assert "content-encoding" not in headers
    assert flat("logs", from_json("logs", body)) == flat("logs", requests["logs"])


def test_one_receiver_that_is_away_does_not_hold_up_the_others(
    receivers: tuple[GrpcServer, HttpServer, HttpServer],
) -> None:
    grpc, first, _ = receivers
    prefix = "OTEL_EXPORTER_OTLP"
    environ = {
        f"{prefix}_TRACES_ENDPOINT": grpc.endpoint,
        f"{prefix}_METRICS_ENDPOINT": first.endpoint,
        f"{prefix}_METRICS_PROTOCOL": "http/protobuf",
        f"{prefix}_LOGS_ENDPOINT": "http://127.0.0.1:1/v1/logs",
        f"{prefix}_LOGS_PROTOCOL": "http/protobuf",
    }
    delivery = Delivery(open_transport(resolve_export(ExportOptions(), environ).signals), Ledger())
    for _ in range(20):
        for signal in SIGNALS:
            batch = batch_of(signal, request_of(signal, [[4]]))
            delivery.ledger.add_generated(signal, batch.count)
            delivery.submit(batch)

    assert not delivery.drain(1.0)
    delivery.close()

    signals = delivery.ledger.signals
    assert signals["traces"].accepted == signals["traces"].generated
    assert signals["metrics"].accepted == signals["metrics"].generated
    assert signals["logs"].accepted == 0
    assert delivery.ledger.balanced()
