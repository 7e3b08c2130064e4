"""Feeds bytes to the doors and judges what comes back. Anything but an answer is a finding."""

from __future__ import annotations

import json
import socket
import threading
from types import SimpleNamespace
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import status_pb2

from simtraffic.collector.faults import Conduct, parse_fault
from simtraffic.collector.grpc_door import GrpcDoor
from simtraffic.collector.http_door import HttpDoor, _Handler
from simtraffic.collector.limits import Budget, Limits
from simtraffic.collector.metrics import MetricCheck
from simtraffic.collector.receiver import Receiver
from simtraffic.collector.traces import TraceCheck
from simtraffic.export.answers import SERVICES
from simtraffic.export.otlp_json import message_to_json
from simtraffic.signals import UNITS
from tests.fuzz import corpus

# Smaller than any bomb, larger than any input.
LIMITS = Limits(most_bytes=256 << 10, patience_s=20.0)
STATUSES = frozenset({200, 400, 404, 405, 408, 411, 413, 414, 415, 417, 431, 505})
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CLOSE = "connection: close\r\n"
LONGEST_REASON = 320
WAIT_S = 20.0
QUIET_S = 0.02


class FindingError(Exception):
    """What no input may bring about."""


def receiver() -> Receiver:
    """One that has little to remember, and takes a part of the log records only."""
    made = Receiver(conduct=Conduct([parse_fault("kind=partial share=30% signal=logs")]))
    # So that a few thousand inputs fill what is bounded, and growth is growth.
    checks: dict[str, Any] = made._checks
    checks["traces"] = made._traces = TraceCheck(made._faults, generation=500)
    checks["metrics"] = MetricCheck(made._faults, generation=500)
    return made


class _Handler2(_Handler):
    """On a pair of sockets within the process, which know nothing of Nagle."""

    disable_nagle_algorithm = False


class HttpInProcess:
    """The HTTP door's handler, in this thread."""

    def __init__(self) -> None:
        self.receiver = receiver()
        self._server: Any = SimpleNamespace(
            closing=threading.Event(),
            receiver=self.receiver,
            limits=LIMITS,
            holding=Budget(LIMITS.bodies_held * LIMITS.most_bytes),
            inflating=threading.BoundedSemaphore(),
        )

    def feed(self, sent: bytes) -> str:
        """Send these bytes and the end after them; returns the first status in words."""
        near, far = socket.socketpair()
        with near:
            near.sendall(sent)
            near.shutdown(socket.SHUT_WR)
            with far:
                _Handler2(far, ("fuzz", 0), self._server)
            said = b""
            while part := near.recv(1 << 20):
                said += part
        return judge_http(sent, said)


class GrpcInProcess:
    """The gRPC door's handler, in this thread, without the native library."""

    def __init__(self) -> None:
        self.receiver = receiver()
        self._door = GrpcDoor("127.0.0.1:0", self.receiver, LIMITS)

    def feed(self, signal: str, body: bytes) -> str:
        """Hand over this message; returns what became of it."""
        context: Any = _Context()
        try:
            answer = self._door._export(signal, iter([body]), context)
        except _AbortedError as aborted:
            if aborted.code is not grpc.StatusCode.INVALID_ARGUMENT:
                raise FindingError(f"refused with {aborted.code}: {aborted.details!r}") from aborted
            judge_reason(aborted.details)
            return "refused"
        SERVICES[signal].response.FromString(answer)
        return "taken"

    def close(self) -> None:
        self._door.close()


class Wire:
    """Both doors on real sockets."""

    def __init__(self) -> None:
        self.receiver = receiver()
        self._grpc = GrpcDoor("127.0.0.1:0", self.receiver, LIMITS)
        self._http = HttpDoor("127.0.0.1:0", self.receiver, LIMITS)
        self._channel = grpc.insecure_channel(self._grpc.endpoint.removeprefix("http://"))

    def close(self) -> None:
        self._channel.close()
        self._http.close()
        self._grpc.close()

    def feed_http(self, sent: bytes) -> str:
        """Over TCP."""
        return judge_http(sent, _exchange(self._http.endpoint, sent))

    def feed_http2(self, sent: bytes, quiet_s: float = QUIET_S) -> str:
        """What looks like HTTP/2, over TCP."""
        said = _exchange(self._grpc.endpoint, sent, quiet_s=quiet_s)
        # The server's settings come first, whatever it makes of the rest.
        return "answered" if _http2_ends(said) else "heard" if said[3:4] == b"\4" else "closed"

    def feed_call(self, signal: str, body: bytes) -> str:
        """By the official client."""
        call = self._channel.unary_unary(SERVICES[signal].grpc_method, None, None)
        try:
            SERVICES[signal].response.FromString(call(body, timeout=WAIT_S))
        except grpc.RpcError as error:
            caught: Any = error
            if caught.code() is not grpc.StatusCode.INVALID_ARGUMENT:
                raise FindingError(f"{caught.code()}: {caught.details()}") from error
            return "refused"
        return "taken"

    def still_serves(self) -> None:
        """Proper requests are taken at both doors."""
        body = corpus.bodies()[0][2]
        if self.feed_call("traces", body) != "taken":
            raise FindingError("a proper call is refused")
        said = self.feed_http(corpus.http_request("traces", body, is_json=False))
        if said != "200":
            raise FindingError(f"a proper request is answered with {said}")


def feed_both(over_http: HttpInProcess, over_grpc: GrpcInProcess, signal: str, body: bytes) -> str:
    """A valid request, which has to be taken in every form, and counted alike."""
    before = over_http.receiver.counts(), over_grpc.receiver.counts()
    as_json = message_to_json(SERVICES[signal].request.FromString(body))
    said = (
        over_grpc.feed(signal, body),
        *(
            over_http.feed(corpus.http_request(signal, each, is_json=is_json, more=CLOSE))
            for each, is_json in ((body, False), (as_json, True))
        ),
    )
    if said != ("taken", "200", "200"):
        raise FindingError(f"a valid request is answered with {said}")
    after = over_http.receiver.counts(), over_grpc.receiver.counts()
    unit = UNITS[signal]
    http_items, grpc_items = (
        getattr(now, unit) - getattr(then, unit) for now, then in zip(after, before, strict=True)
    )
    if signal != "logs" and http_items != 2 * grpc_items:
        raise FindingError(f"{grpc_items} {unit} over gRPC are {http_items} in two over HTTP")
    return "taken in every form"


class _AbortedError(Exception):
    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(code, details)
        self.code, self.details = code, details


class _Context:
    """What the handler asks of a call."""

    def cancel(self) -> None:
        raise FindingError("took too long")

    def abort(self, code: grpc.StatusCode, details: str) -> None:
        raise _AbortedError(code, details)


def _exchange(endpoint: str, sent: bytes, *, quiet_s: float = 0.0) -> bytes:
    """Everything that is answered until the connection ends.

    With ``quiet_s`` our end follows only on an answer's end, or on silence: the other side would
    take it for a cancellation.
    """
    host, _, port = endpoint.removeprefix("http://").rpartition(":")
    said = b""
    with socket.create_connection((host, int(port)), timeout=WAIT_S) as connection:
        try:
            connection.sendall(sent)
            if quiet_s:
                said = _listen(connection, quiet_s)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(1 << 16):
                said += part
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise FindingError(f"neither answered nor closed in {WAIT_S:g} s") from error
            # Reset or closed, when it has said all that it had to say.
            return said
    return said


def _listen(connection: socket.socket, quiet_s: float) -> bytes:
    said = b""
    connection.settimeout(quiet_s)
    try:
        while not _http2_ends(said):
            part = connection.recv(1 << 16)
            if not part:
                break
            said += part
    except TimeoutError:
        pass
    finally:
        connection.settimeout(WAIT_S)
    return said


def _http2_ends(said: bytes) -> bool:
    """Whether these frames hold the end of a stream or of the connection."""
    at = 0
    while at + 9 <= len(said):
        kind, flags = said[at + 3], said[at + 4]
        if kind in {3, 7} or (kind == 1 and flags & 1):
            return True
        at += 9 + int.from_bytes(said[at : at + 3], "big")
    return False


def judge_http(sent: bytes, said: bytes) -> str:
    """Whether everything that was said is HTTP as OTLP wants it; returns the first status."""
    # A head without a word in it asks for nothing.
    if not said and sent.partition(b"\n")[0].strip():
        raise FindingError("no answer")
    first = ""
    while said:
        if said.startswith(CONTINUE):
            said = said[len(CONTINUE) :]
            continue
        head, end, rest = said.partition(b"\r\n\r\n")
        if not end:
            raise FindingError(f"half an answer: {said[:200]!r}")
        status, headers = _head(head)
        first = first or str(status)
        length = int(headers["content-length"])
        # An answer to HEAD has no body, whatever its length says.
        if rest.startswith(b"HTTP/1.1 ") or (not rest and b"HEAD" in sent):
            length = 0
        if len(rest) < length:
            raise FindingError(f"an answer that is too short: {said[:200]!r}")
        if length or status == 200:
            _judge_body(status, headers["content-type"], rest[:length])
        said = rest[length:]
    return first or "nothing"


def judge_reason(message: str) -> None:
    """Whether a reason is one: a line that a terminal may show."""
    if not message or len(message) > LONGEST_REASON or not message.isprintable():
        raise FindingError(f"a reason that is none: {message[:400]!r}")


def _head(head: bytes) -> tuple[int, dict[str, str]]:
    start, *lines = head.decode("ascii").split("\r\n")
    version, status, _ = start.split(" ", 2)
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    if version != "HTTP/1.1" or int(status) not in STATUSES:
        raise FindingError(f"answered {start!r}")
    return int(status), headers


def _judge_body(status: int, kind: str, body: bytes) -> None:
    try:
        if kind == corpus.TYPES[True]:
            tree = json.loads(body)
            message = tree.get("message", "")
        elif status == 200:
            return
        else:
            message = status_pb2.Status.FromString(body).message
    except (ValueError, DecodeError) as error:
        raise FindingError(f"{status} with a body that cannot be read: {body[:200]!r}") from error
    if status != 200:
        judge_reason(message)
