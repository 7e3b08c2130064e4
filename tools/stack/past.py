"""Rules over a past that was sent in one go: a Prometheus is asked what it would have done.

A running Prometheus evaluates rules at its own time alone. So every recording rule is asked as a
range query and written back, those that others build on first, and every alert is asked at the
steps at which it would have been evaluated; `for` and `keep_firing_for` are counted here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import DataPointFlags
from ruamel.yaml import YAML

from simtraffic.backends import commands
from simtraffic.backends.find import find
from simtraffic.backends.ports import free_ports
from simtraffic.backends.programs import ProgramError, Running
from simtraffic.backends.prometheus import Prometheus
from simtraffic.export.environment import ExportOptions
from simtraffic.runner import RunOptions, run
from simtraffic.units import parse_duration
from tools.rules.alerts import CONFIG, alerts, rules

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from simtraffic.backends.prometheus import Series
    from simtraffic.scenario import Scenario

STEP_S = 15
"""The rules' interval, `global.evaluation_interval` of prometheus.yml."""
RECORDED = re.compile(r"\b[a-z]+:[a-z_]+:[a-z0-9_]+\b")
SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert that would have fired; times are seconds since the start of all runs."""

    alert: str
    severity: str
    labels: Mapping[str, str]
    since: float
    """When it began to fire, `for` after its expression began to hold."""
    until: float | None
    """When it was resolved; None while it still fires at the last evaluation."""


@dataclass(frozen=True, slots=True)
class Pending:
    """An alert whose expression holds at the last evaluation, not yet for long enough to fire."""

    alert: str
    severity: str
    labels: Mapping[str, str]
    since: float


@dataclass
class Past:
    """A Prometheus that holds runs which began at the same time."""

    prometheus: Prometheus
    start: datetime

    def send(self, scenario: Scenario, service: str, **options: Any) -> None:
        """Send a run's metrics under this name of a service; options as of a run."""
        metrics = scenario.telemetry.metrics.model_copy(update={"exemplars": False})
        telemetry = scenario.telemetry.model_copy(
            update={"signals": ("metrics",), "metrics": metrics}
        )
        named = scenario.service.model_copy(update={"name": service})
        result = run(
            scenario.model_copy(update={"telemetry": telemetry, "service": named}),
            RunOptions(
                receiver=ExportOptions(
                    endpoint=f"{self.prometheus.url}/api/v1/otlp", protocol="http/protobuf"
                ),
                speed="max",
                start=self.start,
                **options,
            ),
        )
        counts = result.signals["metrics"]
        if not counts.generated == counts.accepted > 0:
            raise ProgramError(f"{service}: Prometheus did not take all of its metrics; {counts}")

    def record(self, seconds: int) -> None:
        """Evaluate every recording rule over this long, from the start on."""
        waiting = [rule for _, rule in rules() if "record" in rule]
        while waiting:
            unknown = {rule["record"] for rule in waiting}
            ready = [r for r in waiting if unknown.isdisjoint(RECORDED.findall(r["expr"]))]
            if not ready:
                raise ProgramError(f"recording rules go round in a circle: {sorted(unknown)}")
            for rule in ready:
                found = self.range(rule["expr"], seconds)
                self._write(rule["record"], rule.get("labels", {}), found, seconds)
            waiting = [rule for rule in waiting if rule not in ready]

    def range(self, query: str, seconds: int) -> list[Series]:
        """What a query gives at each evaluation."""
        began = int(self.start.timestamp())
        return self.prometheus.range(query, began, began + seconds, STEP_S)

    def _write(
        self, name: str, labels: Mapping[str, str], series: Sequence[Series], seconds: int
    ) -> None:
        request = ExportMetricsServiceRequest()
        metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name=name)
        last = int(self.start.timestamp()) + seconds
        for one in series:
            own = {k: v for k, v in one.labels.items() if k != "__name__"} | dict(labels)
            held = {int(at) for at in one.times}
            for at, value in zip(one.times, one.values, strict=True):
                point = metric.gauge.data_points.add(time_unix_nano=int(at) * SECOND)
                point.as_double = value
                self._label(point, own)
            # Where a rule gives nothing any more, Prometheus marks its series as stale at once.
            for end in sorted(at + STEP_S for at in held):
                if end not in held and end <= last:
                    point = metric.gauge.data_points.add(time_unix_nano=end * SECOND)
                    point.flags = DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK
                    self._label(point, own)
        if metric.gauge.data_points:
            self.prometheus.take(request.SerializeToString())

    @staticmethod
    def _label(point: Any, labels: Mapping[str, str]) -> None:
        for key, value in labels.items():
            point.attributes.add(key=key).value.string_value = value

    def firings(self, seconds: int, only: str = "LLM") -> list[Firing]:
        """Every alert whose name begins so that would have fired."""
        return [each for each in self._episodes(seconds, only) if isinstance(each, Firing)]

    def pending(self, seconds: int, only: str = "LLM") -> list[Pending]:
        """Those that would be pending at the last evaluation."""
        return [each for each in self._episodes(seconds, only) if isinstance(each, Pending)]

    def _episodes(self, seconds: int, only: str) -> Iterator[Firing | Pending]:
        for alert in alerts():
            if not alert.name.startswith(only):
                continue
            pending_s, kept_s = _seconds(alert.pending), _seconds(alert.kept)
            for own, times in self._holding(alert.expression, seconds):
                for low, high in kept(list(_stretches(times)), pending_s, kept_s):
                    severity, end = alert.labels["severity"], high + STEP_S + kept_s
                    if high - low >= pending_s:
                        until = end if end <= seconds else None
                        yield Firing(alert.name, severity, own, low + pending_s, until)
                    elif high + STEP_S > seconds:
                        yield Pending(alert.name, severity, own, low)

    def _holding(
        self, expression: str, seconds: int
    ) -> Iterator[tuple[dict[str, str], list[float]]]:
        """Labels and times of all that an expression gives.

        An alert has no name of a series: what `or` takes from two of them is one alert.
        """
        held: dict[tuple[tuple[str, str], ...], set[float]] = {}
        for series in self.range(expression, seconds):
            own = tuple(sorted((k, v) for k, v in series.labels.items() if k != "__name__"))
            times = (series.times - self.start.timestamp()).tolist()
            held.setdefault(own, set()).update(times)
        for labels, times in held.items():
            yield dict(labels), sorted(times)


def _seconds(duration: str) -> float:
    return parse_duration(duration) / SECOND if duration else 0.0


def _stretches(times: list[float]) -> Iterator[tuple[float, float]]:
    """First and last of each run of consecutive evaluations."""
    low = times[0]
    for before, at in zip(times, [*times[1:], None], strict=True):
        if at is None or at - before > STEP_S:
            yield low, before
            low = at if at is not None else 0


def kept(
    stretches: list[tuple[float, float]], pending_s: float, kept_s: float
) -> list[tuple[float, float]]:
    """Stretches as one where an alert goes on firing through the time between them."""
    made = stretches[:1]
    for low, high in stretches[1:]:
        first, last = made[-1]
        if last - first >= pending_s and low - last <= kept_s:
            made[-1] = (first, high)
        else:
            made.append((low, high))
    return made


@contextmanager
def past(folder: Path, start: datetime) -> Iterator[Past]:
    """A Prometheus that takes samples of any age; labels as in config/prometheus."""
    shipped = YAML(typ="safe", pure=True).load(CONFIG / "prometheus/prometheus.yml")
    config = folder / "prometheus.yml"
    with config.open("w") as file:
        YAML().dump(
            {
                "otlp": shipped["otlp"],
                "storage": {"tsdb": {"out_of_order_time_window": "30d"}},
            },
            file,
        )
    (port,) = free_ports(1)
    program = commands.prometheus(
        find("prometheus"),
        port,
        config=config,
        data=folder / "prometheus",
        options=commands.TAKES_OTLP,
    )
    with (
        Running(program, folder / "prometheus.log") as running,
        Prometheus(running.addresses["http"]) as prometheus,
    ):
        yield Past(prometheus, start)
