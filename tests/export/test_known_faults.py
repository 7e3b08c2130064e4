"""Faults that the official Python exporters have or had; each test is named after one.

Read from the wheels of opentelemetry-exporter-otlp-proto-grpc, -http and opentelemetry-sdk 1.45.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from simtraffic.clock import monotonic
from simtraffic.collector import Collector
from simtraffic.export import Outcome
from simtraffic.export.connect import open_transport
from simtraffic.export.delivery import Delivery
from simtraffic.export.environment import ExportOptions, resolve_export
from simtraffic.export.retry import RetryPolicy
from simtraffic.ledger import Ledger
from simtraffic.runner import RunOptions, run
from simtraffic.scenario import parse_scenario
from simtraffic.signals import Chunk
from tests.export.guarded import Authority, grpc_receiver, http_receiver
from tests.export.test_delivery import losses, submit
from tests.export.test_grpc import Server as GrpcServer
from tests.export.test_grpc import abort_with
from tests.export.test_http import Server as HttpServer
from tests.export.test_splitting import batch_of, request_of
from tests.told import RICH

if TYPE_CHECKING:
    from pathlib import Path

    from simtraffic.export import Transport

LONG_S = 20.0
AT_ONCE = RetryPolicy(first_s=0.0, most_s=0.0)
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"
BATCH = Chunk.of("traces", b"", 1)


@contextmanager
def over_grpc() -> Iterator[GrpcServer]:
    server = GrpcServer()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def over_http() -> Iterator[HttpServer]:
    server = HttpServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def transport_of(**environ: str) -> tuple[Transport, float]:
    """The transport that these variables ask for, and the time-out of a call."""
    settings = resolve_export(ExportOptions(), environ, ["traces"]).signals
    return open_transport(settings), settings["traces"].timeout_s


def http_variables(server: HttpServer) -> dict[str, str]:
    return {
        ENDPOINT: server.endpoint.removesuffix("/v1/traces"),
        PROTOCOL: "http/protobuf",
    }


def deliver(transport: Transport, timeout_s: float = 10.0, count: int = 5) -> Delivery:
    """Hand over one batch and see it through."""
    delivery = Delivery(transport, Ledger(), timeout_s=timeout_s, retry=AT_ONCE)
    submit(delivery, b"", count)
    assert delivery.drain(LONG_S)
    delivery.close()
    assert delivery.ledger.balanced()
    return delivery


def test_the_timeout_variable_is_read_as_seconds() -> None:
    """Issue 4044: 200 would wait for over three minutes."""
    with over_grpc() as server:
        released = threading.Event()
        server.answer = lambda _body, _context: bytes(released.wait(LONG_S))
        transport, timeout_s = transport_of(
            **{ENDPOINT: server.endpoint, "OTEL_EXPORTER_OTLP_TIMEOUT": "200"}
        )
        began = monotonic()
        result = transport.send(BATCH, timeout_s)
        took_s = monotonic() - began
        released.set()
        transport.close()

    assert result.outcome is Outcome.RETRY
    assert 0.1 < took_s < LONG_S / 2


def test_the_timeout_bounds_all_tries_together_so_that_few_are_made() -> None:
    with over_grpc() as server:
        answers = iter([grpc.StatusCode.UNAVAILABLE] * 20)

        def answer(body: bytes, context: Any) -> bytes:
            code = next(answers, None)
            return abort_with(code)(body, context) if code else b""

        server.answer = answer
        transport, _ = transport_of(**{ENDPOINT: server.endpoint})
        delivery = deliver(transport, timeout_s=5.0)

    # They make six at most, and lose the batch.
    assert delivery.ledger.signals["traces"].accepted == 5
    assert delivery.ledger.signals["traces"].retries == 20


def test_an_exhausted_resource_is_tried_again_with_or_without_retry_info() -> None:
    with over_grpc() as server:
        server.answer = abort_with(grpc.StatusCode.RESOURCE_EXHAUSTED, "quota used up")
        transport, _ = transport_of(**{ENDPOINT: server.endpoint})
        delivery = deliver(transport)

    assert delivery.ledger.signals["traces"].requests == 1
    assert losses(delivery.ledger) == {("rejected", "RESOURCE_EXHAUSTED: quota used up"): 5}


def test_a_message_over_four_mebibytes_is_tried_again_and_lost() -> None:
    """Issue 2710. The limit is the one that every gRPC server has unless told otherwise."""
    spans = request_of("traces", [[3]])
    for span in spans.resource_spans[0].scope_spans[0].spans:
        span.name = "x" * 2_000_000
    batch = batch_of("traces", spans)
    assert len(batch.payload) > 4 << 20
    with over_grpc() as server:
        transport, _ = transport_of(**{ENDPOINT: server.endpoint})
        delivery = Delivery(transport, Ledger())
        delivery.ledger.add_generated("traces", 3)
        delivery.submit(batch)
        assert delivery.drain(LONG_S)
        delivery.close()

    assert delivery.ledger.signals["traces"].accepted == 3


@pytest.mark.parametrize("status", [301, 302, 304, 307, 399])
def test_every_status_below_400_is_a_success(status: int) -> None:
    with over_http() as server:
        server.status, server.headers = status, {"location": "http://elsewhere.example/"}
        transport, _ = transport_of(**http_variables(server))
        delivery = deliver(transport)

    assert delivery.ledger.signals["traces"].rejected == 5
    assert len(server.seen) == 1


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_partial_success_is_never_read(protocol: str) -> None:
    """Issue 4803."""
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 2
    answer.partial_success.error_message = "too old"
    body = answer.SerializeToString()
    if protocol == "grpc":
        with over_grpc() as server:
            server.answer = lambda _body, _context: body
            delivery = deliver(transport_of(**{ENDPOINT: server.endpoint})[0])
    else:
        with over_http() as http:
            http.body = body
            delivery = deliver(transport_of(**http_variables(http))[0])

    assert delivery.ledger.signals["traces"].accepted == 3
    assert losses(delivery.ledger) == {("rejected", "partial success: too old"): 2}


def test_a_full_queue_drops_with_no_more_than_a_warning() -> None:
    with over_http() as server:
        gate = threading.Event()
        server.before = lambda _connection: gate.wait(LONG_S)
        transport, _ = transport_of(**http_variables(server))
        delivery = Delivery(transport, Ledger(), queue_bytes=100, max_batch_bytes=10)
        for _ in range(1_000):
            submit(delivery, b"\x0a\x08" + bytes(8))
        gate.set()
        delivery.drain(LONG_S)
        delivery.close()

    entry = delivery.ledger.signals["traces"]
    assert entry.dropped > 900
    assert entry.generated == entry.accepted + entry.rejected + entry.dropped + entry.failed


def test_flush_is_true_after_everything_was_lost() -> None:
    """Issue 4568. Ours says whether all is known in time; what became of it is in the ledger."""
    with over_http() as server:
        server.status = 500
        delivery = deliver(transport_of(**http_variables(server))[0])

    assert delivery.ledger.delivered == 0.0
    assert delivery.ledger.signals["traces"].rejected == 5


def test_flush_and_export_ignore_the_timeout_that_they_are_given() -> None:
    """Issues 4555, 2663."""
    with over_http() as server:
        gate = threading.Event()
        server.before = lambda _connection: gate.wait(LONG_S)
        transport, _ = transport_of(**http_variables(server))
        delivery = Delivery(transport, Ledger(), timeout_s=LONG_S)
        submit(delivery, b"", 5)
        began = monotonic()
        in_time = delivery.drain(0.1)
        took_s = monotonic() - began
        gate.set()
        delivery.close()

    assert not in_time
    assert took_s < LONG_S / 2
    assert delivery.ledger.balanced()


def test_shutting_down_aborts_the_retries() -> None:
    with over_http() as server:
        answered = threading.Event()

        def busy_once(_connection: Any) -> bool:
            server.status = 200 if answered.is_set() else 503
            answered.set()
            return True

        server.before = busy_once
        transport, _ = transport_of(**http_variables(server))
        delivery = Delivery(transport, Ledger())
        submit(delivery, b"", 5)
        assert answered.wait(LONG_S)
        # The end of a run, while the batch waits for its next try.
        assert delivery.drain(LONG_S)
        delivery.close()

    assert delivery.ledger.signals["traces"].accepted == 5


def test_compression_none_cannot_be_said_over_grpc() -> None:
    with over_grpc() as server:
        transport, _ = transport_of(
            **{ENDPOINT: server.endpoint, "OTEL_EXPORTER_OTLP_COMPRESSION": "none"}
        )
        delivery = deliver(transport)

    assert delivery.ledger.delivered == 1.0


@pytest.mark.parametrize("insecure", ["true", "false"])
def test_the_insecure_variable_wins_over_the_scheme(insecure: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    credentials = authority.server_credentials(authority.host, mutual=False)
    said = {"OTEL_EXPORTER_OTLP_INSECURE": insecure}
    with grpc_receiver(credentials) as secure, grpc_receiver() as plain:
        trusted = {"OTEL_EXPORTER_OTLP_CERTIFICATE": authority.certificate}
        over_tls = transport_of(**{ENDPOINT: f"https://localhost:{secure}"}, **said, **trusted)[0]
        over_none = transport_of(**{ENDPOINT: f"http://localhost:{plain}"}, **said)[0]
        outcomes = [each.send(BATCH, 10.0).outcome for each in (over_tls, over_none)]
        over_tls.close()
        over_none.close()

    assert outcomes == [Outcome.ACCEPTED, Outcome.ACCEPTED]


_SENDS = """
import os, sys
from simtraffic.signals import Chunk
from simtraffic.export.connect import open_transport
from simtraffic.export.environment import ExportOptions, resolve_export
transport = open_transport(resolve_export(ExportOptions(), os.environ, ["traces"]).signals)
print(transport.send(Chunk.of("traces", b"", 1), 10.0).outcome.name)
"""


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_client_certificate_is_read_only_beside_an_authority(
    protocol: str, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    opened = (
        grpc_receiver(authority.server_credentials(authority.host, mutual=True))
        if protocol == "grpc"
        else http_receiver(authority.server_context(authority.host, mutual=True))
    )
    # The authority is the system's here; both libraries read its place once in a process.
    system = {
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": authority.certificate,
        "SSL_CERT_FILE": authority.certificate,
    }
    with opened as port:
        asked = {
            ENDPOINT: f"https://localhost:{port}",
            PROTOCOL: protocol,
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": authority.client_certificate,
            "OTEL_EXPORTER_OTLP_CLIENT_KEY": authority.client_key,
        }
        done = subprocess.run(
            [sys.executable, "-c", _SENDS],
            env={**os.environ, **system, **asked},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert (done.stdout, done.stderr) == ("ACCEPTED\n", "")


def test_points_carry_the_time_of_the_wall_clock() -> None:
    with Collector("127.0.0.1:0", "127.0.0.1:0", keep=True) as collector:
        run(
            parse_scenario(RICH),
            RunOptions(start="2024-02-29T12:00:00Z", speed="max"),
            endpoint=collector.grpc_endpoint,
        )
        times = {
            point.time_unix_nano
            for metric in collector.metrics()
            for point in getattr(metric, str(metric.WhichOneof("data"))).data_points
        }

    noon = 1_709_208_000 * 10**9
    assert times
    assert all(noon < time < noon + 3600 * 10**9 for time in times)
