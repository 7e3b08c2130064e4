"""Senders that mean ill: whatever they send, they get an answer, and others are served."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from urllib.parse import urlsplit

import pytest
from google.rpc import status_pb2
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from simtraffic.clock import monotonic
from simtraffic.collector.counts import MOST_FAULTS
from simtraffic.collector.http_body import RefusedError, unpack
from simtraffic.collector.http_door import HttpDoor
from simtraffic.collector.limits import Budget, Limits
from simtraffic.collector.receiver import Receiver
from simtraffic.collector.traces import TraceCheck
from tests.real.programs import wait_until

PROTOBUF, JSON = "application/x-protobuf", "application/json"
HEAD = f"POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: {PROTOBUF}\r\n"


@contextmanager
def door(**limits: Any) -> Iterator[tuple[HttpDoor, Receiver]]:
    receiver = Receiver()
    opened = HttpDoor("127.0.0.1:0", receiver, Limits(**limits))
    try:
        yield opened, receiver
    finally:
        opened.close()


def connect(opened: HttpDoor) -> socket.socket:
    at = urlsplit(opened.endpoint)
    connection = socket.create_connection((at.hostname or "", at.port or 0))
    connection.settimeout(20)
    return connection


def exchange(connection: socket.socket, sent: bytes) -> bytes:
    """What is answered first; an end without any answer is told as a reset."""
    connection.sendall(sent)
    said = connection.recv(4096)
    if not said:
        raise ConnectionResetError
    return said


def answer_to(opened: HttpDoor, sent: bytes, *, ends: bool = False) -> tuple[int, bytes]:
    """Status and body of the answer, and that the connection ends after it."""
    with connect(opened) as connection:
        connection.sendall(sent)
        if ends:
            connection.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(connection)
        response.begin()
        found = response.status, response.read()
        assert connection.recv(1) == b""
        return found


def records(count: int = 1) -> bytes:
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for number in range(count):
        scope.log_records.add(time_unix_nano=number + 1)
    return request.SerializeToString()


class TestChunks:
    @pytest.mark.parametrize("size", [b"-5", b"+5", b"0x5", b"1_0", b" ", b"", b"\xb2"])
    def test_of_no_plain_size_are_refused(self, size: bytes) -> None:
        with door() as (opened, _):
            sent = f"{HEAD}transfer-encoding: chunked\r\n\r\n".encode() + size + b"\r\nxxxxx\r\n"
            assert answer_to(opened, sent)[0] == 400

    def test_are_refused_when_they_add_up_to_too_much(self) -> None:
        with door(most_bytes=10) as (opened, _):
            chunks = b"6\r\nxxxxxx\r\n" * 2
            sent = f"{HEAD}transfer-encoding: chunked\r\n\r\n".encode() + chunks
            assert answer_to(opened, sent)[0] == 413

    def test_with_endless_trailers_are_refused(self) -> None:
        with door() as (opened, _):
            sent = f"{HEAD}transfer-encoding: chunked\r\n\r\n0\r\n".encode() + b"a: b\r\n" * 5_000
            assert answer_to(opened, sent)[0] == 431

    @pytest.mark.parametrize(
        "headers",
        [
            "transfer-encoding: gzip, chunked\r\n",
            "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        ],
    )
    def test_that_may_be_read_in_two_ways_are_refused(self, headers: str) -> None:
        with door() as (opened, _):
            assert answer_to(opened, f"{HEAD}{headers}\r\n0\r\n\r\n".encode())[0] == 400


@pytest.mark.parametrize("length", ["-1", "1e3", "٣", "5, 5", "9" * 5_000])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    with door() as (opened, _):
        sent = f"{HEAD}content-length: {length}\r\n\r\n".encode()
        assert answer_to(opened, sent)[0] in {411, 413}


def test_lengths_that_differ_are_refused() -> None:
    with door() as (opened, _):
        sent = f"{HEAD}content-length: 0\r\ncontent-length: 5\r\n\r\n".encode()
        assert answer_to(opened, sent)[0] == 411


@pytest.mark.parametrize(
    "sent",
    [
        HEAD,
        f"{HEAD}content-length: 100\r\n\r\nx",
        f"{HEAD}transfer-encoding: chunked\r\n\r\n5",
        f"{HEAD}transfer-encoding: chunked\r\n\r\n5\r\nx",
        f"{HEAD}transfer-encoding: chunked\r\n\r\n0\r\n",
    ],
    ids=["head", "body", "size", "chunk", "trailers"],
)
def test_a_sender_that_falls_silent_is_let_go(sent: str) -> None:
    with door(patience_s=0.1) as (opened, _), connect(opened) as connection:
        connection.sendall(sent.encode())
        said = b""
        while part := connection.recv(4096):
            said += part
    # The head's sender has asked for nothing yet.
    assert said.startswith(b"HTTP/1.1 408 ") or (sent == HEAD and not said)


@pytest.mark.parametrize("sent", [HEAD + "x-a: b\r\n", f"{HEAD}content-length: 9999\r\n\r\n"])
def test_a_byte_now_and_then_gains_no_time(sent: str) -> None:
    """The bound is on the request, not on each read."""
    with door(patience_s=0.3) as (opened, _), connect(opened) as connection:
        connection.sendall(sent.encode())
        connection.settimeout(0.02)
        for _ in range(500):
            try:
                if connection.recv(4096) is not None:
                    break
            except TimeoutError:
                connection.sendall(b"x")
        else:
            pytest.fail("still served after 10 s")


def test_a_connection_that_never_speaks_is_closed() -> None:
    with door(idle_s=0.05) as (opened, _), connect(opened) as connection:
        assert connection.recv(1) == b""


def test_there_are_no_more_connections_than_the_limit() -> None:
    with door(most_connections=2) as (opened, _):
        first, second = connect(opened), connect(opened)
        sent = f"{HEAD}content-length: 0\r\n\r\n".encode()
        for served in (first, second):
            served.sendall(sent)
            assert served.recv(4096).startswith(b"HTTP/1.1 200 ")
        with connect(opened) as third, pytest.raises(ConnectionError):
            exchange(third, sent)
        first.close()
        second.close()


def test_a_refusal_reaches_a_client_that_is_still_sending() -> None:
    """A connection closed with bytes unread is reset, and the answer with it."""
    with door(most_bytes=1_000) as (opened, _):
        sent = f"{HEAD}content-length: {4 << 20}\r\n\r\n".encode() + bytes(4 << 20)
        assert answer_to(opened, sent)[0] == 413


def test_bodies_that_wait_in_memory_are_bounded() -> None:
    with door(most_bytes=1_000, bodies_held=1) as (opened, receiver):
        with connect(opened) as waiting:
            waiting.sendall(f"{HEAD}content-length: 1000\r\n\r\n".encode() + bytes(900))
            # Not before it is held: asked earlier, the others might be, and it be refused.
            wait_until(lambda: opened._server.holding._booked > 0, "a body to be held")
            assert is_answered(opened, 503)
        # With that sender gone there is room again.
        assert is_answered(opened, 200), "what was held is never given back"
    assert receiver.counts().refused["503 too much is being received; try again"] >= 1


def is_answered(opened: HttpDoor, status: int) -> bool:
    """Whether a request gets this answer before long; the threads of others take their time."""
    until = monotonic() + 20.0
    while monotonic() < until:
        if answer_to_or_go_on(opened, records(20)) == status:
            return True
    return False


def answer_to_or_go_on(opened: HttpDoor, body: bytes) -> int:
    connection = http.client.HTTPConnection(urlsplit(opened.endpoint).netloc, timeout=20)
    try:
        connection.request("POST", "/v1/logs", body, {"content-type": PROTOBUF})
        return connection.getresponse().status
    finally:
        connection.close()


def test_what_is_held_is_counted() -> None:
    holding = Budget(10)

    assert holding.take(6)
    assert not holding.take(5)
    holding.give(6)
    assert holding.take(10)


class TestGate:
    def through(self, gate: Budget, size: int, stay: threading.Event) -> threading.Event:
        """An event that is set once a body of this size has come through, in a thread."""
        inside = threading.Event()

        def go() -> None:
            with gate.waits(size):
                inside.set()
                assert stay.wait(20)

        threading.Thread(target=go, daemon=True).start()
        return inside

    def test_lets_so_many_bytes_through_at_once_and_in_order(self) -> None:
        gate, first_goes, others_go = Budget(10), threading.Event(), threading.Event()
        others_go.set()
        assert self.through(gate, 6, first_goes).wait(20)
        large = self.through(gate, 10, others_go)
        assert not large.wait(0.05)
        # It would fit beside the first, and comes after the large one.
        small = self.through(gate, 1, others_go)
        assert not small.wait(0.05)
        first_goes.set()
        assert large.wait(20)
        assert small.wait(20)

    def test_lets_a_body_through_alone_that_is_larger_than_all(self) -> None:
        gate = Budget(10)
        with gate.waits(99):
            pass
        with gate.waits(5), gate.waits(5):
            pass

    def test_opens_again_after_a_body_that_cannot_be_read(self) -> None:
        receiver = Receiver(most_bytes=1)
        for _ in range(3):
            with pytest.raises(ValueError, match="not a request"):
                receiver.receive("logs", b"\xff\xff\xff")
        assert receiver.receive("logs", records()) == 0
        assert receiver.counts().log_records == 1

    def test_is_that_of_the_receiver(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[int] = []
        receiver = Receiver(most_bytes=10)
        monkeypatch.setattr(
            receiver._parsing, "waits", lambda size: asked.append(size) or nullcontext()
        )
        receiver.receive("logs", records())

        assert asked == [len(records())]


class TestGzip:
    def post(self, opened: HttpDoor, body: bytes) -> int:
        head = f"{HEAD}content-encoding: gzip\r\nconnection: close\r\n"
        return answer_to(opened, f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)[0]

    def test_of_several_members_is_read_whole(self) -> None:
        with door() as (opened, receiver):
            assert self.post(opened, gzip.compress(records()) + gzip.compress(records())) == 200
        assert receiver.counts().log_records == 2

    def test_with_more_behind_it_is_refused(self) -> None:
        with door() as (opened, _):
            assert self.post(opened, gzip.compress(records()) + b"more") == 400

    def test_of_a_thousand_members_is_refused(self) -> None:
        with door() as (opened, _):
            assert self.post(opened, gzip.compress(b"") * 1_000) == 400

    def test_that_inflates_to_too_much_in_its_second_member_is_refused(self) -> None:
        with door(most_bytes=10_000) as (opened, _):
            assert self.post(opened, gzip.compress(bytes(6_000)) * 2) == 413

    def test_of_exactly_the_limit_is_read(self) -> None:
        body = records(10)
        with door(most_bytes=len(body)) as (opened, _):
            assert self.post(opened, gzip.compress(body)) in {200, 413}
            compressed = gzip.compress(body)
            assert self.post(opened, compressed) == (200 if len(compressed) <= len(body) else 413)


def test_a_bomb_is_inflated_no_further_than_the_limit() -> None:
    bomb = gzip.compress(bytes(64 << 20), 1)
    tracemalloc.start()
    with pytest.raises(RefusedError, match="uncompressed"):
        unpack(bomb, "gzip", 1 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    # The output, and the input that is left over.
    assert peak < (3 << 20) + len(bomb)


class TestMalformedHeads:
    @pytest.mark.parametrize(
        ("sent", "status"),
        [
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
            (b"PROPFIND /v1/logs HTTP/1.1\r\n\r\n", 405),
            (b"GET /\r\n\r\n", 405),
            (b"GET / HTTP/0.9\r\n\r\n", 405),
            (b"\x16\x03\x01\x02\x00\r\n\r\n", 400),
            (b"POST " + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
            (b"POST /v1/logs HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
            (b"POST /v1/logs HTTP/1.1\r\na: " + b"x" * 70_000 + b"\r\n\r\n", 431),
        ],
        ids=[
            "HTTP/2",
            "method",
            "no version",
            "HTTP/0.9",
            "TLS",
            "long path",
            "many headers",
            "long header",
        ],
    )
    def test_are_answered_with_a_status_in_json(self, sent: bytes, status: int) -> None:
        with door() as (opened, receiver):
            found, body = answer_to(opened, sent)

        assert found == status
        assert json.loads(body)["message"]
        assert [int(reason[:3]) for reason in receiver.counts().refused] == [status]

    def test_a_wrong_method_is_told_the_right_one(self) -> None:
        with door() as (opened, _), connect(opened) as connection:
            connection.sendall(b"DELETE /v1/logs HTTP/1.1\r\n\r\n")
            response = http.client.HTTPResponse(connection)
            response.begin()
            assert (response.status, response.headers["allow"]) == (405, "POST")
            response.close()


class TestMessages:
    def test_that_repeat_what_came_are_short_and_printable(self) -> None:
        body = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"%s"}]}]}]}' % (
            b"\\ud800\\u001b[31m" * 10_000
        )
        with door() as (opened, _):
            head = HEAD.replace(PROTOBUF, JSON) + "connection: close\r\n"
            sent = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
            status, said = answer_to(opened, sent)

        message = json.loads(said)["message"]
        assert status == 400
        assert len(message) <= 300
        assert message.isprintable()

    @pytest.mark.parametrize(
        "text", [b'"\\ud800": 1', b'"\xed\xa0\x80": 1', b'"schemaUrl": "\\udfff"']
    )
    def test_come_to_halves_of_pairs(self, text: bytes) -> None:
        """The message classes break at them with an error of the interpreter's."""
        body = b'{"resourceLogs":[{%s}]}' % text
        with door() as (opened, _):
            head = HEAD.replace(PROTOBUF, JSON) + "connection: close\r\n"
            sent = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
            assert answer_to(opened, sent)[0] == 400

    def test_of_a_refusal_in_protobuf_are_a_status(self) -> None:
        with door() as (opened, _):
            sent = f"{HEAD}connection: close\r\ncontent-length: 3\r\n\r\n\xff".encode("latin-1")
            status, said = answer_to(opened, sent + b"\xff\xff")

        assert status == 400
        assert status_pb2.Status.FromString(said).message.startswith("not a request of logs")


class TestMemory:
    def test_does_not_hold_long_names(self) -> None:
        receiver = Receiver()
        for number in range(3 * MOST_FAULTS):
            request = ExportMetricsServiceRequest()
            scope = request.resource_metrics.add().scope_metrics.add()
            scope.metrics.add(name=f"{number}" + "\x1b" * 10_000).sum.is_monotonic = True
            receiver.receive("metrics", request.SerializeToString())

        faults = receiver.counts().faults
        assert len(faults) <= MOST_FAULTS + 1
        assert all(len(message) <= 300 and message.isprintable() for message in faults)

    def test_does_not_hold_ids_of_any_length(self) -> None:
        receiver = Receiver()
        request = ExportTraceServiceRequest()
        span = request.resource_spans.add().scope_spans.add().spans.add(name="x", kind=1)
        span.trace_id, span.span_id, span.parent_span_id = b"t" * 1_000, b"s" * 1_000, b"p" * 1_000
        receiver.receive("traces", request.SerializeToString())

        assert receiver.counts().faults["trace id is not 16 bytes, or all zero"] == 1
        assert receiver.counts().faults["parent span did not arrive in the same trace"] == 1
        traces = receiver._traces
        assert all(len(key) <= 25 for key in traces._young | traces._waiting_young)

    def test_of_parents_is_bounded_when_one_span_comes_again_and_again(self) -> None:
        receiver = Receiver()
        check = TraceCheck(receiver._faults, generation=100)
        for number in range(1, 1_000):
            request = ExportTraceServiceRequest()
            span = request.resource_spans.add().scope_spans.add().spans.add(name="x", kind=1)
            span.trace_id, span.span_id = b"t" * 16, b"s" * 8
            span.parent_span_id = number.to_bytes(8, "big")
            check.check(request)

        assert check.orphans <= 200
