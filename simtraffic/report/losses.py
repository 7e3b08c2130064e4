"""What was lost, a row a cause; and what the built-in collector had to find wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.text import Text

from simtraffic import figures
from simtraffic.report.tables import MOST_ROWS, Table, labelled, more, section

if TYPE_CHECKING:
    from simtraffic.ledger import Loss
    from simtraffic.report.lines import Drawn
    from simtraffic.result.result import RunResult

_COLLECTOR_COUNTS = ("spans", "data_points", "log_records", "requests")
# How the built-in collector words what an imperfection leads to.
_LEADS_TO = {
    "duplicate_ids": ("span id came twice in its trace",),
    "missing_roots": ("parent span did not arrive in the same trace",),
    "out_of_order_points": (
        "point is not newer than the last of its stream",
        "cumulative stream went down without a new start",
    ),
}


def losses(result: RunResult) -> list[Drawn]:
    """Losses with how, when and why; those of several signals for one cause are one row."""
    causes: dict[str, list[Loss]] = {}
    for loss in result.losses:
        causes.setdefault(loss.reason, []).append(loss)
    if not causes:
        return []
    drawn = Table(("lost", "how", "when", "why"), words=(0, 1, 2, 3), long=3)
    for reason, lost in list(causes.items())[:MOST_ROWS]:
        counts: Counter[str] = Counter()
        for signal, entry in result.signals.items():
            counts[entry.unit] += sum(loss.count for loss in lost if loss.signal == signal)
        drawn.add_row(
            figures.listed(
                [f"{count:,} {unit.replace('_', ' ')}" for unit, count in (+counts).items()]
            ),
            Text(figures.listed([*dict.fromkeys(loss.outcome for loss in lost)]), style="red"),
            _when(lost),
            reason,
        )
    return [section("Losses", drawn, *more([*causes], "causes"))]


def collector(result: RunResult) -> list[Drawn]:
    """What the built-in collector counted, and found wrong."""
    if result.collector is None:
        return []
    counts = ", ".join(
        f"{figures.count(result.collector[key])} {key.replace('_', ' ')}"
        for key in _COLLECTOR_COUNTS
        if key in result.collector
    )
    return [section("Built-in collector", labelled([("arrived", counts), *_found(result)]))]


def _found(result: RunResult) -> list[tuple[str, str]]:
    """Faults, apart from those that the scenario asks for; these are not the receiver's."""
    asked = [
        message
        for kind, count in (result.imperfections or {}).items()
        if count
        for message in _LEADS_TO.get(kind, ())
    ]
    faults: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    for fault in (result.collector or {}).get("faults", ()):
        message = fault["message"]
        led_to = next((known for known in asked if message.endswith(known)), None)
        if led_to is None:
            faults[message] += fault["count"]
        else:
            # Whichever metric it was.
            wanted[led_to] += fault["count"]
    words = [f"{count:,} x {message}" for message, count in faults.items()]
    rows = [("faults", each) for each in words[:MOST_ROWS] or ["none"]]
    rows += [("", line.plain) for line in more(words, "kinds of fault")]
    return [*rows, *(("on purpose", f"{count:,} x {message}") for message, count in wanted.items())]


def _when(lost: Sequence[Loss]) -> str:
    """Times of day, of one moment or of a stretch."""
    begin, end = (
        datetime.fromtimestamp(at_ns // 10**9, UTC).strftime("%H:%M:%S")
        for at_ns in (min(loss.first_ns for loss in lost), max(loss.last_ns for loss in lost))
    )
    return begin if begin == end else f"{begin} to {end}"
