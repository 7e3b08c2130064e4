"""A plan as a drawing for the terminal: the rate over time, then what it comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from simtraffic.report import figures
from simtraffic.report.curve import axis_step, bars, highest
from simtraffic.report.tables import MOST_ROWS, WIDE, labelled, more, section, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from simtraffic.report.plan import PlanResult

_ROWS = 8
_LABEL = 9
"""Columns that the labels of the rate axis take."""
_WIDEST = 120


def plan_view(plan: PlanResult, width: int = 100) -> RenderableType:
    """The whole picture, for a terminal of this many columns."""
    head = Text(plan.scenario, style="bold")
    about = "" if plan.schedule.exact else "about "
    head.append(
        f"  {figures.clock(plan.duration_seconds)}, {about}{figures.count(plan.schedule.planned)}"
        f" requests, seed {plan.seed}" + (f", shard {plan.shard}" if plan.shard != "1/1" else ""),
        style="dim",
    )
    parts = [
        head,
        Text(),
        *drawn_rate(plan, min(width, _WIDEST)),
        _stages(plan),
        _signals(plan),
        *_traffic(plan, width),
        _needs(plan),
    ]
    return Group(*parts)


def drawn_rate(plan: PlanResult, width: int) -> list[Text]:
    """The rate as bars over a time axis, with stages and incidents below it."""
    columns = max(20, width - _LABEL - 1)
    if not plan.curve or plan.duration_seconds <= 0:
        return []
    values = highest(plan.curve, columns)
    peak = max(point.rate for point in plan.curve)
    labels = {0: figures.rate(peak), _ROWS // 2: figures.rate(peak / 2)}
    lines = [
        _row(labels.get(number, ""), "┤" if number in labels else "│", bar, "cyan")
        for number, bar in enumerate(bars(values, _ROWS, peak))
    ]
    lines += _time_axis(plan.duration_seconds, columns)
    lines.append(_row("stages", " ", _stage_marks(plan, columns), ""))
    lines += _incident_marks(plan, columns)
    return lines


def _row(label: str, edge: str, content: str, style: str) -> Text:
    text = Text(f"{label:>{_LABEL - 1}} {edge}", style="dim", no_wrap=True, overflow="crop")
    return text.append(content, style=style or "not dim")


def _time_axis(seconds: float, columns: int) -> list[Text]:
    step = axis_step(seconds, columns)
    line, words = ["─"] * columns, [" "] * (columns + 1)
    for number in range(int(seconds / step) + 1):
        at = min(columns - 1, int(number * step / seconds * columns))
        label = figures.clock(number * step)
        # The last mark may have no room for its words.
        if at + len(label) <= columns:
            line[at] = "┬"
            words[at : at + len(label)] = label
    return [_row("0/s", "┼", "".join(line), "dim"), _row("", " ", "".join(words).rstrip(), "dim")]


def _stage_marks(plan: PlanResult, columns: int) -> str:
    marks = [" "] * columns
    starts = [_column(stage.start_seconds, plan, columns) for stage in plan.stages]
    for stage, start, end in zip(plan.stages, starts, [*starts[1:], columns], strict=True):
        room = max(0, end - start)
        word = stage.name if len(stage.name) < room else stage.name[: max(0, room - 2)] + "…"
        marks[start : start + room] = f"│{word}"[:room].ljust(room)
    return "".join(marks).rstrip()


def _incident_marks(plan: PlanResult, columns: int) -> list[Text]:
    lines: list[Text] = []
    for incident in plan.incidents[:MOST_ROWS]:
        start = _column(incident.start_seconds, plan, columns)
        end = _column(incident.start_seconds + incident.duration_seconds, plan, columns)
        bar = "━" * max(1, end - start)
        after = start + len(bar) + 1 + len(incident.name) <= columns
        words = f"{' ' * start}{bar} {incident.name}"
        if not after:
            # No room behind the bar: the name goes before it, as far as it fits.
            name = incident.name[: max(0, start - 1)]
            words = (
                f"{' ' * (start - len(name) - 1)}{name} {bar}" if name else f"{' ' * start}{bar}"
            )
        label = "" if lines else "incident"
        lines.append(_row(label, " ", words[:columns], "red"))
    return lines


def _column(seconds: float, plan: PlanResult, columns: int) -> int:
    return min(columns - 1, max(0, int(seconds / plan.duration_seconds * columns)))


def _stages(plan: PlanResult) -> RenderableType:
    drawn = table("stage", "from", "for", "to rate", "mean rate", "requests")
    for stage in plan.stages[:MOST_ROWS]:
        drawn.add_row(
            stage.name,
            figures.clock(stage.start_seconds),
            figures.clock(stage.duration_seconds),
            figures.rate(stage.target_rate),
            figures.rate(stage.asked_rate),
            figures.count(stage.planned),
        )
    return section("Stages", drawn, *more(plan.stages, "stages"))


def _signals(plan: PlanResult) -> RenderableType:
    drawn = table("", "count", "series", "bytes", "bytes/s")
    for name, signal in plan.signals.items():
        label = Text(name).append(f" {signal.unit.replace('_', ' ')}", style="dim")
        per_second = signal.bytes / plan.duration_seconds if plan.duration_seconds else 0.0
        drawn.add_row(
            label,
            figures.count(signal.generated),
            figures.count(signal.series) if signal.series else figures.NOTHING,
            figures.size(signal.bytes),
            f"{figures.size(per_second)}/s",
        )
    return section("Telemetry", drawn)


def _traffic(plan: PlanResult, width: int) -> list[RenderableType]:
    if not plan.traffic:
        return []
    wide = width >= WIDE
    columns = ["flow, model", "operations", "failed", "tokens in", "out", "cost"]
    columns += ["attempts", "cached", "reasoning"] if wide else []
    drawn = table(*columns)
    flow = None
    order = list(dict.fromkeys(row.flow for row in plan.traffic))
    rows = sorted(plan.traffic, key=lambda row: (order.index(row.flow), -row.requests))
    for row in rows[:MOST_ROWS]:
        if row.flow != flow:
            flow = row.flow
            drawn.add_row(Text(flow, style="bold"))
        cells = [
            f"  {row.provider}/{row.model}",
            figures.count(row.requests),
            figures.share(row.failed / row.requests if row.requests else 0.0),
            figures.short(row.input_tokens),
            figures.short(row.output_tokens),
            figures.usd(row.cost_usd),
        ]
        further = (row.attempts, row.cached_tokens, row.reasoning_tokens)
        drawn.add_row(*cells, *([figures.short(number) for number in further] if wide else []))
    return [section("Traffic", drawn, *more(rows, "rows"))]


def _needs(plan: PlanResult) -> RenderableType:
    def total(name: str) -> str:
        return figures.short(sum(getattr(row, name) for row in plan.traffic))

    needs = plan.generator
    rows = [
        (
            "tokens",
            f"{total('input_tokens')} in ({total('cached_tokens')} cached),"
            f" {total('output_tokens')} out ({total('reasoning_tokens')} reasoning)",
        ),
        ("cost", f"{figures.usd(sum(row.cost_usd for row in plan.traffic))} simulated, none real"),
        (
            "generator",
            f"{figures.seconds(needs.cpu_seconds)} CPU,"
            f" {figures.size(needs.peak_rss_bytes)} memory,"
            f" {figures.short(needs.spans_per_second)} spans/s at the peak",
        ),
        *(("note", note) for note in plan.notes),
    ]
    return section("Comes to", labelled(rows))
