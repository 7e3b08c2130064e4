"""The OpenTelemetry Collector as a receiver that keeps nothing but counts."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from benchmarks.processes import cpu_seconds
from simtraffic.backends.commands import of_collector, url
from simtraffic.backends.find import find
from simtraffic.backends.ports import HOST, free_ports
from simtraffic.backends.programs import Running
from simtraffic.backends.query import Store

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


class Sink:
    """A running collector, otlp to nop, on ports of its own."""

    def __init__(self) -> None:
        grpc, metrics = free_ports(2)
        self.address = f"{HOST}:{grpc}"
        self._page = Store(url(metrics), name="collector")
        self._folder = tempfile.TemporaryDirectory()
        config = Path(self._folder.name) / "collector.yaml"
        config.write_text(_CONFIG.format(grpc=grpc, metrics=metrics))
        ready = (self.address, f"{url(metrics)}/metrics")
        program = of_collector(find("otelcol"), config, ready)
        self._running = Running(program, config.with_suffix(".log"))

    def __enter__(self) -> Self:
        self._running.__enter__()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._page.close()
        self._running.stop()
        self._folder.cleanup()

    def accepted(self) -> dict[str, int]:
        """Spans, metric points and log records so far, by the collector's own count."""
        counts = {"spans": 0, "metric_points": 0, "log_records": 0}
        for name, value in _COUNTER.findall(self._page.text("/metrics")):
            counts[name] += int(float(value))
        return counts

    def cpu_s(self) -> float:
        """CPU time of the collector so far."""
        return cpu_seconds(self._running.process.pid)
