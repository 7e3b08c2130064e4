"""The lists of `show` as drawings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.padding import Padding
from rich.text import Text

from simtraffic.report import figures
from simtraffic.report.tables import table

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

    Rows = list[dict[str, Any]]


def catalog(rows: Rows) -> RenderableType:
    """Models with speed and price."""
    drawn = table("model", "tier", "tokens/s", "context", "in $/M", "out $/M", words=(0, 1))
    for row in rows:
        drawn.add_row(
            row["model"],
            row["tier"],
            figures.count(row["tokens_per_second"]),
            figures.short(row["context"]),
            *(
                f"{row[key]:.3f}".rstrip("0").rstrip(".")
                for key in ("usd_input_per_million", "usd_output_per_million")
            ),
        )
    return drawn


def conventions(rows: Rows) -> RenderableType:
    """Conventions with how much each tells."""
    drawn = table("convention", "version", "metrics", "log records", "spans", words=(0, 1, 4))
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
    """Scenario files, each with what it shows."""
    drawn = table("file", "lasts", "shows", words=(0, 2))
    for row in rows:
        drawn.add_row(row["file"], row["duration"], Text(row["description"]))
    return drawn


def metrics(rows: Rows) -> RenderableType:
    """Metrics: the name in Prometheus first, then where it comes from and its labels."""
    parts: list[RenderableType] = []
    for row in rows:
        head = Text(row["prometheus"], style="bold")
        head.append(f"  {row['type']}", style="not bold cyan")
        told = Text(f"{row['metric']} in {row['unit'] or '1'}, of {row['convention']}")
        labels = Text("labels " + (", ".join(row["labels"]) or "none"), style="dim")
        parts += [head, Padding(Group(told, labels), (0, 0, 0, 2))]
    return Group(*parts)


DRAWN: dict[str, Callable[[Rows], RenderableType]] = {
    "catalog": catalog,
    "conventions": conventions,
    "scenarios": scenarios,
    "metrics": metrics,
}
