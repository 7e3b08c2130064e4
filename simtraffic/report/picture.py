"""The rate of a plan drawn over time, with its stages and incidents below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from simtraffic import figures
from simtraffic.report.curve import axis_step, bars, highest
from simtraffic.report.lines import wide

if TYPE_CHECKING:
    from simtraffic.result.plan import PlanResult

_ROWS = 8
_EDGE = 11
"""Columns that the labels of the rate axis take, the axis included."""
_LEAST = 20
# Held rates are a line over this, not a wall.
_FILL = "░"
_MOST_LINES = 3
"""Of names of stages."""
_MOST_INCIDENTS = 8
# A name and where it stands.
Placed = tuple[int, str]


def drawn_rate(plan: PlanResult, width: int) -> list[Text]:
    """The picture after an empty line; none without a curve, or without the room for one."""
    columns = width - _EDGE
    if not plan.curve or plan.duration_seconds <= 0 or columns < _LEAST:
        return []
    values = highest(plan.curve, columns)
    peak = max(point.rate for point in plan.curve)
    labels = {0: figures.rate(peak), _ROWS // 2: figures.rate(peak / 2)}
    lines = [
        _row(labels.get(number, ""), "┤" if number in labels else "│", _bar(bar))
        for number, bar in enumerate(bars(values, _ROWS, peak, _FILL))
    ]
    return [
        Text(),
        *lines,
        *_time_axis(plan.duration_seconds, columns),
        *_stage_marks(plan, columns),
        *_incident_marks(plan, columns),
    ]


def _row(label: str, edge: str, content: Text) -> Text:
    # The label alone is dim: a style of the whole text would be one of what follows as well.
    head = Text().append(f"{label:>{_EDGE - 2}} {edge}", style="dim")
    return head.append_text(content)


def _bar(bar: str) -> Text:
    """The line of the rate bright, what is below it not."""
    drawn = Text()
    for sign in bar:
        drawn.append(sign, style="cyan" if sign == _FILL else "bold bright_cyan")
    return drawn


def _time_axis(seconds: float, columns: int) -> list[Text]:
    """Round moments, and the end."""
    step = axis_step(seconds, columns)
    end = figures.stretch(seconds)
    line, words = ["─"] * columns, [" "] * columns
    line[-1] = "┐"
    words[columns - len(end) :] = end
    for number in range(int(seconds / step) + 1):
        at = min(columns - 1, int(number * step / seconds * columns))
        label = figures.stretch(number * step)
        # The last mark may have no room for its words beside the end.
        if at + len(label) < columns - len(end):
            line[at] = "┬"
            words[at : at + len(label)] = label
    return [
        _row("0/s", "┼", Text("".join(line), style="dim")),
        _row("", " ", Text("".join(words), style="dim")),
    ]


def _stage_marks(plan: PlanResult, columns: int) -> list[Text]:
    """Where each stage begins, with its whole name if there is room on one of a few lines."""
    lines: list[list[Placed]] = [[] for _ in range(_MOST_LINES)]
    for stage in plan.stages:
        start = _column(stage.window.start_ns, plan, columns)
        word = f"│{stage.name}"
        at = start if start + _wide(word) <= columns else columns - _wide(word)
        if at < start:
            # At the right edge it stands before its mark.
            word = f"{stage.name}│"
            at = start + 1 - _wide(word)
        line = next((line for line in lines if at >= _end(line)), None)
        if at >= 0 and line is not None:
            line.append((at, word))
    label = "stages" if len(plan.stages) > 1 else "stage"
    return _placed(label, [line for line in lines if line], "")


def _incident_marks(plan: PlanResult, columns: int) -> list[Text]:
    """A bar for each, with its whole name behind it, before it or below it."""
    lines: list[list[Placed]] = []
    for incident in plan.incidents[:_MOST_INCIDENTS]:
        start = _column(incident.window.start_ns, plan, columns)
        end = _column(incident.window.end_ns, plan, columns)
        bar, name = "━" * max(1, end - start), incident.name
        room = _wide(name)
        if start + len(bar) + 1 + room <= columns:
            lines.append([(start, f"{bar} {name}")])
        elif room + 1 <= start:
            lines.append([(start - room - 1, f"{name} {bar}")])
        else:
            lines += [[(start, bar)], [(max(0, columns - room), name)]]
    return _placed("incidents" if len(plan.incidents) > 1 else "incident", lines, "bold red")


def _placed(label: str, lines: Sequence[Sequence[Placed]], style: str) -> list[Text]:
    drawn = []
    for number, line in enumerate(lines):
        words = Text()
        for at, word in line:
            words.append(" " * (at - wide(words))).append(word, style=style)
        drawn.append(_row("" if number else label, " ", words))
    return drawn


def _end(line: Sequence[Placed]) -> int:
    """Where the next name may begin, a space after the last."""
    return line[-1][0] + _wide(line[-1][1]) + 1 if line else 0


def _wide(word: str) -> int:
    return wide(Text(word))


def _column(at_ns: int, plan: PlanResult, columns: int) -> int:
    return min(columns - 1, max(0, int(at_ns / 1e9 / plan.duration_seconds * columns)))
