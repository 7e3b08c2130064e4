"""Command lines of real programs on one machine: what is started, where it listens, when it is up.

Each takes the path that :func:`simtraffic.backends.find.find` gives, and ports of loopback.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from simtraffic.backends.ports import HOST
from simtraffic.backends.programs import Program

if TYPE_CHECKING:
    from pathlib import Path

TAKES_OTLP = ("--web.enable-otlp-receiver",)
"""For Prometheus from 3.0 on: metrics are taken under ``/api/v1/otlp``."""
KEEPS_EXEMPLARS = ("--enable-feature=exemplar-storage",)


def url(port: int) -> str:
    """Base URL of what listens there on this machine."""
    return f"http://{HOST}:{port}"


def prometheus(
    path: str,
    port: int,
    *,
    config: Path,
    data: Path,
    options: Sequence[str] = (),
    name: str = "prometheus",
) -> Program:
    """A Prometheus, of any version from 2.40; its API is at ``http``.

    Args:
        path: The program.
        port: Where it listens.
        config: Its configuration file.
        data: Folder that it keeps its blocks in.
        options: Further words, such as :data:`TAKES_OTLP` or a retention.
        name: What it is called beside another one.
    """
    return Program(
        name,
        (
            *(path, "--config.file", str(config)),
            *("--storage.tsdb.path", str(data)),
            *("--web.listen-address", f"{HOST}:{port}"),
            *options,
        ),
        (f"{url(port)}/-/ready",),
        addresses={"http": url(port)},
    )


def alertmanager(path: str, port: int, *, config: Path, data: Path) -> Program:
    """An Alertmanager without peers."""
    return Program(
        "alertmanager",
        (
            *(path, "--config.file", str(config)),
            *("--storage.path", str(data)),
            *("--web.listen-address", f"{HOST}:{port}"),
            # One alone: no cluster.
            "--cluster.listen-address=",
        ),
        (f"{url(port)}/-/ready",),
        addresses={"http": url(port)},
    )


def victoria_logs(path: str, port: int, *, data: Path) -> Program:
    """A VictoriaLogs that keeps what is up to ten years old."""
    return Program(
        "victoria-logs",
        (
            path,
            f"-storageDataPath={data}",
            f"-httpListenAddr={HOST}:{port}",
            # The default drops what is older than a week; a scenario may start in the past.
            "-retentionPeriod=10y",
        ),
        (f"{url(port)}/health",),
        addresses={"http": url(port)},
    )


def of_collector(
    path: str,
    config: Path,
    ready: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    addresses: Mapping[str, str] | None = None,
    name: str = "otelcol",
) -> Program:
    """An OpenTelemetry Collector, or what is built like one, as Jaeger 2 is.

    Its configuration decides where it listens, so both that and how it is awaited are said here:
    ``ready`` and ``addresses`` are those of :class:`Program`.
    """
    command = (path, "--config", str(config))
    return Program(name, command, tuple(ready), environment or {}, addresses or {})
