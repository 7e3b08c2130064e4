"""``simtraffic collect``: the built-in collector on its own."""

from __future__ import annotations

import json as json_format
import os
import signal
import threading
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simtraffic.cli import console, options
from simtraffic.clock import Flag
from simtraffic.collector.limits import Limits
from simtraffic.errors import DeliveryError, UsageError
from simtraffic.units import parse_size

if TYPE_CHECKING:
    from simtraffic.collector.counts import CollectorCounts
    from simtraffic.collector.faults import Misbehaviour


def collect(  # noqa: PLR0913, PLR0917 - one parameter an option
    grpc: Annotated[
        str, typer.Option(help="Where to listen for OTLP/gRPC.", metavar="HOST:PORT")
    ] = "127.0.0.1:4317",
    http: Annotated[
        str, typer.Option(help="Where to listen for OTLP/HTTP.", metavar="HOST:PORT")
    ] = "127.0.0.1:4318",
    out: Annotated[
        str | None,
        typer.Option(
            help="Write what arrives as lines of OTLP JSON to this file; - is standard output.",
            metavar="FILE",
        ),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="Go wrong on purpose: status=CODE or kind=KIND, with share=, for=, after= and so"
            " on; repeatable, the first that fits a request is the one.",
            metavar="WORDS",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Seed of the chances that --fault names.", metavar="N")
    ] = 0,
    max_bytes: Annotated[
        str,
        typer.Option(
            help="Refuse a request that is larger, before or after decompression.", metavar="SIZE"
        ),
    ] = "64MiB",
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
    """Receive telemetry, check and count it, and print the counts at the end (Ctrl-C).

    With faults it is a bad collector, to try exporters against. CODE is a status of HTTP (503) or
    a name of gRPC (UNAVAILABLE), and each stands for the other. KIND is hang, slow, cut, refuse,
    garbage, content_type or partial. Times count from the first request.

    Examples:
      simtraffic collect --json
      simtraffic collect --fault "status=503 share=20% for=30s" --fault "kind=slow delay=2s"
      simtraffic collect --fault "status=429 retry_after=2 signal=traces" --seed 7
      simtraffic collect --fault "kind=partial share=10%"     a tenth of the items
      simtraffic collect --fault "kind=cut stored=yes share=1%"
    """
    limits, faults = _limits(max_bytes), _faults(fault or [])
    from simtraffic.collector.server import Collector  # noqa: PLC0415 - gRPC takes a while

    stop = _stop_event(watch_input=announce)
    # Without faults no relay stands in front of the door.
    with Collector(grpc, http, out, faults=faults or None, seed=seed, limits=limits) as collector:
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
    if collector.out_failed:
        raise DeliveryError(
            f"--out {collector.out_failed}; what came after that was counted and not written"
        )


def _faults(texts: list[str]) -> list[Misbehaviour]:
    """Read all of them, so that every mistake is told at once."""
    from simtraffic.collector.faults import parse_fault  # noqa: PLC0415

    faults, wrong = [], []
    for text in texts:
        try:
            faults.append(parse_fault(text))
        except UsageError as error:
            wrong.append(str(error))
    if wrong:
        raise UsageError("\n".join(wrong))
    return faults


def _limits(max_bytes: str) -> Limits:
    return Limits(most_bytes=options.quantity("--max-bytes", max_bytes, parse_size) or 0)


def _stop_event(*, watch_input: bool) -> Flag:
    """Set by the first SIGINT, SIGTERM or SIGHUP, or by the end of standard input."""
    stop = Flag()

    def on_signal(*_: Any) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Ignored from the start is what nohup asks for.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
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
        f"received {counts.spans:,} spans, {counts.data_points:,} data points and"
        f" {counts.log_records:,} log records in {counts.requests:,} requests,"
        f" {counts.bytes:,} bytes"
    )
    for message, count in counts.faults.items():
        say(f"  {count:,} x {message}")
    for reason, requests in counts.refused.items():
        say(f"  {requests:,} requests refused: {reason}")
    for fault, requests in counts.on_purpose.items():
        say(f"  {requests:,} requests met {fault}")
