"""Asks services whether they are healthy, for those that no health check can ask from within.

Needs Python alone.

``probe.py NAME=URL...`` asks every URL again and again; ``GET /health`` answers 200 when the latest
answers were all 2xx, and else 503, with what each said as JSON. With ``--once`` every URL is asked
once, what does not answer is printed, and the exit code is 0 or 1.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TIMEOUT_S = 3.0
MOST_SAID = 300
"""How many bytes of a bad answer are passed on."""
HEALTHY = "healthy"

# Loopback and the names of containers are asked straight, whatever proxy the environment names.
_STRAIGHT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Target:
    """A service to ask."""

    name: str
    url: str

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read ``NAME=URL``.

        Raises:
            argparse.ArgumentTypeError: it is something else.
        """
        name, separator, url = text.partition("=")
        if not (name and separator and url.startswith(("http://", "https://"))):
            raise argparse.ArgumentTypeError(f"{text!r} is not NAME=URL, with http or https")
        return cls(name, url)


def ask(target: Target, timeout: float = TIMEOUT_S) -> str:
    """:data:`HEALTHY`, or what was wrong."""
    try:
        with _STRAIGHT.open(target.url, timeout=timeout):
            return HEALTHY
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(MOST_SAID).decode(errors="replace").strip()
        return f"answers {error.code}: {said}"
    except (OSError, ValueError) as error:
        return f"does not answer: {error}"


def ask_all(targets: Sequence[Target], timeout: float = TIMEOUT_S) -> dict[str, str]:
    """What each said, by name; all are asked at once, so that one that hangs delays none."""
    with ThreadPoolExecutor(max_workers=max(1, len(targets))) as pool:
        answers = pool.map(lambda target: ask(target, timeout), targets)
        return dict(zip([target.name for target in targets], answers, strict=True))


def healthy(found: dict[str, str]) -> bool:
    """Whether all are."""
    return all(said == HEALTHY for said in found.values())


class Probe(ThreadingHTTPServer):
    """Asks in a thread of its own and answers for what it found last."""

    daemon_threads = True

    def __init__(
        self,
        address: tuple[str, int],
        targets: Sequence[Target],
        interval: float,
        timeout: float = TIMEOUT_S,
    ) -> None:
        """Listen at once; ``interval`` and ``timeout`` in seconds. Call :meth:`watch` to ask."""
        super().__init__(address, _Handler)
        self.found = {target.name: "not asked yet" for target in targets}
        self._targets = targets
        self._interval = interval
        self._timeout = timeout
        self._ended = threading.Event()

    def watch(self) -> None:
        """Ask until the server is closed."""
        while not self._ended.is_set():
            self.found = ask_all(self._targets, self._timeout)
            self._ended.wait(self._interval)

    def server_close(self) -> None:
        """Stop listening and asking."""
        self._ended.set()
        super().server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Probe

    def do_GET(self) -> None:
        if self.path != "/health":
            self._answer(404, {"error": "there is /health"})
            return
        found = self.server.found
        self._answer(200 if healthy(found) else 503, found)

    def _answer(self, status: int, body: dict[str, str]) -> None:
        octets = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def log_message(self, *_args: object) -> None:
        """Be quiet; /health tells."""


def main(arguments: list[str] | None = None) -> int:
    """Ask once, or serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="probe", description=__doc__)
    parser.add_argument("targets", nargs="+", type=Target.parse, metavar="NAME=URL")
    parser.add_argument("--listen", default="127.0.0.1:9100", metavar="HOST:PORT")
    parser.add_argument("--interval", type=float, default=2.0, metavar="SECONDS")
    parser.add_argument("--timeout", type=float, default=TIMEOUT_S, metavar="SECONDS")
    parser.add_argument("--once", action="store_true", help="ask once and exit with 0 or 1")
    options = parser.parse_args(arguments)
    if options.once:
        return _once(options.targets, options.timeout)
    host, _, port = options.listen.rpartition(":")
    probe = Probe((host, int(port)), options.targets, options.interval, options.timeout)

    def leave(*_: object) -> None:
        # shutdown() waits for the loop that this handler has interrupted.
        threading.Thread(target=probe.shutdown).start()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    threading.Thread(target=probe.watch, daemon=True).start()
    probe.serve_forever(poll_interval=0.1)
    probe.server_close()
    return 0


def _once(targets: Sequence[Target], timeout: float) -> int:
    found = ask_all(targets, timeout)
    for name, said in found.items():
        if said != HEALTHY:
            sys.stdout.write(f"{name} {said}\n")
    return 0 if healthy(found) else 1


if __name__ == "__main__":
    sys.exit(main())
