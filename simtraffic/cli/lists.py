"""The lists of `show` as drawings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rich.text import Text

from simtraffic import figures
from simtraffic.report.lines import Drawn, wrapped
from simtraffic.report.tables import Table

if TYPE_CHECKING:
    from rich.console import RenderableType

    Rows = list[dict[str, Any]]


def catalog(rows: Rows) -> RenderableType:
    """Models with speed and price."""
    drawn = Table(("model", "tier", "tokens/s", "context", "in $/M", "out $/M"), words=(0, 1))
    columns = [
        [row["model"] for row in rows],
        [row["tier"] for row in rows],
        [figures.count(row["tokens_per_second"] or None) for row in rows],
        [figures.context(row["context"]) for row in rows],
        figures.prices([row["usd_input_per_million"] for row in rows]),
        figures.prices([row["usd_output_per_million"] for row in rows]),
    ]
    for row in zip(*columns, strict=True):
        drawn.add_row(*row)
    return drawn


def profiles(rows: Rows) -> RenderableType:
    """Token profiles with their lengths."""
    heads = ("profile", "input p50", "input p95", "output p50", "output p95", "cached")
    drawn = Table(heads, words=(0,))
    for row in rows:
        lengths = [
            figures.count(row[f"{side}_tokens_{name}"])
            for side in ("input", "output")
            for name in ("p50", "p95")
        ]
        drawn.add_row(row["profile"], *lengths, f"{row['cached']:.0%}")
    return drawn


def conventions(rows: Rows) -> RenderableType:
    """Conventions with how much each tells."""
    heads = ("convention", "version", "metrics", "log records", "spans")
    drawn = Table(heads, words=(0, 1, 4), long=4)
    for row in rows:
        drawn.add_row(
            row["convention"],
            row["version"],
            figures.count(row["metrics"]),
            figures.count(row["log_records"]),
            ", ".join(row["spans"]),
        )
    return drawn


def scenarios(rows: Rows) -> RenderableType:
    """Scenarios, each with what it shows."""
    drawn = Table(("scenario", "lasts", "shows"), words=(0, 2), long=2)
    for row in rows:
        drawn.add_row(row["name"], row["duration"], row["description"])
    return drawn


def metrics(rows: Rows) -> RenderableType:
    """Metrics: the name in Prometheus first, then where it comes from and its labels."""
    return Metrics(rows)


class Metrics(Drawn):
    """See :func:`metrics`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def lines(self, room: int) -> list[Text]:
        """Three lines a metric, or more."""
        lines: list[Text] = []
        for row in self._rows:
            head = Text().append(row["prometheus"], style="bold")
            head.append(f"  {row['type'].replace('_', ' ')}", style="cyan")
            told = f"  {row['metric']} in {row['unit'] or '1'}, of {row['convention']}"
            labels = f"  labels {', '.join(row['labels']) or 'none'}"
            for text in (head, Text(told), Text(labels, style="dim")):
                lines += wrapped(text, room)
        return lines


DRAWN: dict[str, Callable[[Rows], RenderableType]] = {
    "catalog": catalog,
    "profiles": profiles,
    "conventions": conventions,
    "scenarios": scenarios,
    "metrics": metrics,
}
