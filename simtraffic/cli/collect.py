"""``simtraffic collect``: the built-in collector on its own."""

from __future__ import annotations

import json as json_format
import os
import signal
import threading
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simtraffic.cli import console
from simtraffic.clock import Flag

if TYPE_CHECKING:
    from simtraffic.collector.counts import CollectorCounts


def collect(
    grpc: Annotated[
        str, typer.Option(help="Where to listen for gRPC, as HOST:PORT.")
    ] = "127.0.0.1:4317",
    http: Annotated[
        str, typer.Option(help="Where to listen for HTTP, as HOST:PORT.")
    ] = "127.0.0.1:4318",
    out: Annotated[
        str | None,
        typer.Option(help="Write what arrives as OTLP JSON lines; - is standard output."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say nothing but the counts.")
    ] = False,
    announce: Annotated[
        bool,
        typer.Option(
            "--announce",
            hidden=True,
            help="Print the addresses as a line of JSON and end when standard input closes.",
        ),
    ] = False,
) -> None:
    """Receive telemetry, check and count it, and print the counts at the end (Ctrl-C)."""
    from simtraffic.collector.server import Collector  # noqa: PLC0415 - gRPC takes a while

    stop = _stop_event(watch_input=announce)
    with Collector(grpc, http, out) as collector:
        if announce:
            addresses = {"grpc": collector.grpc_endpoint, "http": collector.http_endpoint}
            console.line(json_format.dumps(addresses))
        elif not quiet:
            console.tell(
                f"collecting at {collector.grpc_endpoint} (gRPC) and {collector.http_endpoint}"
                " (HTTP); Ctrl-C ends it"
            )
        stop.wait()
    _print_counts(collector.counts(), as_json=json, to_error=out == "-")


def _stop_event(*, watch_input: bool) -> Flag:
    """Set by the first SIGINT or SIGTERM, or by the end of standard input."""
    stop = Flag()

    def on_signal(*_: Any) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    if watch_input:
        threading.Thread(target=_watch_input, args=(stop,), daemon=True).start()
    return stop


def _watch_input(stop: Flag) -> None:
    # Past Python's buffered reader, whose lock a daemon thread would hold at exit.
    while os.read(0, 1024):
        continue
    stop.set()


def _print_counts(counts: CollectorCounts, *, as_json: bool, to_error: bool) -> None:
    say = console.tell if to_error else console.line
    if as_json:
        say(json_format.dumps(counts.as_dict()))
        return
    say(
        f"received {counts.spans} spans, {counts.data_points} data points and"
        f" {counts.log_records} log records in {counts.requests} requests, {counts.bytes} bytes"
    )
    for message, count in counts.faults.items():
        say(f"  {count} x {message}")
