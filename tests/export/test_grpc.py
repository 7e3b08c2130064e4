from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from simtraffic.errors import UsageError
from simtraffic.export import Outcome, SendResult
from simtraffic.export.answers import SERVICES, UNREADABLE
from simtraffic.export.grpc import GrpcTransport, grpc_target
from simtraffic.export.settings import ExportSettings
from simtraffic.signals import Chunk

BATCH = Chunk.of("traces", b"anything", 3)
Answer = Callable[[bytes, Any], bytes]


class Server:
    """A gRPC server whose answer a test chooses."""

    def __init__(self, port: int = 0) -> None:
        self.answer: Answer = lambda _body, _context: b""
        self.metadata: dict[str, Any] = {}
        handlers = [
            grpc.method_handlers_generic_handler(
                service.grpc_service,
                {"Export": grpc.unary_unary_rpc_method_handler(self._export)},
            )
            for service in SERVICES.values()
        ]
        self._server = grpc.server(ThreadPoolExecutor(4), handlers=handlers)
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._server.start()

    def _export(self, body: bytes, context: Any) -> bytes:
        self.metadata = dict(context.invocation_metadata())
        return self.answer(body, context)

    def stop(self) -> None:
        self._server.stop(None).wait()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


@pytest.fixture
def transport(server: Server) -> Iterator[GrpcTransport]:
    opened = GrpcTransport(ExportSettings(server.endpoint, headers=(("x-key", "secret"),)))
    yield opened
    opened.close()


def abort_with(
    code: grpc.StatusCode, details: str = "said", retry_s: float | None = None
) -> Answer:
    def answer(_body: bytes, context: Any) -> bytes:
        if retry_s is not None:
            detail = AnyMessage()
            seconds, part = divmod(retry_s, 1)
            delay = Duration(seconds=int(seconds), nanos=int(part * 1e9))
            detail.Pack(error_details_pb2.RetryInfo(retry_delay=delay))
            status = status_pb2.Status(code=code.value[0], details=[detail])
            context.set_trailing_metadata(
                (("grpc-status-details-bin", status.SerializeToString()),)
            )
        context.abort(code, details)
        return b""

    return answer


@pytest.mark.parametrize("signal", list(SERVICES))
def test_bytes_travel_as_they_are_with_headers_and_user_agent(
    server: Server, transport: GrpcTransport, signal: str
) -> None:
    bodies: list[bytes] = []
    server.answer = lambda body, _context: bodies.append(body) or b""

    result = transport.send(Chunk.of(signal, b"not even protobuf \x00\xff", 1), 5.0)

    assert result == SendResult(Outcome.ACCEPTED)
    assert bodies == [b"not even protobuf \x00\xff"]
    assert server.metadata["x-key"] == "secret"
    assert server.metadata["user-agent"].startswith("simtraffic/")


def test_partial_success_is_read(server: Server, transport: GrpcTransport) -> None:
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 2
    answer.partial_success.error_message = "too\nold"
    server.answer = lambda _body, _context: answer.SerializeToString()

    assert transport.send(BATCH, 5.0) == SendResult(Outcome.ACCEPTED, 2, "too old")


def test_a_success_that_cannot_be_read_is_accepted_with_a_message(
    server: Server, transport: GrpcTransport
) -> None:
    server.answer = lambda _body, _context: b"\xff\xff\xff"

    assert transport.send(BATCH, 5.0) == SendResult(Outcome.ACCEPTED, message=UNREADABLE)


def test_a_huge_answer_is_a_success_that_cannot_be_read(
    server: Server, transport: GrpcTransport
) -> None:
    server.answer = lambda _body, _context: bytes(5 << 20)

    assert transport.send(BATCH, 5.0) == SendResult(Outcome.ACCEPTED, message=UNREADABLE)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (grpc.StatusCode.CANCELLED, Outcome.RETRY),
        (grpc.StatusCode.UNKNOWN, Outcome.REJECTED),
        (grpc.StatusCode.INVALID_ARGUMENT, Outcome.REJECTED),
        (grpc.StatusCode.DEADLINE_EXCEEDED, Outcome.RETRY),
        (grpc.StatusCode.NOT_FOUND, Outcome.REJECTED),
        (grpc.StatusCode.ALREADY_EXISTS, Outcome.REJECTED),
        (grpc.StatusCode.PERMISSION_DENIED, Outcome.REFUSED),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, Outcome.REJECTED),
        (grpc.StatusCode.FAILED_PRECONDITION, Outcome.REJECTED),
        (grpc.StatusCode.ABORTED, Outcome.RETRY),
        (grpc.StatusCode.OUT_OF_RANGE, Outcome.RETRY),
        (grpc.StatusCode.UNIMPLEMENTED, Outcome.REJECTED),
        (grpc.StatusCode.INTERNAL, Outcome.REJECTED),
        (grpc.StatusCode.UNAVAILABLE, Outcome.RETRY),
        (grpc.StatusCode.DATA_LOSS, Outcome.RETRY),
        (grpc.StatusCode.UNAUTHENTICATED, Outcome.REFUSED),
    ],
    ids=lambda each: each.name if isinstance(each, grpc.StatusCode) else "",
)
def test_each_code_means_what_the_specification_says(
    server: Server, transport: GrpcTransport, code: grpc.StatusCode, outcome: Outcome
) -> None:
    server.answer = abort_with(code)

    result = transport.send(BATCH, 5.0)

    assert (result.outcome, result.message) == (outcome, f"{code.name}: said")


def test_an_answer_of_a_busy_receiver_is_not_a_lost_answer(
    server: Server, transport: GrpcTransport
) -> None:
    server.answer = abort_with(grpc.StatusCode.UNAVAILABLE, "try later")

    assert not transport.send(BATCH, 5.0).maybe_delivered


@pytest.mark.parametrize("code", [grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE])
def test_retry_info_makes_throttling_retryable_and_is_kept(
    server: Server, transport: GrpcTransport, code: grpc.StatusCode
) -> None:
    server.answer = abort_with(code, "slow down", retry_s=1.5)

    assert transport.send(BATCH, 5.0) == SendResult(
        Outcome.RETRY, message=f"{code.name}: slow down", retry_after_s=1.5
    )


# Code and words of grpc-go, the C core, grpc-java, .NET, grpc-js and tonic.
@pytest.mark.parametrize(
    ("code", "details", "limit"),
    [
        ("RESOURCE_EXHAUSTED", "grpc: received message larger than max (5 vs. 4)", 4),
        (
            "RESOURCE_EXHAUSTED",
            "grpc: received message after decompression larger than max 4",
            4,
        ),
        ("RESOURCE_EXHAUSTED", "SERVER: Received message larger than max (5 vs. 4)", 4),
        ("RESOURCE_EXHAUSTED", "gRPC message exceeds maximum size 4: 5", 4),
        (
            "RESOURCE_EXHAUSTED",
            "Received message exceeds the maximum configured message size.",
            None,
        ),
        (
            "RESOURCE_EXHAUSTED",
            "Received message that decompresses to a size larger than 4",
            4,
        ),
        (
            "OUT_OF_RANGE",
            "Error, decoded message length too large: found 5 bytes, the limit is: 4 bytes",
            4,
        ),
        ("UNKNOWN", "unexpected HTTP status code received from server: 413", None),
    ],
)
def test_a_too_large_message_is_known_in_the_words_of_every_server(
    server: Server, transport: GrpcTransport, code: str, details: str, limit: int | None
) -> None:
    server.answer = abort_with(grpc.StatusCode[code], details)

    result = transport.send(BATCH, 5.0)

    assert (result.outcome, result.limit_bytes) == (Outcome.TOO_LARGE, limit)


@pytest.mark.parametrize(
    "details",
    [
        "out of memory",
        # Tempo speaks of a trace over all requests; smaller requests would not help.
        "TRACE_TOO_LARGE: max size of trace (5000000) exceeded",
        # The receiver may not send so much: the request itself was of the right size.
        "grpc: trying to send message larger than max (5 vs. 4)",
        "SERVER: Sent message larger than max (5 vs. 4)",
    ],
)
def test_an_exhausted_resource_that_is_no_size_is_refused_for_good(
    server: Server, transport: GrpcTransport, details: str
) -> None:
    server.answer = abort_with(grpc.StatusCode.RESOURCE_EXHAUSTED, details)

    assert transport.send(BATCH, 5.0).outcome is Outcome.REJECTED


def test_an_answer_that_does_not_come_in_time_may_have_been_delivered(
    server: Server, transport: GrpcTransport
) -> None:
    hold = threading.Event()
    server.answer = lambda _body, _context: bytes(hold.wait(20))

    result = transport.send(BATCH, 0.05)
    hold.set()

    assert (result.outcome, result.maybe_delivered) == (Outcome.RETRY, True)


def test_a_server_that_dies_over_a_request_may_have_taken_it(
    server: Server, transport: GrpcTransport
) -> None:
    hold = threading.Event()

    def die(_body: bytes, _context: Any) -> bytes:
        threading.Thread(target=server.stop).start()
        hold.wait(20)
        return b""

    server.answer = die

    result = transport.send(BATCH, 5.0)
    hold.set()

    assert (result.outcome, result.maybe_delivered) == (Outcome.RETRY, True)


def test_an_endpoint_that_is_not_there_is_worth_another_try_and_took_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    transport = GrpcTransport(ExportSettings(f"http://127.0.0.1:{port}"))

    result = transport.send(BATCH, 5.0)
    transport.close()

    assert (result.outcome, result.maybe_delivered) == (Outcome.RETRY, False)
    assert "\n" not in result.message


def test_an_endpoint_that_comes_back_is_used_again() -> None:
    first = Server()
    transport = GrpcTransport(ExportSettings(first.endpoint))
    assert transport.send(BATCH, 5.0).outcome is Outcome.ACCEPTED
    first.stop()
    assert transport.send(BATCH, 5.0).outcome is Outcome.RETRY

    second = Server(first.port)
    outcomes: list[Outcome] = []
    # Reconnecting backs off to one second at most; tries that come earlier are refused at once.
    pause = threading.Event()
    while not outcomes or (outcomes[-1] is Outcome.RETRY and len(outcomes) < 200):
        outcomes.append(transport.send(BATCH, 5.0).outcome)
        pause.wait(0.02)
    transport.close()
    second.stop()

    assert outcomes[-1] is Outcome.ACCEPTED


def test_gzip_is_announced_and_understood(server: Server) -> None:
    transport = GrpcTransport(ExportSettings(server.endpoint, compression="gzip"))
    bodies: list[bytes] = []
    server.answer = lambda body, _context: bodies.append(body) or b""

    transport.send(Chunk.of("traces", b"a" * 10_000, 1), 5.0)
    transport.close()

    assert bodies == [b"a" * 10_000]


def test_a_missing_certificate_is_a_fault_of_the_command_line() -> None:
    with pytest.raises(UsageError, match=r"/nowhere/ca\.pem: cannot be read"):
        GrpcTransport(ExportSettings("https://127.0.0.1:1", certificate="/nowhere/ca.pem"))


@pytest.mark.parametrize(
    ("endpoint", "target"),
    [
        ("http://localhost:4317", "localhost:4317"),
        ("http://localhost:4317/some/path", "localhost:4317"),
        ("http://[::1]:4317", "[::1]:4317"),
        ("https://otlp.example.com", "otlp.example.com:443"),
        ("http://otlp.example.com", "otlp.example.com:80"),
        ("unix:///run/otlp.sock", "unix:///run/otlp.sock"),
    ],
)
def test_the_target_of_an_endpoint(endpoint: str, target: str) -> None:
    assert grpc_target(endpoint) == target


def test_nothing_is_said_on_standard_error_and_no_thread_stays() -> None:
    script = (
        "import threading\n"
        "from simtraffic.export import Chunk\n"
        "from simtraffic.export.grpc import GrpcTransport\n"
        "from simtraffic.export.settings import ExportSettings\n"
        "transport = GrpcTransport(ExportSettings('http://127.0.0.1:1'))\n"
        "transport.send(Chunk.of('traces', b'', 0), 5.0)\n"
        "transport.close()\n"
        "print(threading.active_count())\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )

    assert (done.stdout, done.stderr) == ("1\n", "")
