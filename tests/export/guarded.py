"""Receivers behind TLS, with a private authority, for tests."""

from __future__ import annotations

import datetime as dt
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import grpc
import trustme

from simtraffic.export.answers import SERVICES

if TYPE_CHECKING:
    from pathlib import Path

_LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


class Authority:
    """A private authority, with certificates for this machine, another, and a client, as files."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self._folder = folder
        self.certificate = self._file("authority.pem", self._authority.cert_pem)
        self.host = self._authority.issue_cert("localhost")
        self.other_host = self._authority.issue_cert("elsewhere.example")
        self.expired = self._authority.issue_cert(
            "localhost", not_before=_LONG_AGO, not_after=_LONG_AGO + dt.timedelta(days=1)
        )
        client = self._authority.issue_cert("client@example.org")
        self.client_certificate = self._file("client.pem", client.cert_chain_pems[0])
        self.client_key = self._file("client.key", client.private_key_pem)
        self.host_certificate = self._file("host.pem", self.host.cert_chain_pems[0])
        self.host_key = self._file("host.key", self.host.private_key_pem)

    def _file(self, name: str, pem: trustme.Blob) -> str:
        path = self._folder / name
        path.write_bytes(pem.bytes())
        return str(path)

    def server_context(self, held: trustme.LeafCert, *, mutual: bool) -> ssl.SSLContext:
        """For an HTTP server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        held.configure_cert(context)
        if mutual:
            self._authority.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def server_credentials(self, held: trustme.LeafCert, *, mutual: bool) -> Any:
        """For a gRPC server."""
        pair = (held.private_key_pem.bytes(), held.cert_chain_pems[0].bytes())
        trusted = self._authority.cert_pem.bytes() if mutual else None
        return grpc.ssl_server_credentials([pair], trusted, mutual)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@contextmanager
def http_receiver(context: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of an HTTP server that takes everything."""
    server = _Quiet(("127.0.0.1", 0), _Handler)
    if context is not None:
        # The handshake is the connection's own thread's, so that none holds up the next.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def grpc_receiver(credentials: Any = None, address: str = "localhost:0") -> Iterator[int]:
    """The port of a gRPC server that takes everything."""
    handlers = [
        grpc.method_handlers_generic_handler(
            service.grpc_service,
            {"Export": grpc.unary_unary_rpc_method_handler(lambda _body, _context: b"")},
        )
        for service in SERVICES.values()
    ]
    server = grpc.server(ThreadPoolExecutor(2), handlers=handlers)
    port = (
        server.add_secure_port(address, credentials)
        if credentials is not None
        else server.add_insecure_port(address)
    )
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()
