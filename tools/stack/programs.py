"""The programs of the stack: what is started, with which arguments, and how it says it is ready."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from simtraffic.backends.ports import HOST
from simtraffic.errors import UsageError

if TYPE_CHECKING:
    from tools.stack.addresses import Addresses

CONFIG = Path(__file__).resolve().parents[2] / "config"
NAMES = ("otelcol", "prometheus", "alertmanager", "jaeger", "victoria-logs")


@dataclass(frozen=True, slots=True)
class Program:
    """One of them, ready to be started."""

    name: str
    command: tuple[str, ...]
    ready: str
    """URL that answers 200 once it can work."""
    environment: Mapping[str, str] = field(default_factory=dict)


def tools_folder() -> Path:
    """Where tools/build.sh puts what it builds."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("SIMTRAFFIC_TOOLS") or f"{cache}/simtraffic/tools") / "bin"


def find(names: tuple[str, ...] = NAMES) -> dict[str, str]:
    """Path of each program, from the cache of tools/build.sh or else the PATH.

    Raises:
        UsageError: some are missing; all are named.
    """
    paths = {name: _path(name) for name in names}
    missing = [name for name, path in paths.items() if path is None]
    if missing:
        raise UsageError(
            f"programs missing: {', '.join(missing)}; looked in {tools_folder()} and on the PATH;"
            " `make tools` builds them (needs Go)"
        )
    return {name: path for name, path in paths.items() if path is not None}


def _path(name: str) -> str | None:
    built = tools_folder() / name
    return str(built) if built.exists() else shutil.which(name)


def programs(addresses: Addresses, config: Path, data: Path) -> list[Program]:
    """All of the stack, in the order in which they are started: first who is sent to.

    Args:
        addresses: where they listen.
        config: the rendered copy of config/.
        data: their storage, one folder each.
    """
    paths = find()
    return [
        _webhook(addresses, data),
        _jaeger(paths["jaeger"], addresses, config),
        _logs(paths["victoria-logs"], addresses, data),
        _alertmanager(paths["alertmanager"], addresses, config, data),
        prometheus(paths["prometheus"], addresses, config / "prometheus/prometheus.yml", data),
        _collector(paths["otelcol"], addresses, config),
    ]


def _webhook(addresses: Addresses, data: Path) -> Program:
    script = Path(__file__).with_name("webhook.py")
    listen = f"{HOST}:{addresses.webhook}"
    out = str(data / "notifications.jsonl")
    return Program(
        "webhook",
        (sys.executable, str(script), "--listen", listen, "--out", out),
        f"http://{listen}/health",
    )


def _jaeger(path: str, addresses: Addresses, config: Path) -> Program:
    return Program(
        "jaeger",
        (path, "--config", str(config / "jaeger/jaeger.yaml")),
        f"{addresses.url('jaeger_health')}/status",
        {
            "JAEGER_HTTP": f"{HOST}:{addresses.jaeger}",
            "JAEGER_GRPC": f"{HOST}:{addresses.jaeger_grpc}",
            "JAEGER_OTLP": f"{HOST}:{addresses.jaeger_otlp}",
            "JAEGER_HEALTH": f"{HOST}:{addresses.jaeger_health}",
        },
    )


def _logs(path: str, addresses: Addresses, data: Path) -> Program:
    return Program(
        "victoria-logs",
        (
            path,
            f"-storageDataPath={data / 'victoria-logs'}",
            f"-httpListenAddr={HOST}:{addresses.logs}",
            # The default drops what is older than a week; a scenario may start in the past.
            "-retentionPeriod=10y",
        ),
        f"{addresses.url('logs')}/health",
    )


def _alertmanager(path: str, addresses: Addresses, config: Path, data: Path) -> Program:
    return Program(
        "alertmanager",
        (
            *(path, "--config.file", str(config / "alertmanager/alertmanager.yml")),
            *("--storage.path", str(data / "alertmanager")),
            *("--web.listen-address", f"{HOST}:{addresses.alertmanager}"),
            # One alone: no cluster.
            "--cluster.listen-address=",
        ),
        f"{addresses.url('alertmanager')}/-/ready",
    )


def prometheus(path: str, addresses: Addresses, config: Path, data: Path) -> Program:
    """Prometheus 3 as the containers run it: with OTLP receiver and exemplars."""
    return Program(
        "prometheus",
        (
            *(path, "--config.file", str(config)),
            *("--storage.tsdb.path", str(data / "prometheus")),
            *("--storage.tsdb.retention.time", "15d"),
            *("--web.listen-address", f"{HOST}:{addresses.prometheus}"),
            *("--web.enable-otlp-receiver", "--web.enable-lifecycle"),
            "--enable-feature=exemplar-storage",
        ),
        f"{addresses.url('prometheus')}/-/ready",
    )


def prometheus_that_scrapes(path: str, addresses: Addresses, config: Path, data: Path) -> Program:
    """A Prometheus of any version from 2.40 that scrapes the collector."""
    return Program(
        "prometheus-that-scrapes",
        (
            *(path, "--config.file", str(config / "prometheus/scrape.yml")),
            *("--storage.tsdb.path", str(data / "prometheus-that-scrapes")),
            *("--web.listen-address", f"{HOST}:{addresses.prometheus}"),
            "--enable-feature=exemplar-storage",
        ),
        f"{addresses.url('prometheus')}/-/ready",
    )


def _collector(path: str, addresses: Addresses, config: Path) -> Program:
    return Program(
        "otelcol",
        (path, "--config", str(config / "collector/demo.yaml")),
        f"{addresses.url('collector_health')}/",
        collector_environment(addresses),
    )


def collector_environment(addresses: Addresses) -> dict[str, str]:
    """What the files of config/collector read."""
    return {
        "OTLP_GRPC": f"{HOST}:{addresses.collector_grpc}",
        "OTLP_HTTP": f"{HOST}:{addresses.collector_http}",
        "HEALTH": f"{HOST}:{addresses.collector_health}",
        "METRICS_HOST": HOST,
        "METRICS_PORT": str(addresses.collector_metrics),
        "PROMETHEUS_EXPORTER": f"{HOST}:{addresses.collector_scraped}",
        "JAEGER_OTLP": f"{HOST}:{addresses.jaeger_otlp}",
        "PROMETHEUS_OTLP": f"{addresses.url('prometheus')}/api/v1/otlp",
        "LOGS_ENDPOINT": f"{addresses.url('logs')}/insert/opentelemetry/v1/logs",
    }
