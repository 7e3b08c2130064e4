"""The table of flows and models, which a plan and a run have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from simtraffic import figures
from simtraffic.report.tables import MOST_ROWS, Note, Table, more, section

if TYPE_CHECKING:
    from simtraffic.report.lines import Drawn
    from simtraffic.result.rows import TrafficCounts

    Rows = Sequence[TrafficCounts]

_HEADS = ("flow, model", "requests", "failed", "input", "output", "cost", "cached", "reasoning")
_WORDS = "requests: at this model, a fallback counts at both; input, output: tokens"


def traffic(rows: Rows) -> list[Drawn]:
    """Flows in their order, the largest models first; errors of attempts below their row."""
    if not rows:
        return []
    order = list(dict.fromkeys(row.flow for row in rows))
    shown = sorted(rows, key=lambda row: (order.index(row.flow), -row.requests))[:MOST_ROWS]
    drawn = Table(_HEADS, further=(6, 7))
    columns = [
        [f"  {row.provider}/{row.model}" for row in shown],
        [figures.count(row.requests) for row in shown],
        figures.shares([row.failed / row.requests if row.requests else 0.0 for row in shown]),
        figures.shorts([row.input_tokens for row in shown]),
        figures.shorts([row.output_tokens for row in shown]),
        figures.dollars([row.cost_usd for row in shown]),
        figures.shorts([row.cached_tokens for row in shown]),
        figures.shorts([row.reasoning_tokens for row in shown]),
    ]
    flow = None
    for row, cells in zip(shown, zip(*columns, strict=True), strict=True):
        if row.flow != flow:
            flow = row.flow
            drawn.add_heading(flow)
        drawn.add_row(*cells, notes=_errors(row))
    return [section("Traffic", drawn, *more(rows, "rows"), Text(_WORDS, style="dim"))]


def tokens(rows: Rows) -> str:
    """All tokens in words."""

    def total(name: str) -> str:
        return figures.short(sum(getattr(row, name) for row in rows))

    return (
        f"{total('input_tokens')} in ({total('cached_tokens')} cached),"
        f" {total('output_tokens')} out ({total('reasoning_tokens')} reasoning)"
    )


def cost(rows: Rows) -> str:
    """All money in words."""
    return f"{figures.usd(sum(row.cost_usd for row in rows))} simulated, none real"


def _errors(row: TrafficCounts) -> list[Note]:
    kinds = sorted(row.errors.items(), key=lambda item: -item[1])
    errors = [f"{kind.replace('_', ' ')} {number:,}" for kind, number in kinds if number]
    if not errors:
        return []
    return [[f"{figures.count(row.attempts)} attempts", f"failed: {errors[0]}", *errors[1:]]]
