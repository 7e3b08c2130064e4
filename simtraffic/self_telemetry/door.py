"""The page's HTTP: a few paths, GET and HEAD, a connection for each request."""

from __future__ import annotations

import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler
from typing import Any

from simtraffic._version import __version__
from simtraffic.errors import UsageError

# How often the listening thread looks whether it should end, in seconds.
_POLL_S = 0.05
# A caller that says nothing for so long is let go, in seconds.
_PATIENCE_S = 5.0
_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a path says to whoever asks: an HTTP status and a body."""

    status: int
    body: bytes
    content_type: str = _TEXT


class Door:
    """Listens from construction to :meth:`close`, in threads that keep no process alive.

    Raises:
        UsageError: the port cannot be listened on.
    """

    def __init__(
        self,
        host: str,
        port: int,
        paths: Mapping[str, Callable[[str], Answer]],
        named: str,
    ) -> None:
        """``paths`` are asked with what the caller accepts; ``named`` stands in the error."""
        host = host.strip("[]")
        shown = f"[{host}]" if ":" in host else host
        try:
            self._server = _PageServer((host, port), partial(_PageHandler, paths=paths))
        except (OSError, ValueError, TypeError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UsageError(
                f"{named}: cannot be listened on, {reason.lower()}; found {shown}:{port};"
                " name another, 0 takes a free one"
            ) from error
        self.address = f"http://{shown}:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_S,), name="page", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening; answers under way are not waited for."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _PageServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 32

    def __init__(self, address: tuple[str, int], handler: Any) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A caller that goes away is everyday life; anything else is a bug and should be seen.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _PageHandler(BaseHTTPRequestHandler):
    server_version = f"simtraffic/{__version__}"
    sys_version = ""
    timeout = _PATIENCE_S

    def __init__(self, *args: Any, paths: Mapping[str, Callable[[str], Answer]]) -> None:
        self._paths = paths
        super().__init__(*args)

    def do_GET(self) -> None:
        answer = self._answer()
        self._head(answer)
        self.wfile.write(answer.body)

    def do_HEAD(self) -> None:
        self._head(self._answer())

    def _answer(self) -> Answer:
        ask = self._paths.get(self.path.partition("?")[0])
        if ask is None:
            known = ", ".join(self._paths)
            return Answer(404, f"no such path; use one of {known}\n".encode())
        return ask(self.headers.get("accept", ""))

    def _head(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("content-type", answer.content_type)
        self.send_header("content-length", str(len(answer.body)))
        # A probe or a scrape wants the state of now.
        self.send_header("cache-control", "no-store")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing: standard error is for people."""
