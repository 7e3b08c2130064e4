"""The collector's HTTP door: protobuf and JSON, HTTP/1.1 with connections that stay open."""

from __future__ import annotations

import contextlib
import io
import json
import math
import selectors
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Mapping
from email.utils import formatdate
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from google.rpc import code_pb2, status_pb2

from simtraffic._version import __version__
from simtraffic.clock import monotonic, unix_ns
from simtraffic.collector.address import Listening
from simtraffic.collector.faults.codes import phrase
from simtraffic.collector.http_body import BodyReader, RefusedError, TimedStream, unpack
from simtraffic.collector.limits import Budget, Limits
from simtraffic.collector.partial import partial_answer
from simtraffic.collector.relay import reset
from simtraffic.export.answers import SERVICES, one_line
from simtraffic.export.otlp_json import message_to_json

if TYPE_CHECKING:
    from simtraffic.collector.faults import Misbehaviour
    from simtraffic.collector.receiver import Receiver

_PROTOBUF, _JSON = "application/x-protobuf", "application/json"
_SIGNALS = {service.http_path: signal for signal, service in SERVICES.items()}
# Inflating holds little of the interpreter, but what is inflated waits in memory.
_INFLATING_AT_ONCE = 4
# How often the listening thread looks whether it should end, in seconds.
_POLL_S = 0.05
_JOIN_S = 2.0
# How long an answer may take to be taken, and what follows a refused head to come in, in seconds.
_ANSWER_S, _LINGER_S = 10.0, 1.0
_PIECE = 64 << 10
# How often a request that hangs looks whether the door closes, in seconds.
_PATIENCE_S = 0.1
_GARBAGE = {_PROTOBUF: b"\xff\xff\xff not what was asked for", _JSON: b'{"not what": was asked for'}
_REDIRECTS = range(300, 400)


class HttpDoor:
    """Listens from construction to :meth:`close`.

    Args:
        address: ``HOST:PORT``; port 0 takes a free one.
        receiver: What is behind the door; its conduct says what goes wrong.
        limits: Bounds on a request.

    Raises:
        UsageError: The address cannot be listened on.
    """

    def __init__(self, address: str, receiver: Receiver, limits: Limits | None = None) -> None:
        place = Listening.read("--http", address)
        try:
            self._server = _Server((place.host, place.port), receiver, limits or Limits())
        except OSError as error:
            raise place.refused(error) from error
        self.endpoint = place.url(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_S,), name="collect-http", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening and end open connections."""
        self._server.shutdown()
        self._thread.join()
        self._server.end_connections()
        self._server.server_close()


class _Server(socketserver.TCPServer):
    """A thread for each connection, all of which end with the server."""

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], receiver: Receiver, limits: Limits) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.receiver = receiver
        self.limits = limits
        self.holding = Budget(limits.bodies_held * limits.most_bytes)
        self.inflating = threading.BoundedSemaphore(_INFLATING_AT_ONCE)
        """Held from when a body is inflated until it is parsed."""
        self.closing = threading.Event()
        self._open: dict[Any, threading.Thread] = {}
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002
        """Whether a connection is served; on purpose, or because there are too many, it is not."""
        refused = self.receiver.conduct.refuses_connections()
        if refused or len(self._open) >= self.limits.most_connections:
            reset(request)
            return False
        return True

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self._serve, args=(request, client_address), name="collect-http", daemon=True
        )
        with self._lock:
            self._open[request] = thread
        try:
            thread.start()
        except RuntimeError:
            # The system has no more threads for us.
            with self._lock:
                self._open.pop(request, None)
            reset(request)

    def _serve(self, request: Any, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except Exception:  # noqa: BLE001 - as socketserver does: one connection, not the server
            self.handle_error(request, client_address)
        finally:
            with self._lock:
                self._open.pop(request, None)
            self.shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that goes away is everyday life; anything else is a bug and should be seen.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def end_connections(self) -> None:
        self.closing.set()
        with self._lock:
            connections = dict(self._open)
            for connection in connections:
                try:
                    connection.shutdown(socket.SHUT_RD)
                except OSError:
                    continue
        for thread in connections.values():
            thread.join(_JOIN_S)


class _Handler(BaseHTTPRequestHandler):
    """One connection, whatever comes over it."""

    protocol_version = "HTTP/1.1"
    # Also a request that says nothing of its version gets a status line and headers.
    default_request_version = "HTTP/1.1"
    server_version = f"simtraffic/{__version__}"
    sys_version = ""
    disable_nagle_algorithm = True

    server: _Server

    _lingers = False
    """Whether the client is heard out for a moment after its last answer."""

    def setup(self) -> None:
        super().setup()
        # In place of the socket's own, whose time-out would begin anew with every byte.
        self._incoming = TimedStream(self.connection)
        self.rfile = self._coming = io.BufferedReader(self._incoming, _PIECE)

    def handle_one_request(self) -> None:
        self._incoming.until_s = monotonic() + self.server.limits.idle_s
        try:
            comes = bool(self._coming.peek(1))
        except OSError:
            comes = False
        if not comes:
            self.close_connection = True
            return
        self._incoming.until_s = monotonic() + self.server.limits.patience_s
        super().handle_one_request()

    def finish(self) -> None:
        super().finish()
        if self._lingers:
            self._linger()

    def _linger(self) -> None:
        """Hear the client out for a moment: a connection closed before would reset the answer."""
        until_s = monotonic() + _LINGER_S
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            while (left_s := until_s - monotonic()) > 0:
                self.connection.settimeout(left_s)
                if not self.connection.recv(_PIECE):
                    return

    def do_POST(self) -> None:
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        body = BodyReader(self._coming, self.server.limits, self.server.holding)
        try:
            self._receive(kind, body.read(self.headers))
        except RefusedError as refusal:
            self._turn_away(refusal, kind)
        finally:
            body.forget()

    def _receive(self, kind: str, body: bytes) -> None:
        signal = _SIGNALS.get(self.path.partition("?")[0])
        if signal is None:
            raise RefusedError(404, f"no such path; use one of {', '.join(_SIGNALS)}")
        if kind not in (_PROTOBUF, _JSON):
            raise RefusedError(415, f"content-type is neither {_PROTOBUF} nor {_JSON}")
        receive = partial(self._take, signal, kind, body)
        fault = self.server.receiver.conduct.meet(signal)
        if fault is None:
            receive()
            # A response without fields: full success.
            self._answer(200, kind, b"{}" if kind == _JSON else b"")
        else:
            self._go_wrong(fault, signal, kind, receive)

    def _take(self, signal: str, kind: str, body: bytes, reject: float | None = None) -> int:
        encoding = self.headers.get("content-encoding", "").strip().lower()
        with self.server.inflating:
            plain = unpack(body, encoding, self.server.limits.most_bytes)
            try:
                return self.server.receiver.receive(
                    signal, plain, is_json=kind == _JSON, reject=reject
                )
            except ValueError as error:
                raise RefusedError(400, str(error)) from error

    def _go_wrong(
        self, fault: Misbehaviour, signal: str, kind: str, receive: Callable[..., int]
    ) -> None:
        match fault.kind:
            case "status":
                self._refuse(_refusal(fault), kind)
            case "slow":
                self.server.closing.wait(fault.delay_s)
                receive()
                self._answer(200, kind, b"{}" if kind == _JSON else b"")
            case "garbage":
                receive()
                self._answer(200, kind, _GARBAGE[kind])
            case "content_type":
                receive()
                self._answer(200, "text/html", b"<html><body>Welcome</body></html>")
            case "partial":
                answer = partial_answer(signal, receive(reject=fault.share), warns=not fault.share)
                is_json = kind == _JSON
                self._answer(
                    200, kind, message_to_json(answer) if is_json else answer.SerializeToString()
                )
            case "hang" | "cut" | "refuse":
                if fault.stored:
                    receive()
                if fault.kind == "hang":
                    self._wait()
                elif fault.kind == "cut":
                    # Within the status line: no client may take this for a success.
                    self.wfile.write(b"HTTP/1.1 2")
                self.close_connection = True
                reset(self.connection)

    def _wait(self) -> None:
        """Until the client gives up or the door closes."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.connection, selectors.EVENT_READ)
            while not self.server.closing.is_set():
                if not selector.select(_PATIENCE_S):
                    continue
                if not self.connection.recv(1, socket.MSG_PEEK):
                    return
                # It says more, such as its next request: nobody listens.
                self.server.closing.wait(_PATIENCE_S)

    def _not_allowed(self) -> None:
        self._turn_away(
            RefusedError(405, "only POST is served here", headers={"allow": "POST"}, leaves=True)
        )

    do_GET = do_HEAD = do_PUT = do_DELETE = do_PATCH = _not_allowed  # noqa: N815

    def do_OPTIONS(self) -> None:
        """What may be done here; asking is no request to be counted, as nothing is sent."""
        known = self.path.partition("?")[0] in _SIGNALS
        self.close_connection = True
        self._answer(200 if known else 404, _JSON, b"{}", {"allow": "POST"} if known else None)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """What the base class refuses by itself: malformed heads, and methods it has no name of."""
        if code == HTTPStatus.NOT_IMPLEMENTED:
            self._not_allowed()
            return
        said = one_line(message or phrase(code))
        self._turn_away(RefusedError(int(code), said, leaves=True))

    def log_message(self, *args: Any) -> None:
        """Say nothing: counts are the log."""

    def _turn_away(self, refusal: RefusedError, kind: str = _JSON) -> None:
        """Refuse what nobody asked to go wrong, and count it."""
        self.server.receiver.turn_away(f"{refusal.status} {refusal.message}")
        if refusal.leaves:
            self._lingers = self.close_connection = True
        self._refuse(refusal, kind)

    def _refuse(self, refusal: RefusedError, kind: str) -> None:
        """A ``google.rpc.Status`` in the encoding of the request."""
        if kind == _PROTOBUF:
            status = status_pb2.Status(code=refusal.code, message=refusal.message)
            body = status.SerializeToString()
        else:
            kind = _JSON
            body = json.dumps({"code": refusal.code, "message": refusal.message}).encode()
        self._answer(refusal.status, kind, body, refusal.headers)

    def _answer(
        self, status: int, kind: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        if self.request_version == "HTTP/0.9":
            # Whose answers have neither status nor headers; nobody who says so means it.
            self.request_version = self.protocol_version
        self.connection.settimeout(_ANSWER_S)
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _refusal(fault: Misbehaviour) -> RefusedError:
    headers = {}
    if fault.retry_after == "date":
        # Dates know no fractions: rounded up, so that a second is not cut to nothing.
        at_s = math.ceil(unix_ns() / 1e9 + 1)
        headers["retry-after"] = formatdate(at_s, usegmt=True)
    elif fault.retry_after is not None:
        # Whole where it is whole, as HTTP knows no others.
        headers["retry-after"] = f"{fault.retry_after:.3f}".rstrip("0").rstrip(".")
    if fault.http_status in _REDIRECTS:
        headers["location"] = "http://elsewhere.invalid/"
    code = code_pb2.Code.Value(fault.grpc_code)
    return RefusedError(fault.http_status, fault.message, code, headers)
