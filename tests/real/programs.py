"""Real programs under test: found or named as missing, started on free ports, ended for certain."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from simtraffic.backends.ports import free_ports, listens
from simtraffic.clock import monotonic
from simtraffic.signals import SIGNALS

PATIENCE_S = 30.0
"""Far beyond what anything here takes on an idle machine, so that a busy one does not fail."""

_NEVER = threading.Event()

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

    process: subprocess.Popen[bytes]
    grpc: str
    http: str
    received: tuple[Path, ...] = ()
    """What it writes down, as OTLP/JSON lines; the files of a collector."""

    def endpoint(self, protocol: str) -> str:
        """Where to send by a protocol."""
        return self.grpc if protocol == "grpc" else self.http

    def stop(self) -> None:
        """End it as an operator would, so that it flushes; again is fine."""
        self.process.terminate()
        self.process.wait(PATIENCE_S)


def tool(name: str) -> str:
    """Path of a program that tools/build.sh makes, such as ``promtool``."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(os.environ.get("SIMTRAFFIC_TOOLS") or f"{cache}/simtraffic/tools")
    path = folder / "bin" / name
    return str(path) if path.exists() else missing(name, "`make tools` builds it (needs Go)")


def rotel_program() -> str:
    """Path of rotel's binary, which lies inside its Python package."""
    found = importlib.util.find_spec("rotel")
    path = Path(found.origin).parent / "rotel-agent" if found and found.origin else None
    if path is None or not path.exists():
        return missing("rotel", "`make install` fetches it where a build for the platform exists")
    tried = subprocess.run(
        [path, "--version"], env=beside_python(), capture_output=True, check=False
    )
    if tried.returncode:
        return missing("rotel", f"it does not start: {tried.stderr.decode().strip()}")
    return str(path)


def beside_python() -> dict[str, str]:
    """Environment in which rotel finds the library of the interpreter that it was built for."""
    known = [str(sysconfig.get_config_var("LIBDIR")), os.environ.get("LD_LIBRARY_PATH", "")]
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(filter(None, known))}


def missing(name: str, how: str) -> str:
    message = f"{name} is not there; {how}"
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
    program = tool("otelcol")
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
    with started([program, "--config", str(config)], folder / "otelcol.log") as process:
        wait_until(lambda: _answers(f"http://127.0.0.1:{health}/"), "otelcol to be ready", process)
        yield Door(process, f"http://127.0.0.1:{grpc}", f"http://127.0.0.1:{http}", files)


@contextmanager
def rotel(folder: Path, forward_to: str | None = None) -> Iterator[Door]:
    """A rotel that passes everything on over gRPC, or swallows it."""
    program = rotel_program()
    grpc, http = free_ports(2)
    onward = ["otlp", "--otlp-exporter-endpoint", forward_to] if forward_to else ["blackhole"]
    command = [
        *(program, "start", "--exporter", *onward),
        *("--otlp-grpc-endpoint", f"127.0.0.1:{grpc}", "--batch-timeout", "50ms"),
        *("--otlp-http-endpoint", f"127.0.0.1:{http}"),
        *("--pid-file", str(folder / "rotel.pid"), "--log-file", str(folder / "rotel.log")),
    ]
    with started(command, folder / "rotel.out", beside_python()) as process:
        wait_until(lambda: listens(grpc) and listens(http), "rotel to listen", process)
        yield Door(process, f"http://127.0.0.1:{grpc}", f"http://127.0.0.1:{http}")


@contextmanager
def simtraffic_run(*arguments: str | Path, stderr: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`simtraffic run` as a process of its own, what it says to people in a file."""
    command = [sys.executable, "-m", "simtraffic", "run", *map(str, arguments)]
    with started(command, stderr) as process:
        yield process


def wait_until(
    happened: Callable[[], bool], what: str, process: subprocess.Popen[bytes] | None = None
) -> None:
    """Poll until something is true; fails when it never is, or the process ended before."""
    deadline = monotonic() + PATIENCE_S
    while not happened():
        if process is not None and process.poll() is not None:
            pytest.fail(f"waited for {what}, but the process ended with {process.returncode}")
        if monotonic() > deadline:
            pytest.fail(f"waited {PATIENCE_S:.0f} s in vain for {what}")
        _NEVER.wait(0.02)


@contextmanager
def started(
    command: Sequence[str], log: Path, environ: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    kept = {key: value for key, value in (environ or os.environ).items() if key[:5] != "OTEL_"}
    with log.open("wb") as said:
        process = subprocess.Popen(list(command), stdout=said, stderr=said, env=kept)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
