"""What a board consists of, before it becomes Grafana's JSON."""

from __future__ import annotations

from dataclasses import dataclass

SERVICE = 'service_name=~"$service",deployment_environment_name=~"$environment"'
MODEL = f'{SERVICE},provider=~"$provider",model=~"$model"'
# Recorded series add runs and instances up; what is asked as it was sent can be told apart.
RUN = 'simtraffic_run_id=~"$run"'
RAW = f"{SERVICE},{RUN}"
RAW_MODEL = f"{MODEL},{RUN}"
RAW_INSTANCE = f'{RAW},instance=~"$instance"'
RATE = "$__rate_interval"


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL query and what its series are called."""

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """What a value of a state timeline is called, and its colour."""

    value: int
    text: str
    colour: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel; ``width`` in the 24 columns of the grid, ``height`` in its rows of 30 pixels."""

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    kind: str = "timeseries"
    """``timeseries``, ``stat``, ``bargauge``, ``table``, ``heatmap``, ``state-timeline`` or
    ``logs``."""
    width: int = 12
    height: int = 8
    alert: str = ""
    """The alert whose threshold is drawn, and whose runbook is linked."""
    bound: float | None = None
    """A threshold that is no alert's."""
    below: bool = False
    """Whether less than the threshold is bad."""
    stacked: bool = False
    exemplars: bool = False
    negative: bool = False
    """Whether values below 0 are possible, so that the axis has no end at 0."""
    wide: bool = False
    """Whether values differ by orders of magnitude: linear up to 1, logarithmic beyond."""
    serious: bool = False
    """Whether ``bound`` is as bad as an alert: red in place of orange."""
    ground: bool = False
    """Whether the threshold colours all of a stat, not its number alone."""
    present: bool = False
    """Whether only the end of the time shown is asked for, so that there is no sparkline."""
    columns: tuple[tuple[str, str], ...] = ()
    """Labels of a table in their order, and what their columns are called."""
    states: tuple[State, ...] = ()
    runbooks: tuple[str, ...] = ()
    """Alerts, beside ``alert``, whose runbooks it links to."""

    @property
    def linked(self) -> tuple[str, ...]:
        """All alerts whose runbooks it links to."""
        return (self.alert, *self.runbooks) if self.alert else self.runbooks


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading; closed ones ask for nothing until they are opened."""

    title: str
    panels: tuple[Panel, ...]
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard."""

    uid: str
    title: str
    description: str
    content: tuple[Panel | Row, ...]
    variables: tuple[str, ...] = ("service", "environment", "run")

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels, those of rows too."""
        return tuple(
            panel
            for part in self.content
            for panel in (part.panels if isinstance(part, Row) else (part,))
        )


def query(expression: str, legend: str = "") -> tuple[Query, ...]:
    """One query."""
    return (Query(expression, legend),)


def stat(
    title: str,
    description: str,
    unit: str,
    expression: str,
    alert: str = "",
    **more: object,
) -> Panel:
    """A number of the present with its past as a sparkline; six of them fill a row."""
    made = {"width": 4, "height": 4, "alert": alert, **more}
    return Panel(title, description, unit, query(expression), "stat", **made)  # type: ignore[arg-type]
