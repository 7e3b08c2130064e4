"""The programs of the stack: what is started, with which files of config/."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from simtraffic.backends import commands
from simtraffic.backends.commands import KEEPS_EXEMPLARS, TAKES_OTLP, url
from simtraffic.backends.find import find_all
from simtraffic.backends.ports import HOST
from simtraffic.backends.programs import Program

if TYPE_CHECKING:
    from tools.stack.addresses import Addresses

CONFIG = Path(__file__).resolve().parents[2] / "config"
NAMES = ("otelcol", "prometheus", "alertmanager", "jaeger", "victoria-logs")
AS_IN_CONTAINERS = (
    *("--storage.tsdb.retention.time", "15d", "--web.enable-lifecycle"),
    *(*TAKES_OTLP, *KEEPS_EXEMPLARS),
)
"""Options of Prometheus 3 there."""


def programs(addresses: Addresses, config: Path, data: Path) -> list[Program]:
    """All of the stack, in the order in which they are started: first who is sent to.

    Args:
        addresses: Where they listen.
        config: The rendered copy of config/.
        data: Their storage, one folder each.
    """
    paths = find_all(NAMES)
    return [
        webhook(addresses, data),
        _jaeger(paths["jaeger"], addresses, config),
        commands.victoria_logs(paths["victoria-logs"], addresses.logs, data=data / "victoria-logs"),
        commands.alertmanager(
            paths["alertmanager"],
            addresses.alertmanager,
            config=config / "alertmanager/alertmanager.yml",
            data=data / "alertmanager",
        ),
        commands.prometheus(
            paths["prometheus"],
            addresses.prometheus,
            config=config / "prometheus/prometheus.yml",
            data=data / "prometheus",
            options=AS_IN_CONTAINERS,
        ),
        collector(paths["otelcol"], addresses, config / "collector/demo.yaml"),
    ]


def webhook(addresses: Addresses, data: Path) -> Program:
    """Who writes down what Alertmanager tells: the one that needs Python alone."""
    script = Path(__file__).with_name("webhook.py")
    out = str(data / "notifications.jsonl")
    at = url(addresses.webhook)
    return Program(
        "webhook",
        (sys.executable, str(script), "--listen", at.removeprefix("http://"), "--out", out),
        (f"{at}/health",),
        addresses={"http": at},
    )


def _jaeger(path: str, addresses: Addresses, config: Path) -> Program:
    return commands.of_collector(
        path,
        config / "jaeger/jaeger.yaml",
        (f"{addresses.url('jaeger_health')}/status",),
        environment={
            "JAEGER_HTTP": f"{HOST}:{addresses.jaeger}",
            "JAEGER_GRPC": f"{HOST}:{addresses.jaeger_grpc}",
            "JAEGER_OTLP": f"{HOST}:{addresses.jaeger_otlp}",
            "JAEGER_HEALTH": f"{HOST}:{addresses.jaeger_health}",
        },
        addresses={"http": addresses.url("jaeger")},
        name="jaeger",
    )


def collector(
    path: str, addresses: Addresses, config: Path, environment: dict[str, str] | None = None
) -> Program:
    """A collector with one of the files of config/collector, and what else they read."""
    return commands.of_collector(
        path,
        config,
        (f"{addresses.url('collector_health')}/",),
        environment=_collector_environment(addresses) | (environment or {}),
        addresses={
            "grpc": addresses.url("collector_grpc"),
            "http": addresses.url("collector_http"),
        },
    )


def _collector_environment(addresses: Addresses) -> dict[str, str]:
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
