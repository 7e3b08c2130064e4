"""Small programs and a small store in place of real ones."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from simtraffic.backends.ports import HOST, free_ports
from simtraffic.backends.programs import Program

_SERVER = """\
import http.server, os, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(sys.argv[2]))
        self.end_headers()
    def log_message(self, *_):
        pass
def leave(*_):
    print('farewell', flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN if 'stubborn' in sys.argv else leave)
print('OTEL' if any(name.startswith('OTEL_') for name in os.environ) else 'hello', flush=True)
http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever(0.02)
"""


def server(name: str = "server", *words: str, status: int = 200) -> Program:
    """A program that answers every question with a status; ``stubborn`` ones do not end."""
    (port,) = free_ports(1)
    url = f"http://{HOST}:{port}"
    command = (sys.executable, "-I", "-c", _SERVER, str(port), str(status), *words)
    return Program(name, command, (f"{url}/ready",), {"GREETED": "yes"}, {"http": url})


def failing(name: str = "broken", code: str = "sys.exit('no such storage')") -> Program:
    """A program that does not come up."""
    (port,) = free_ports(1)
    command = (sys.executable, "-I", "-c", f"import sys; {code}")
    return Program(name, command, (f"{HOST}:{port}",))


Answer = tuple[int, Any]
Asked = list[tuple[str, dict[str, list[str]]]]


class Answering(ThreadingHTTPServer):
    """A store that answers as it is told, and keeps what it was asked: path and fields."""

    daemon_threads = True

    def __init__(self, answer: Callable[[str, dict[str, list[str]]], Answer]) -> None:
        super().__init__((HOST, 0), _Handler)
        self.answer = answer
        self.asked: Asked = []

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Answering
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self._answer(parts.path, parse_qs(parts.query))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        form = "form" in self.headers["content-type"]
        self._answer(self.path, parse_qs(body.decode()) if form else {"body": [repr(body)]})

    def _answer(self, path: str, fields: dict[str, list[str]]) -> None:
        self.server.asked.append((path, fields))
        status, body = self.server.answer(path, fields)
        octets = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def log_message(self, *_args: object) -> None:
        pass


@contextmanager
def answering(answer: Callable[[str, dict[str, list[str]]], Answer]) -> Iterator[Answering]:
    """A store that listens inside the context."""
    with Answering(answer) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield made
        finally:
            made.shutdown()
            thread.join()
