"""Collectors that are killed without warning and started again where they were."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simtraffic.backends.ports import free_ports, listens
from tests.real.programs import (
    PATIENCE_S,
    beside_python,
    rotel_program,
    tool,
    wait_until,
)

if TYPE_CHECKING:
    from pathlib import Path

# Rotation far away makes the exporter write without a buffer of its own, and no processor holds
# anything: what was answered for is in the file, even when the program is killed.
_OTELCOL = """\
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: "127.0.0.1:{grpc}"}}
      http: {{endpoint: "127.0.0.1:{http}"}}
exporters:
  file: {{path: "{file}", rotation: {{max_megabytes: 100000}}}}
service:
  telemetry: {{metrics: {{level: none}}, logs: {{level: warn}}}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [file]}}
    metrics: {{receivers: [otlp], exporters: [file]}}
    logs: {{receivers: [otlp], exporters: [file]}}
"""
_SPAN_ID = re.compile(rb'"spanId":"([0-9a-f]{16})"')


@dataclass
class Revived:
    """A program with its place in the world, which outlasts its processes."""

    command: Sequence[str]
    ports: Mapping[str, int]
    log: Path
    environ: Mapping[str, str]
    file: Path | None = None
    """What it wrote down, when it does."""
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        """Start it and wait until it listens."""
        with self.log.open("ab") as said:
            self.process = subprocess.Popen(
                list(self.command), stdout=said, stderr=said, env=dict(self.environ)
            )
        wait_until(self._is_ready, f"{self.command[0]} to listen", self.process)

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def endpoint(self, protocol: str) -> str:
        """Where to send by a protocol."""
        return f"http://127.0.0.1:{self.ports['grpc' if protocol == 'grpc' else 'http']}"

    def spans(self) -> int:
        """Different spans in its file, however often each is there."""
        assert self.file is not None
        return len(set(_SPAN_ID.findall(self.file.read_bytes())))

    def _is_ready(self) -> bool:
        return all(listens(port) for port in self.ports.values())


@contextmanager
def otelcol(folder: Path) -> Iterator[Revived]:
    """An OpenTelemetry Collector that answers once what came is written."""
    program = tool("otelcol")
    grpc, http = free_ports(2)
    file, config = folder / "stored.jsonl", folder / "revived.yaml"
    config.write_text(_OTELCOL.format(grpc=grpc, http=http, file=file), encoding="utf-8")
    revived = Revived(
        [program, "--config", str(config)],
        {"grpc": grpc, "http": http},
        folder / "revived.log",
        _without_otel(os.environ),
        file,
    )
    with _ended(revived):
        yield revived


@contextmanager
def rotel(folder: Path) -> Iterator[Revived]:
    """A rotel that swallows what it takes."""
    program = rotel_program()
    grpc, http = free_ports(2)
    command = [
        *(program, "start", "--exporter", "blackhole"),
        *("--otlp-grpc-endpoint", f"127.0.0.1:{grpc}"),
        *("--otlp-http-endpoint", f"127.0.0.1:{http}"),
        *("--pid-file", str(folder / "rotel.pid"), "--log-file", str(folder / "rotel.log")),
    ]
    revived = Revived(
        command,
        {"grpc": grpc, "http": http},
        folder / "revived.log",
        _without_otel(beside_python()),
    )
    with _ended(revived):
        yield revived


@contextmanager
def _ended(revived: Revived) -> Iterator[None]:
    revived.start()
    try:
        yield
    finally:
        revived.kill()


def _without_otel(environ: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in environ.items() if not key.startswith("OTEL_")}
