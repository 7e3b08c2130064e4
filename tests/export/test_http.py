from __future__ import annotations

import gc
import gzip
import json
import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from google.rpc import status_pb2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from simtraffic.clock import SECOND_NS, unix_ns
from simtraffic.collector import Collector
from simtraffic.errors import UsageError
from simtraffic.export import Outcome, SendResult
from simtraffic.export.answers import UNREADABLE
from simtraffic.export.http import HttpTransport, retry_after_s
from simtraffic.export.settings import ExportSettings
from simtraffic.signals import Chunk

BATCH = Chunk.of("traces", b"\x00 bytes \xff", 3)
PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}


class Server(ThreadingHTTPServer):
    """An HTTP server whose answer a test chooses."""

    daemon_threads = True
    status = 200
    headers: dict[str, str] = PROTOBUF
    body = b""
    said_length: int | None = None
    before: Callable[[socket.socket], bool] = staticmethod(lambda _connection: True)

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, dict[str, str], bytes]] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1/traces"

    def handle_error(self, request: object, client_address: object) -> None:
        pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        sent = {key.lower(): value for key, value in self.headers.items()}
        self.server.seen.append((self.path, sent, body))
        if not self.server.before(self.connection):
            self.close_connection = True
            return
        self.send_response(self.server.status)
        for key, value in self.server.headers.items():
            self.send_header(key, value)
        length = self.server.said_length
        self.send_header("content-length", str(len(self.server.body) if length is None else length))
        self.end_headers()
        self.wfile.write(self.server.body)
        self.close_connection = length is not None

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    thread = threading.Thread(target=running.serve_forever, args=(0.01,))
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def transport(server: Server) -> Iterator[HttpTransport]:
    opened = HttpTransport(
        ExportSettings(server.endpoint, "http/protobuf", headers=(("x-key", "secret"),))
    )
    yield opened
    opened.close()


def test_bytes_travel_as_they_are_with_headers_and_user_agent(
    server: Server, transport: HttpTransport
) -> None:
    assert transport.send(BATCH, 5.0) == SendResult(Outcome.ACCEPTED)

    path, headers, body = server.seen[0]
    assert (path, body) == ("/v1/traces", BATCH.payload)
    assert headers["content-type"] == "application/x-protobuf"
    assert headers["x-key"] == "secret"
    assert headers["user-agent"].startswith("simtraffic/")
    assert "content-encoding" not in headers


def test_gzip_is_announced_and_can_be_unpacked(server: Server) -> None:
    transport = HttpTransport(ExportSettings(server.endpoint, "http/protobuf", compression="gzip"))

    transport.send(BATCH, 5.0)
    transport.close()

    assert server.seen[0][1]["content-encoding"] == "gzip"
    assert gzip.decompress(server.seen[0][2]) == BATCH.payload


def test_json_is_made_from_the_batch_and_its_answer_is_read(server: Server) -> None:
    server.headers = JSON
    server.body = b'{"partialSuccess": {"rejectedSpans": "2", "errorMessage": "old"}, "new": 1}'
    transport = HttpTransport(
        ExportSettings(server.endpoint, "http/json"), lambda batch: batch.signal.encode()
    )

    result = transport.send(BATCH, 5.0)
    transport.close()

    assert result == SendResult(Outcome.ACCEPTED, 2, "old")
    assert server.seen[0][1]["content-type"] == "application/json"
    assert server.seen[0][2] == b"traces"


def test_partial_success_is_read(server: Server, transport: HttpTransport) -> None:
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 2
    answer.partial_success.error_message = "too old"
    server.body = answer.SerializeToString()

    assert transport.send(BATCH, 5.0) == SendResult(Outcome.ACCEPTED, 2, "too old")


@pytest.mark.parametrize(
    ("headers", "body", "said_length"),
    [
        (PROTOBUF, b"\xff\xff", None),
        (JSON, b"<html>", None),
        (JSON, b'{"partialSuccess": 7}', None),
        (PROTOBUF, b"\x0a", 100),
        (PROTOBUF, bytes(5 << 20), None),
        ({**PROTOBUF, "content-encoding": "gzip"}, b"not gzip", None),
    ],
    ids=["protobuf", "json", "shape", "cut off", "huge", "encoding"],
)
def test_a_success_that_cannot_be_read_is_accepted_with_a_message(
    server: Server,
    transport: HttpTransport,
    headers: dict[str, str],
    body: bytes,
    said_length: int | None,
) -> None:
    server.headers, server.body, server.said_length = headers, body, said_length

    assert transport.send(BATCH, 5.0) == SendResult(Outcome.ACCEPTED, message=UNREADABLE)


def test_an_answer_in_gzip_is_read(server: Server, transport: HttpTransport) -> None:
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 2
    server.headers = {**PROTOBUF, "content-encoding": "gzip"}
    server.body = gzip.compress(answer.SerializeToString())

    assert transport.send(BATCH, 5.0).rejected == 2


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(bytes(32 << 20))),
        ("gzip", b"no gzip at all"),
        ("gzip", gzip.compress(b"cut short" * 99)[:-9]),
        ("br", b"unknown"),
    ],
    ids=["bomb", "garbage", "cut", "foreign"],
)
def test_a_success_that_cannot_be_unpacked_is_accepted_and_takes_little_memory(
    server: Server, transport: HttpTransport, coding: str, body: bytes
) -> None:
    server.headers, server.body = {**PROTOBUF, "content-encoding": coding}, body
    tracemalloc.start()
    try:
        result = transport.send(BATCH, 20.0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert result == SendResult(Outcome.ACCEPTED, message=UNREADABLE)
    assert peak < 16 << 20


def test_a_refusal_before_the_request_was_read_is_seen() -> None:
    """As nginx does it: 413 as soon as the length is known, and the connection closed."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def refuse() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(
                    b"HTTP/1.1 413 Content Too Large\r\n"
                    b"connection: close\r\ncontent-length: 0\r\n\r\n"
                )
                connection.shutdown(socket.SHUT_WR)
                # Read on for a while, as it does, so that the answer is not lost in a reset.
                while connection.recv(65_536):
                    pass

        thread = threading.Thread(target=refuse)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1/traces"
        other = HttpTransport(ExportSettings(url, "http/protobuf"))
        result = other.send(Chunk.of("traces", bytes(8 << 20), 1), 20.0)
        other.close()
        thread.join(20.0)

    assert result.outcome is Outcome.TOO_LARGE


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/grpc"])
def test_a_success_of_a_foreign_content_type_is_accepted_with_a_message(
    server: Server, transport: HttpTransport, kind: str
) -> None:
    # As protobuf these bytes would say that five spans were rejected.
    server.headers, server.body = {"content-type": kind}, b"\x0a\x02\x08\x05"

    result = transport.send(BATCH, 5.0)

    assert result == SendResult(
        Outcome.ACCEPTED, message=f"{UNREADABLE}: its content type is {kind}"
    )


@pytest.mark.parametrize(
    ("location", "named"),
    [
        ("https://user:password@login.example:8443/sso?token=abc", "login.example:8443"),
        ("/elsewhere", "the same host"),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_its_host_named(
    server: Server, transport: HttpTransport, status: int, location: str, named: str
) -> None:
    server.status, server.headers = status, {"location": location}

    result = transport.send(BATCH, 5.0)

    assert result == SendResult(
        Outcome.REJECTED, message=f"HTTP {status}: a redirect to {named} is not followed"
    )
    assert len(server.seen) == 1


@pytest.mark.parametrize("body", [b"{}", b"", b'{"partialSuccess":null}'])
def test_every_form_of_an_empty_json_answer_is_full_success(
    server: Server, transport: HttpTransport, body: bytes
) -> None:
    server.headers, server.body = JSON, body

    assert transport.send(BATCH, 5.0) == SendResult(Outcome.ACCEPTED)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (202, Outcome.ACCEPTED),
        (301, Outcome.REJECTED),
        (400, Outcome.REJECTED),
        (401, Outcome.REFUSED),
        (403, Outcome.REFUSED),
        (404, Outcome.REJECTED),
        (408, Outcome.REJECTED),
        (413, Outcome.TOO_LARGE),
        (429, Outcome.RETRY),
        (500, Outcome.REJECTED),
        (501, Outcome.REJECTED),
        (502, Outcome.RETRY),
        (503, Outcome.RETRY),
        (504, Outcome.RETRY),
    ],
)
def test_each_status_means_what_the_specification_says(
    server: Server, transport: HttpTransport, status: int, outcome: Outcome
) -> None:
    server.status = status

    result = transport.send(BATCH, 5.0)

    assert (result.outcome, result.maybe_delivered) == (outcome, False)


@pytest.mark.parametrize(
    ("headers", "body", "message"),
    [
        (PROTOBUF, status_pb2.Status(message="bad span").SerializeToString(), "bad span"),
        (JSON, json.dumps({"message": "bad\nspan"}).encode(), "bad span"),
        (JSON, b"[1]", "[1]"),
        ({"content-type": "text/html"}, b"<b>no</b>", "<b>no</b>"),
        (PROTOBUF, b"\xff", "Bad Request"),
    ],
    ids=["protobuf", "json", "other json", "html", "unreadable"],
)
def test_a_refusal_keeps_the_words_of_the_receiver(
    server: Server, transport: HttpTransport, headers: dict[str, str], body: bytes, message: str
) -> None:
    server.status, server.headers, server.body = 400, headers, body

    assert transport.send(BATCH, 5.0).message == f"HTTP 400: {message}"


def test_retry_after_is_kept(server: Server, transport: HttpTransport) -> None:
    server.status, server.headers = 429, {**PROTOBUF, "retry-after": "7"}

    assert transport.send(BATCH, 5.0).retry_after_s == 7.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("3", 3.0),
        ("-3", None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value) == seconds


def test_a_retry_date_in_the_future_is_a_wait() -> None:
    wait = retry_after_s("Fri, 31 Dec 2100 23:59:59 GMT")

    # 4133980799 is that date; the second is for the clock that goes on between the two readings.
    assert wait == pytest.approx(4_133_980_799 - unix_ns() / SECOND_NS, abs=1.0)


def test_a_connection_that_closes_without_an_answer_may_have_taken_the_request(
    server: Server, transport: HttpTransport
) -> None:
    server.before = lambda _connection: False

    result = transport.send(BATCH, 5.0)

    assert (result.outcome, result.maybe_delivered) == (Outcome.RETRY, True)


def test_an_answer_that_does_not_come_in_time_may_have_been_delivered(
    server: Server, transport: HttpTransport
) -> None:
    hold = threading.Event()
    server.before = lambda _connection: hold.wait(20) and False

    result = transport.send(BATCH, 0.05)
    hold.set()

    assert result == SendResult(Outcome.RETRY, message="no answer in time", maybe_delivered=True)


def test_an_endpoint_that_is_not_there_is_worth_another_try_and_took_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    transport = HttpTransport(ExportSettings(f"http://127.0.0.1:{port}/v1/traces", "http/protobuf"))

    result = transport.send(BATCH, 5.0)
    transport.close()

    assert (result.outcome, result.maybe_delivered) == (Outcome.RETRY, False)


def test_a_missing_certificate_is_a_fault_of_the_command_line() -> None:
    settings = ExportSettings(
        "https://127.0.0.1:1/", "http/protobuf", certificate="/nowhere/ca.pem"
    )

    with pytest.raises(UsageError, match=r"/nowhere/ca\.pem: cannot be used for TLS"):
        HttpTransport(settings)


def test_nothing_of_a_request_is_kept_after_its_answer() -> None:
    """A run collects little garbage while it goes, so that a cycle would keep every body."""

    def answers() -> int:
        return sum(isinstance(each, httpx.Response) for each in gc.get_objects())

    with Collector() as collector:
        endpoint = f"{collector.http_endpoint}/v1/logs"
        transport = HttpTransport(ExportSettings(endpoint, "http/protobuf"))
        gc.collect()
        gc.disable()
        try:
            before = answers()
            for _ in range(10):
                assert transport.send(Chunk.of("logs", b"", 0), 5.0).outcome is Outcome.ACCEPTED
            assert answers() == before
        finally:
            gc.enable()
            transport.close()
