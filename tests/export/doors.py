"""Things that listen and are no receivers, or not yet, for tests."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.parser import BytesParser
from typing import Any

import grpc

from simtraffic.backends.ports import free_ports
from simtraffic.collector.relay import reset
from simtraffic.export.answers import SERVICES

# What servers of HTTP/2 say first: an empty SETTINGS frame.
SETTINGS = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))


class Door(socketserver.ThreadingTCPServer):
    """Takes connections and says what a test wants."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, serve: Callable[[socket.socket], None], port: int = 0) -> None:
        self.serve = serve
        self.heard: list[bytes] = []
        super().__init__(("127.0.0.1", port), _Visit)

    @property
    def endpoint(self) -> str:
        """Its URL without TLS."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up."""


class _Visit(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Door)
        self.server.serve(self.request)


@contextmanager
def door(serve: Callable[[socket.socket], None], port: int = 0) -> Iterator[Door]:
    """A door that serves each connection so, in a thread of its own."""
    running = Door(serve, port)
    thread = threading.Thread(target=running.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield running
    finally:
        running.shutdown()
        thread.join()
        running.server_close()


def says(words: bytes, *, first: bool = False) -> Callable[[socket.socket], None]:
    """Hears somebody out, unless it speaks first, and says this."""

    def serve(connection: socket.socket) -> None:
        if not first:
            connection.recv(65536)
        connection.sendall(words)
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
            connection.recv(65536)

    return serve


def hangs_up(connection: socket.socket) -> None:
    """Resets the connection at once, as a published port without a container does."""
    reset(connection)


def answers(
    status: str, headers: str = "", body: str = "", heard: list[bytes] | None = None
) -> Callable[[socket.socket], None]:
    """An HTTP server with one answer to everything."""

    def serve(connection: socket.socket) -> None:
        request = connection.recv(65536)
        if heard is not None:
            heard.append(request)
        head = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n{headers}"
        connection.sendall(f"{head}\r\n{body}".encode())

    return serve


@contextmanager
def traces_alone(protocol: str) -> Iterator[str]:
    """The endpoint of a receiver that knows one signal."""
    if protocol != "grpc":
        with door(_take_traces) as running:
            yield running.endpoint
        return
    handler = grpc.method_handlers_generic_handler(
        SERVICES["traces"].grpc_service,
        {"Export": grpc.unary_unary_rpc_method_handler(lambda _body, _context: b"")},
    )
    with ThreadPoolExecutor(2) as pool:
        server = grpc.server(pool, handlers=[handler])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.stop(None).wait()


def _take_traces(connection: socket.socket) -> None:
    with connection.makefile("rb") as heard:
        method, path, _ = heard.readline().split()
        head = b"".join(iter(heard.readline, b"\r\n"))
        heard.read(int(BytesParser().parsebytes(head)["content-length"]))
    status, allow = "404 Not Found", ""
    if path == b"/v1/traces":
        status, allow = ("200 OK" if method == b"POST" else "405 No"), "allow: POST\r\n"
    head_back = f"HTTP/1.1 {status}\r\n{allow}content-length: 0\r\nconnection: close\r\n\r\n"
    connection.sendall(head_back.encode())


def free_port() -> int:
    """A port of this machine where nothing listens."""
    return free_ports(1)[0]
