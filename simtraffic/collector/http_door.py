"""The collector's HTTP door: protobuf and JSON, HTTP/1.1 with connections that stay open."""

from __future__ import annotations

import json
import math
import select
import socket
import socketserver
import sys
import threading
import zlib
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import partial
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, NoReturn

from google.rpc import code_pb2, status_pb2

from simtraffic._version import __version__
from simtraffic.clock import monotonic, unix_ns
from simtraffic.collector.limits import Limits
from simtraffic.collector.partial import partial_answer
from simtraffic.collector.relay import reset
from simtraffic.errors import UsageError
from simtraffic.export.answers import SERVICES
from simtraffic.export.otlp_json import message_to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simtraffic.collector.faults import Fault
    from simtraffic.collector.partial import Taken
    from simtraffic.collector.receiver import Receiver

_PROTOBUF, _JSON = "application/x-protobuf", "application/json"
_SIGNALS = {service.http_path: signal for signal, service in SERVICES.items()}
# How often the listening thread looks whether it should end, in seconds.
_POLL_S = 0.05
_JOIN_S = 2.0
# A connection that says nothing for so long is closed; clients keep theirs open between exports.
_IDLE_S = 300.0
# Connections at once; each has a thread.
_MOST_CONNECTIONS = 512
_PIECE = 64 << 10
# How often a request that hangs looks whether the door closes, in seconds.
_PATIENCE_S = 0.1
_GARBAGE = {_PROTOBUF: b"\xff\xff\xff not what was asked for", _JSON: b'{"not what": was asked for'}
_REDIRECTS = range(300, 400)


@dataclass
class _RefusedError(Exception):
    """A request that is answered with an error."""

    status: int
    message: str
    code: int = code_pb2.INVALID_ARGUMENT
    """Of ``google.rpc``."""
    headers: dict[str, str] = field(default_factory=dict)


class _SilentError(Exception):
    """A request whose connection ends without an answer."""


class HttpDoor:
    """Listens from construction to :meth:`close`.

    Args:
        address: ``HOST:PORT``; port 0 takes a free one.
        receiver: What is behind the door; its plan says what goes wrong.
        limits: Bounds on a request.

    Raises:
        UsageError: The address cannot be listened on.
    """

    def __init__(self, address: str, receiver: Receiver, limits: Limits | None = None) -> None:
        host, _, port = address.rpartition(":")
        handler = partial(_Handler, receiver=receiver, limits=limits or Limits())
        try:
            self._server = _Server((host.strip("[]"), int(port)), handler, receiver)
        except (OSError, ValueError, OverflowError) as error:
            raise UsageError(
                f"--http {address}: cannot listen there; {error}; use another port"
            ) from error
        self.endpoint = f"http://{host}:{self._server.server_address[1]}"
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

    def __init__(self, address: tuple[str, int], handler: Any, receiver: Receiver) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.closing = threading.Event()
        self._receiver = receiver
        self._open: dict[Any, threading.Thread] = {}
        self._lock = threading.Lock()
        super().__init__(address, handler)

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002
        """Whether a connection is served; on purpose, or because there are too many, it is not."""
        refused = self._receiver.plan.refuses_connections()
        if refused or len(self._open) >= _MOST_CONNECTIONS:
            reset(request)
            return False
        return True

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self._serve, args=(request, client_address), name="collect-http", daemon=True
        )
        with self._lock:
            self._open[request] = thread
        thread.start()

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
    protocol_version = "HTTP/1.1"
    server_version = f"simtraffic/{__version__}"
    sys_version = ""
    disable_nagle_algorithm = True

    # Of the socket, between requests.
    timeout = _IDLE_S
    server: _Server

    def __init__(self, *args: Any, receiver: Receiver, limits: Limits) -> None:
        self._receiver = receiver
        self._limits = limits
        self._deadline = math.inf
        super().__init__(*args)

    def parse_request(self) -> bool:
        self._deadline = monotonic() + self._limits.patience_s
        self.connection.settimeout(self._limits.patience_s)
        return super().parse_request()

    def do_POST(self) -> None:
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            self._receive(kind, self._body())
        except _RefusedError as refusal:
            self._refuse(refusal, kind)
        except _SilentError:
            self.close_connection = True
            reset(self.connection)
        self.connection.settimeout(_IDLE_S)

    def _receive(self, kind: str, body: bytes) -> None:
        signal = _SIGNALS.get(self.path.partition("?")[0])
        if signal is None:
            raise _RefusedError(404, f"no such path; use one of {', '.join(_SIGNALS)}")
        if kind not in (_PROTOBUF, _JSON):
            raise _RefusedError(415, f"content-type is neither {_PROTOBUF} nor {_JSON}")
        receive = partial(self._receiver.receive, signal, body, is_json=kind == _JSON)
        fault = self._receiver.plan.meet(signal)
        try:
            if fault is None:
                receive()
                # A response without fields: full success.
                self._answer(200, kind, b"{}" if kind == _JSON else b"")
                return
            self._go_wrong(fault, signal, kind, receive)
        except ValueError as error:
            raise _RefusedError(400, str(error)) from error

    def _go_wrong(
        self, fault: Fault, signal: str, kind: str, receive: Callable[..., Taken]
    ) -> None:
        match fault.kind:
            case "status":
                raise _refusal(fault)
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
                raise _SilentError

    def _wait(self) -> None:
        """Until the client gives up or the door closes."""
        while not self.server.closing.is_set():
            if select.select([self.connection], [], [], _PATIENCE_S)[0] and not (
                self.connection.recv(1, socket.MSG_PEEK)
            ):
                return

    def _not_allowed(self) -> None:
        self.close_connection = True
        self._refuse(_RefusedError(405, "only POST is served here"), _JSON)

    do_GET = do_HEAD = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _not_allowed  # noqa: N815

    def log_message(self, *args: Any) -> None:
        """Say nothing: counts are the log."""

    def _refuse(self, refusal: _RefusedError, kind: str) -> None:
        """A ``google.rpc.Status`` in the encoding of the request."""
        if kind == _PROTOBUF:
            status = status_pb2.Status(code=refusal.code, message=refusal.message)
            body = status.SerializeToString()
        else:
            kind = _JSON
            told = {"code": refusal.code, "message": refusal.message}
            body = json.dumps(told).encode()
        self._answer(refusal.status, kind, body, refusal.headers)

    def _answer(
        self, status: int, kind: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
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

    def _body(self) -> bytes:
        """The request's body, read to its end so that the next request starts where it should."""
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            body = self._chunks()
        else:
            length = self.headers.get("content-length", "")
            if not (length.isascii() and length.isdigit()):
                self._leave(411, "content-length is missing")
            if int(length) > self._limits.most_bytes:
                self._leave(413, f"larger than {self._limits.most_bytes} bytes")
            body = self._read(int(length))
            if len(body) < int(length):
                self._leave(400, "the body ends early")
        encoding = self.headers.get("content-encoding", "identity").strip().lower()
        if encoding == "identity":
            return body
        if encoding != "gzip":
            raise _RefusedError(415, f"content-encoding {encoding} is not served; use gzip")
        return _gunzip(body, self._limits.most_bytes)

    def _read(self, size: int) -> bytes:
        """So many bytes of the body, fewer when it ends before; within the request's time."""
        parts: list[bytes] = []
        while size:
            if monotonic() > self._deadline:
                self._leave(408, f"not sent within {self._limits.patience_s:g} s")
            try:
                part = self.rfile.read1(min(size, _PIECE))
            except TimeoutError:
                self._leave(408, f"not sent within {self._limits.patience_s:g} s")
            if not part:
                break
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _chunks(self) -> bytes:
        parts: list[bytes] = []
        left = self._limits.most_bytes
        while size := self._chunk_size():
            left -= size
            if left < 0:
                self._leave(413, f"larger than {self._limits.most_bytes} bytes")
            parts.append(self._read(size))
            self.rfile.readline(3)
        while self.rfile.readline(8192).strip():
            pass  # trailers
        return b"".join(parts)

    def _chunk_size(self) -> int:
        try:
            return int(self.rfile.readline(1024).partition(b";")[0], 16)
        except ValueError:
            self._leave(400, "malformed chunk")

    def _leave(self, status: int, message: str) -> NoReturn:
        """Refuse with the body unread, so the connection cannot be used again."""
        self.close_connection = True
        raise _RefusedError(status, message)


def _gunzip(body: bytes, most_bytes: int) -> bytes:
    """Inflated no further than the limit, so that a small body cannot fill the memory."""
    inflater = zlib.decompressobj(wbits=31)
    try:
        plain = inflater.decompress(body, most_bytes + 1)
    except zlib.error as error:
        raise _RefusedError(400, f"not gzip: {error}") from error
    if len(plain) > most_bytes:
        raise _RefusedError(413, f"larger than {most_bytes} bytes uncompressed")
    if not inflater.eof:
        raise _RefusedError(400, "the gzip stream ends early")
    return plain


def _refusal(fault: Fault) -> _RefusedError:
    headers = {}
    if fault.retry_after == "date":
        # Dates know no fractions: rounded up, so that a second is not cut to nothing.
        at_s = math.ceil(unix_ns() / 1e9 + 1)
        headers["retry-after"] = formatdate(at_s, usegmt=True)
    elif fault.retry_after is not None:
        headers["retry-after"] = f"{fault.retry_after:g}"
    if fault.http_status in _REDIRECTS:
        headers["location"] = "http://elsewhere.invalid/"
    code = code_pb2.Code.Value(fault.grpc_code)
    return _RefusedError(fault.http_status, fault.message, code, headers)
