"""Collectors that are killed without warning and started again where they were."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from simtraffic.backends.commands import of_collector, url
from simtraffic.backends.ports import HOST, free_ports
from simtraffic.backends.programs import Running
from tests.real.programs import PATIENCE_S, Door, tool

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


@contextmanager
def otelcol(folder: Path) -> Iterator[Door]:
    """An OpenTelemetry Collector that answers once what came is written."""
    path = tool("otelcol")
    grpc, http = free_ports(2)
    file, config = folder / "stored.jsonl", folder / "revived.yaml"
    config.write_text(_OTELCOL.format(grpc=grpc, http=http, file=file), encoding="utf-8")
    program = of_collector(
        path,
        config,
        (f"{HOST}:{grpc}", f"{HOST}:{http}"),
        addresses={"grpc": url(grpc), "http": url(http)},
    )
    with Running(program, folder / "revived.log", PATIENCE_S) as running:
        yield Door(running, (file,))


def revive(door: Door) -> None:
    """Start it again where it was, and wait until it listens."""
    door.running.start()
    door.running.await_ready()


def spans(door: Door) -> int:
    """Different spans in its file, however often each is there."""
    (file,) = door.received
    return len(set(_SPAN_ID.findall(file.read_bytes())))
