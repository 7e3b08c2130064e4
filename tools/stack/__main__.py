"""``python -m tools.stack up`` starts the stack and stays; ``down`` ends it."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from simtraffic.clock import Flag, monotonic
from simtraffic.errors import SimtrafficError
from tools.stack.addresses import Addresses
from tools.stack.stack import Stack, end

FOLDER = Path("out/stack")
PLACES = (
    ("collector_grpc", "OTLP over gRPC"),
    ("collector_http", "OTLP over HTTP"),
    ("prometheus", "Prometheus, its API alone: the pages are not built"),
    ("alertmanager", "Alertmanager"),
    ("jaeger", "Jaeger, its API alone: /api/v3/services"),
    ("logs", "VictoriaLogs: /select/vmui"),
    ("webhook", "notifications: /notifications"),
)


def say(line: str) -> None:
    """A line for people, on standard error."""
    sys.stderr.write(f"{line}\n")


def up(options: argparse.Namespace) -> int:
    """Start everything and stay until Ctrl-C or SIGTERM; with a scenario, run it first."""
    addresses = Addresses.free() if options.free_ports else Addresses()
    stop = Flag()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    began = monotonic()
    stack = Stack(addresses, options.folder, say=say)
    stack.start()
    try:
        say(f"the stack is up after {monotonic() - began:.1f} s")
        for name, what in PLACES:
            say(f"  {addresses.url(name):<24} {what}")
        say(f"  logs in {stack.logs}, data in {stack.data}; Ctrl-C ends it")
        code = _run(options.run, addresses) if options.run else 0
        if not options.once:
            stack.supervisor.watch(stop)
    finally:
        stack.stop()
    say("the stack is down")
    return code


def _run(scenario: str, addresses: Addresses) -> int:
    endpoint = addresses.url("collector_grpc")
    command = [sys.executable, "-m", "simtraffic", "run", scenario, "--endpoint", endpoint]
    return subprocess.run(command, check=False).returncode


def down(options: argparse.Namespace) -> int:
    """End the stack of the folder."""
    found = end(options.folder)
    say("the stack is down" if found else f"no stack is up; looked in {options.folder}")
    return 0


def status(options: argparse.Namespace) -> int:
    """Print what runs, as JSON; 1 when nothing does."""
    file = options.folder / "stack.json"
    if not file.exists():
        say(f"no stack is up; looked in {options.folder}")
        return 1
    sys.stdout.write(json.dumps(json.loads(file.read_text(encoding="utf-8")), indent=2) + "\n")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the words ask for; the exit code is that of the error, or of the scenario."""
    parser = argparse.ArgumentParser(prog="python -m tools.stack", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="default: %(default)s")
    commands = parser.add_subparsers(required=True)
    starting = commands.add_parser("up", help="start everything and stay")
    starting.add_argument("--free-ports", action="store_true", help="not the usual ports")
    starting.add_argument("--run", metavar="SCENARIO", help="run it once the stack is up")
    starting.add_argument("--once", action="store_true", help="end after the scenario")
    starting.set_defaults(command=up)
    commands.add_parser("down", help="end it").set_defaults(command=down)
    commands.add_parser("status", help="what runs, as JSON").set_defaults(command=status)
    options = parser.parse_args(arguments)
    try:
        return int(options.command(options))
    except SimtrafficError as error:
        say(str(error))
        return int(error.exit_code)


if __name__ == "__main__":
    sys.exit(main())
