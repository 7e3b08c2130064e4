"""What a board consists of, before it becomes Grafana's JSON."""

from __future__ import annotations

from dataclasses import dataclass, field

SERVICE = 'service_name=~"$service",deployment_environment_name=~"$environment"'
MODEL = f'{SERVICE},provider=~"$provider",model=~"$model"'
RATE = "$__rate_interval"


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL query and what its series are called."""

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel; ``width`` in the 24 columns of the grid, ``height`` in its rows of 30 pixels."""

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    kind: str = "timeseries"
    """``timeseries``, ``stat``, ``bargauge``, ``table``, ``heatmap`` or ``logs``."""
    width: int = 12
    height: int = 8
    alert: str = ""
    """The alert whose threshold is drawn."""
    below: bool = False
    """Whether the alert fires below its threshold."""
    stacked: bool = False
    exemplars: bool = False
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard."""

    uid: str
    title: str
    description: str
    panels: tuple[Panel, ...]
    variables: tuple[str, ...] = ("service", "environment")
    runbooks: tuple[str, ...] = field(default_factory=tuple)
    """Alerts whose runbooks it links to."""


def query(expression: str, legend: str = "") -> tuple[Query, ...]:
    """One query."""
    return (Query(expression, legend),)


def stat(title: str, description: str, unit: str, expression: str, alert: str = "") -> Panel:
    """A number of the present; six of them fill a row."""
    return Panel(title, description, unit, query(expression), "stat", 4, 4, alert)
