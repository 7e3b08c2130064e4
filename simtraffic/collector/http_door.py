"""The collector's HTTP door: protobuf and JSON, HTTP/1.1 with connections that stay open."""

from __future__ import annotations

import json
import socket
import socketserver
import sys
import threading
import zlib
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, NoReturn

from google.rpc import code_pb2, status_pb2

from simtraffic._version import __version__
from simtraffic.errors import UsageError
from simtraffic.export.answers import SERVICES

if TYPE_CHECKING:
    from simtraffic.collector.receiver import Receiver

# What the OTLP specification (1.11) recommends for servers, uncompressed.
MOST_BYTES = 64 << 20
_PROTOBUF, _JSON = "application/x-protobuf", "application/json"
_SIGNALS = {service.http_path: signal for signal, service in SERVICES.items()}
# How often the listening thread looks whether it should end, in seconds.
_POLL_S = 0.05
_JOIN_S = 2.0


@dataclass
class _RefusedError(Exception):
    """A request that is answered with an error."""

    status: int
    message: str


class HttpDoor:
    """Listens from construction to :meth:`close`.

    Raises:
        UsageError: The address cannot be listened on.
    """

    def __init__(self, address: str, receiver: Receiver) -> None:
        host, _, port = address.rpartition(":")
        try:
            self._server = _Server(
                (host.strip("[]"), int(port)), partial(_Handler, receiver=receiver)
            )
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

    def __init__(self, address: tuple[str, int], handler: Any) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._open: dict[Any, threading.Thread] = {}
        self._lock = threading.Lock()
        super().__init__(address, handler)

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

    def __init__(self, *args: Any, receiver: Receiver) -> None:
        self._receiver = receiver
        super().__init__(*args)

    def do_POST(self) -> None:
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            self._receive(kind, self._body())
        except _RefusedError as refusal:
            self._refuse(refusal, kind)
        else:
            # A response without fields: full success.
            self._answer(200, kind, b"{}" if kind == _JSON else b"")

    def _receive(self, kind: str, body: bytes) -> None:
        signal = _SIGNALS.get(self.path.partition("?")[0])
        if signal is None:
            raise _RefusedError(404, f"no such path; use one of {', '.join(_SIGNALS)}")
        if kind not in (_PROTOBUF, _JSON):
            raise _RefusedError(415, f"content-type is neither {_PROTOBUF} nor {_JSON}")
        try:
            self._receiver.receive(signal, body, is_json=kind == _JSON)
        except ValueError as error:
            raise _RefusedError(400, str(error)) from error

    def _not_allowed(self) -> None:
        self.close_connection = True
        self._refuse(_RefusedError(405, "only POST is served here"), _JSON)

    do_GET = do_HEAD = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _not_allowed  # noqa: N815

    def log_message(self, *args: Any) -> None:
        """Say nothing: counts are the log."""

    def _refuse(self, refusal: _RefusedError, kind: str) -> None:
        """A ``google.rpc.Status`` in the encoding of the request."""
        if kind == _PROTOBUF:
            status = status_pb2.Status(code=code_pb2.INVALID_ARGUMENT, message=refusal.message)
            body = status.SerializeToString()
        else:
            kind = _JSON
            told = {"code": code_pb2.INVALID_ARGUMENT, "message": refusal.message}
            body = json.dumps(told).encode()
        self._answer(refusal.status, kind, body)

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
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
            if int(length) > MOST_BYTES:
                self._leave(413, f"larger than {MOST_BYTES} bytes")
            body = self.rfile.read(int(length))
            if len(body) < int(length):
                self._leave(400, "the body ends early")
        encoding = self.headers.get("content-encoding", "identity").strip().lower()
        if encoding == "identity":
            return body
        if encoding != "gzip":
            raise _RefusedError(415, f"content-encoding {encoding} is not served; use gzip")
        return _gunzip(body)

    def _chunks(self) -> bytes:
        parts: list[bytes] = []
        left = MOST_BYTES
        while size := self._chunk_size():
            left -= size
            if left < 0:
                self._leave(413, f"larger than {MOST_BYTES} bytes")
            parts.append(self.rfile.read(size))
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


def _gunzip(body: bytes) -> bytes:
    inflater = zlib.decompressobj(wbits=31)
    try:
        plain = inflater.decompress(body, MOST_BYTES + 1)
    except zlib.error as error:
        raise _RefusedError(400, f"not gzip: {error}") from error
    if len(plain) > MOST_BYTES:
        raise _RefusedError(413, f"larger than {MOST_BYTES} bytes uncompressed")
    if not inflater.eof:
        raise _RefusedError(400, "the gzip stream ends early")
    return plain
