"""The OpenTelemetry Collector as a receiver that keeps nothing but counts."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Self

from benchmarks.processes import cpu_seconds, tool
from simtraffic.backends.ports import free_ports

if TYPE_CHECKING:
    from types import TracebackType

_CONFIG = """\
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: 127.0.0.1:{grpc}}}
exporters:
  nop: {{}}
service:
  telemetry:
    logs: {{level: error}}
    metrics:
      level: normal
      readers:
        - pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {metrics}}}}}}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [nop]}}
    metrics: {{receivers: [otlp], exporters: [nop]}}
    logs: {{receivers: [otlp], exporters: [nop]}}
"""
_COUNTER = re.compile(
    r"^otelcol_receiver_accepted_(spans|metric_points|log_records)\S*\s+(\S+)", re.MULTILINE
)
_READY_S = 15.0


class Sink:
    """A running collector, otlp to nop, on ports of its own."""

    def __init__(self) -> None:
        ports = free_ports(2)
        self.address = f"127.0.0.1:{ports[0]}"
        self._metrics_url = f"http://127.0.0.1:{ports[1]}/metrics"
        self._folder = tempfile.TemporaryDirectory()
        config = Path(self._folder.name) / "collector.yaml"
        config.write_text(_CONFIG.format(grpc=ports[0], metrics=ports[1]))
        program = tool("otelcol")
        self._process = subprocess.Popen(
            (program, "--config", str(config)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def __enter__(self) -> Self:
        end = time.monotonic() + _READY_S
        while time.monotonic() < end:
            try:
                self.accepted()
            except OSError:
                time.sleep(0.05)
            else:
                return self
        raise RuntimeError("the collector did not start")

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()
        self._folder.cleanup()

    def accepted(self) -> dict[str, int]:
        """Spans, metric points and log records so far, by the collector's own count."""
        with urllib.request.urlopen(self._metrics_url, timeout=5) as answer:
            text = answer.read().decode()
        counts = {"spans": 0, "metric_points": 0, "log_records": 0}
        for name, value in _COUNTER.findall(text):
            counts[name] += int(float(value))
        return counts

    def cpu_s(self) -> float:
        """CPU time of the collector so far."""
        return cpu_seconds(self._process.pid)


def without_exporter_settings() -> dict[str, str]:
    """The environment's OTEL_* settings, emptied, so that they steer no program under test."""
    return {name: "" for name in os.environ if name.startswith("OTEL_")}
