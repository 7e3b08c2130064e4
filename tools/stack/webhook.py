"""A receiver of Alertmanager's notifications that only writes them down. Needs Python alone.

``POST /NAME`` records a notification for the receiver ``NAME``, ``GET /notifications`` lists what
has come so far as JSON, ``GET /health`` answers 200. With ``--out`` each is a line of a file too.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MOST_BYTES = 4 * 1024 * 1024
MOST_KEPT = 10_000


class Notifications:
    """What has come, the newest :data:`MOST_KEPT`."""

    def __init__(self, out: Path | None = None) -> None:
        """``out`` gets a line of JSON for each."""
        self._kept: list[dict[str, Any]] = []
        self._out = out
        self._lock = threading.Lock()

    def record(self, receiver: str, body: object) -> None:
        """Write one down with the time at which it came."""
        entry = {"receiver": receiver, "at": datetime.now(UTC).isoformat(), "body": body}
        with self._lock:
            self._kept = [*self._kept[-MOST_KEPT + 1 :], entry]
            if self._out is not None:
                with self._out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(entry) + "\n")

    def all(self) -> list[dict[str, Any]]:
        """In the order in which they came."""
        with self._lock:
            return list(self._kept)


class Sink(ThreadingHTTPServer):
    """The server; ``notifications`` is what it has heard."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], out: Path | None = None) -> None:
        """Listen at once."""
        super().__init__(address, _Handler)
        self.notifications = Notifications(out)


class _Handler(BaseHTTPRequestHandler):
    server: Sink

    def do_GET(self) -> None:
        if self.path == "/health":
            self._answer(200, {"status": "ok"})
        elif self.path == "/notifications":
            self._answer(200, self.server.notifications.all())
        else:
            self._answer(404, {"error": "there are /health and /notifications"})

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", "0") or "0")
        if length > MOST_BYTES:
            self.close_connection = True
            self._answer(413, {"error": f"more than {MOST_BYTES} bytes"})
            return
        try:
            body = json.loads(self.rfile.read(length))
        except ValueError:
            self._answer(400, {"error": "not JSON"})
            return
        self.server.notifications.record(self.path.strip("/"), body)
        self._answer(200, {"status": "recorded"})

    def _answer(self, status: int, body: object) -> None:
        octets = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def log_message(self, *_args: object) -> None:
        """Be quiet; the notifications are the log."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="webhook", description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:9099", metavar="HOST:PORT")
    parser.add_argument("--out", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    host, _, port = options.listen.rpartition(":")
    sink = Sink((host, int(port)), options.out)

    def leave(*_: object) -> None:
        # shutdown() waits for the loop that this handler has interrupted.
        threading.Thread(target=sink.shutdown).start()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    sink.serve_forever(poll_interval=0.1)
    sink.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
