"""Real programs under test: found or named as missing, and what they are started with here."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from simtraffic.backends.commands import of_collector, url
from simtraffic.backends.find import find
from simtraffic.backends.ports import free_ports
from simtraffic.backends.programs import Program, Running, comes_true
from simtraffic.errors import UsageError
from simtraffic.signals import SIGNALS
from tools.rotel import find_rotel
from tools.rotel import rotel as as_program

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

PATIENCE_S = 30.0
"""Far beyond what anything here takes on an idle machine, so that a busy one does not fail."""

# One file for each signal: shared by several pipelines, the exporter of 0.161 is shut down with the
# first of them, and the others then lose what their batch processors still hold.
_OTELCOL = """\
extensions:
  health_check: {{endpoint: "127.0.0.1:{health}"}}
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: "127.0.0.1:{grpc}", {of_grpc}}}
      http: {{endpoint: "127.0.0.1:{http}", {of_http}}}
processors:
  memory_limiter: {{check_interval: 100ms, limit_mib: {limit_mib}, spike_limit_mib: 1}}
  batch: {{timeout: 50ms}}
exporters:
  file/traces: {{path: "{folder}/traces.jsonl", flush_interval: 50ms}}
  file/metrics: {{path: "{folder}/metrics.jsonl", flush_interval: 50ms}}
  file/logs: {{path: "{folder}/logs.jsonl", flush_interval: 50ms}}
service:
  extensions: [health_check]
  telemetry: {{metrics: {{level: none}}, logs: {{level: warn}}}}
  pipelines:
    traces: {{receivers: [otlp], processors: [memory_limiter, batch], exporters: [file/traces]}}
    metrics: {{receivers: [otlp], processors: [memory_limiter, batch], exporters: [file/metrics]}}
    logs: {{receivers: [otlp], processors: [memory_limiter, batch], exporters: [file/logs]}}
"""


@dataclass(frozen=True, slots=True)
class Door:
    """A running program that takes OTLP."""

    running: Running
    received: tuple[Path, ...] = ()
    """What it writes down, as OTLP/JSON lines; the files of a collector."""

    @property
    def grpc(self) -> str:
        """Where to send over gRPC."""
        return self.running.addresses["grpc"]

    @property
    def http(self) -> str:
        """Where to send over HTTP."""
        return self.running.addresses["http"]

    def endpoint(self, protocol: str) -> str:
        """Where to send by a protocol."""
        return self.grpc if protocol == "grpc" else self.http

    def stop(self) -> None:
        """End it as an operator would, so that it flushes; again is fine."""
        self.running.stop()


def tool(name: str) -> str:
    """Path of a program that tools/build.sh makes, such as ``promtool``."""
    return there(lambda: find(name))


def there(found: Callable[[], str]) -> str:
    """A path that is found; the test is skipped where none is, or fails where it is required."""
    try:
        return found()
    except UsageError as error:
        return missing(str(error))


def missing(message: str) -> str:
    if os.environ.get("SIMTRAFFIC_REQUIRE_REAL") == "1":
        pytest.fail(message)
    pytest.skip(message)


@contextmanager
def otelcol(
    folder: Path,
    *,
    of_grpc: str = "",
    of_http: str = "",
    extensions: str = "",
    limit_mib: int = 512,
) -> Iterator[Door]:
    """An OpenTelemetry Collector that writes what it takes into files of the folder.

    ``of_grpc`` and ``of_http`` are further settings of its doors, as in a YAML flow mapping, such
    as ``tls: {...}``; ``extensions`` are those that they name; ``limit_mib`` is the memory over
    which it refuses.
    """
    path = tool("otelcol")
    grpc, http, health = free_ports(3)
    config = folder / "otelcol.yaml"
    text = _OTELCOL.format(
        grpc=grpc,
        http=http,
        health=health,
        folder=folder,
        of_grpc=of_grpc,
        of_http=of_http,
        limit_mib=limit_mib,
    )
    if extensions:
        named = extensions.partition(":")[0].strip()
        text = text.replace("receivers:", f"  {extensions}\nreceivers:", 1)
        text = text.replace("[health_check]", f"[health_check, {named}]")
    config.write_text(text, encoding="utf-8")
    files = tuple(folder / f"{signal}.jsonl" for signal in SIGNALS)
    addresses = {"grpc": url(grpc), "http": url(http)}
    program = of_collector(path, config, (f"{url(health)}/",), addresses=addresses)
    with Running(program, folder / "otelcol.log", PATIENCE_S) as running:
        yield Door(running, files)


@contextmanager
def rotel(folder: Path, forward_to: str | None = None) -> Iterator[Door]:
    """A rotel that passes everything on over gRPC, or swallows it."""
    program = as_program(there(find_rotel), folder, forward_to)
    with Running(program, folder / "rotel.out", PATIENCE_S) as running:
        yield Door(running)


@contextmanager
def simtraffic_run(*arguments: str | Path, stderr: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`simtraffic run` as a process of its own, what it says to people in a file."""
    command = (sys.executable, "-m", "simtraffic", "run", *map(str, arguments))
    with Running(Program("simtraffic", command), stderr) as running:
        yield running.process


def wait_until(
    happened: Callable[[], bool], what: str, process: subprocess.Popen[bytes] | None = None
) -> None:
    """Poll until something is true; fails when it never is, or the process ended before."""

    def ended_before() -> bool:
        if process is not None and process.poll() is not None:
            pytest.fail(f"waited for {what}, but the process ended with {process.returncode}")
        return False

    if not comes_true(lambda: happened() or ended_before(), PATIENCE_S):
        pytest.fail(f"waited {PATIENCE_S:.0f} s in vain for {what}")
