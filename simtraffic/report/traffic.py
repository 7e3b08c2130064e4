"""The table of flows and models, which a plan and a run have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from simtraffic import figures
from simtraffic.report.tables import MOST_ROWS, Note, Table, more, section
from simtraffic.token_kinds import PARTS, WHOLES, TokenKind

if TYPE_CHECKING:
    from simtraffic.report.lines import Drawn
    from simtraffic.result.rows import TrafficCounts

    Rows = Sequence[TrafficCounts]

_HEADS = (
    "flow, model",
    "requests",
    "failed",
    *(kind.name for kind in WHOLES),
    "cost",
    *(kind.name for kind in PARTS),
)
# Without room these go below first.
_FURTHER = tuple(range(len(_HEADS) - len(PARTS), len(_HEADS)))
_WORDS = (
    "requests: at this model, a fallback counts at both;"
    f" {', '.join(kind.name for kind in WHOLES)}: tokens"
)


def traffic(rows: Rows) -> list[Drawn]:
    """Flows in their order, the largest models first; errors of attempts below their row."""
    if not rows:
        return []
    order = list(dict.fromkeys(row.flow for row in rows))
    shown = sorted(rows, key=lambda row: (order.index(row.flow), -row.requests))[:MOST_ROWS]
    drawn = Table(_HEADS, further=_FURTHER)
    columns = [
        [f"  {row.provider}/{row.model}" for row in shown],
        [figures.count(row.requests) for row in shown],
        figures.shares([row.failed / row.requests if row.requests else 0.0 for row in shown]),
        *(_counted(kind, shown) for kind in WHOLES),
        figures.dollars([row.cost_usd for row in shown]),
        *(_counted(kind, shown) for kind in PARTS),
    ]
    flow = None
    for row, cells in zip(shown, zip(*columns, strict=True), strict=True):
        if row.flow != flow:
            flow = row.flow
            drawn.add_heading(flow)
        drawn.add_row(*cells, notes=_errors(row))
    return [section("Traffic", drawn, *more(rows, "rows"), Text(_WORDS, style="dim"))]


def tokens(rows: Rows) -> str:
    """All tokens in words, those that are a part of others in brackets."""

    def total(kind: TokenKind) -> str:
        return f"{figures.short(sum(getattr(row, kind.column) for row in rows))} {kind.word}"

    said = []
    for kind in WHOLES:
        parts = [total(part) for part in PARTS if part.part_of == kind.name]
        said.append(total(kind) + (f" ({', '.join(parts)})" if parts else ""))
    return ", ".join(said)


def cost(rows: Rows) -> str:
    """All money in words: ``$2.88 simulated, none real``."""
    return f"{figures.usd(sum(row.cost_usd for row in rows))} simulated, none real"


def _counted(kind: TokenKind, rows: Rows) -> list[str]:
    return figures.shorts([getattr(row, kind.column) for row in rows])


def _errors(row: TrafficCounts) -> list[Note]:
    kinds = sorted(row.errors.items(), key=lambda item: -item[1])
    errors = [f"{kind.replace('_', ' ')} {number:,}" for kind, number in kinds if number]
    if not errors:
        return []
    return [[f"{figures.count(row.attempts)} attempts", f"failed: {errors[0]}", *errors[1:]]]
