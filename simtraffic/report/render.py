"""The result of a run as a drawing for the terminal: the verdict first, then what led to it.

Returns rich renderables, which the command line prints; `tables.to_text` makes plain text of them.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from simtraffic.report import figures
from simtraffic.report.tables import MOST_ROWS, WIDE, labelled, more, section, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from simtraffic.report.result import RunResult, SignalResult, TrafficResult

_VERDICT_STYLES = {"passed": "bold green", "failed": "bold red", "interrupted": "bold yellow"}
_COLLECTOR_COUNTS = ("spans", "data_points", "log_records", "requests")


def summary(result: RunResult, width: int = 100) -> RenderableType:
    """The whole report on a run, for a terminal of this many columns."""
    parts = [
        verdict(result),
        ledger(result),
        *_stages(result, width),
        *_traffic(result, width),
        *_incidents(result),
        *_thresholds(result),
        *_losses(result),
        *_imperfections(result),
        *_collector(result),
        *_closing(result),
    ]
    return Group(*parts)


def verdict(result: RunResult) -> RenderableType:
    """The verdict with its reasons."""
    word = result.verdict.upper()
    head = Text()
    head.append(word, style=_VERDICT_STYLES[result.verdict])
    head.append(f" {result.scenario}", style="bold")
    details = [figures.clock(_between(result.start, result.end)), f"seed {result.seed}"]
    if result.shard != "1/1":
        details.append(f"shard {result.shard}")
    if result.speed != "real":
        details.append("full speed" if result.speed == "max" else f"speed {result.speed}")
    if result.exit_code:
        details.append(f"exit code {result.exit_code}")
    head.append(f"  {', '.join(details)}", style="dim")
    return Group(head, *(Text(f"  {reason}") for reason in result.reasons))


def ledger(result: RunResult) -> RenderableType:
    """The balance of requests and of each signal."""
    schedule = result.schedule
    requests = (
        f"requests  planned {schedule.planned:,} = generated {schedule.generated:,}"
        f" + skipped {schedule.skipped:,}"
    )
    drawn = table("", "generated", "= accepted", "+ rejected", "+ failed", "+ dropped")
    for name, signal in result.signals.items():
        drawn.add_row(
            Text(name).append(f" {_unit(signal)}", style="dim"),
            Text(figures.count(signal.generated)),
            Text(figures.count(signal.accepted), style="green" if signal.accepted else "dim"),
            *(_bad(number) for number in (signal.rejected, signal.failed, signal.dropped)),
        )
    return section("Ledger", Text(requests), drawn)


def _unit(signal: SignalResult) -> str:
    return signal.unit.replace("_", " ")


def _stages(result: RunResult, width: int) -> list[RenderableType]:
    if not result.stages:
        return []
    wide = width >= WIDE
    shown = ("p50", "p95", "p99") if wide else ("p50", "p95")
    drawn = table(
        *("stage", "requests", "reached"),
        *(("asked",) if wide else ()),
        "failed",
        *(f"ttft {name}" for name in shown),
        *(f"took {name}" for name in shown),
    )
    for stage in result.stages[:MOST_ROWS]:
        drawn.add_row(
            stage.name,
            figures.count(stage.generated),
            figures.rate(stage.achieved_rate),
            *((figures.rate(stage.asked_rate),) if wide else ()),
            figures.share(stage.error_share),
            *(figures.seconds(getattr(stage.time_to_first_token_seconds, q)) for q in shown),
            *(figures.seconds(getattr(stage.duration_seconds, q)) for q in shown),
        )
    words = "ttft: time to first token, of streamed operations; took: all operations"
    return [section("Stages", drawn, *more(result.stages, "stages"), Text(words, style="dim"))]


def _traffic(result: RunResult, width: int) -> list[RenderableType]:
    if not result.traffic:
        return []
    wide = width >= WIDE
    columns = ["flow, model", "operations", "failed", "tokens in", "out", "cost"]
    columns += ["attempts", "errors of attempts"] if wide else []
    drawn = table(*columns, words=(0, 7))
    flow = None
    order = list(dict.fromkeys(row.flow for row in result.traffic))
    rows = sorted(result.traffic, key=lambda row: (order.index(row.flow), -row.requests))
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
        cells += [figures.count(row.attempts), _errors(row)] if wide else []
        drawn.add_row(*cells)
    return [section("Traffic", drawn, *more(rows, "rows"), Text(_totals(result), style="dim"))]


def _errors(row: TrafficResult) -> str:
    kinds = sorted(row.errors.items(), key=lambda item: -item[1])
    return ", ".join(f"{kind} {number:,}" for kind, number in kinds) or figures.NOTHING


def _totals(result: RunResult) -> str:
    def total(name: str) -> str:
        return figures.short(sum(getattr(row, name) for row in result.traffic))

    cost = figures.usd(sum(row.cost_usd for row in result.traffic))
    return (
        f"{total('input_tokens')} tokens in ({total('cached_tokens')} cached),"
        f" {total('output_tokens')} out ({total('reasoning_tokens')} reasoning),"
        f" {cost} simulated"
    )


def _incidents(result: RunResult) -> list[RenderableType]:
    if not result.incidents:
        return []
    drawn = table("incident", "at", "for", "requests", "failed", "share")
    for incident in result.incidents[:MOST_ROWS]:
        drawn.add_row(
            incident.name,
            figures.clock(_between(result.start, incident.start)),
            figures.clock(_between(incident.start, incident.end)),
            figures.count(incident.requests),
            figures.count(incident.errors),
            figures.share(incident.errors / incident.requests if incident.requests else 0.0),
        )
    return [section("Incidents", drawn, *more(result.incidents, "incidents"))]


def _thresholds(result: RunResult) -> list[RenderableType]:
    if not result.thresholds:
        return []
    drawn = table("", "threshold", "found", words=(1,))
    # Those that failed come first, otherwise the order of the scenario.
    for threshold in sorted(result.thresholds, key=lambda one: one.passed):
        mark = Text("met", style="green") if threshold.passed else Text("NOT MET", style="bold red")
        found = figures.measured(threshold.value, threshold.measure)
        drawn.add_row(mark, threshold.expression, found)
        if threshold.note:
            drawn.add_row("", Text(threshold.note, style="dim"))
    drawn.columns[0].justify = "left"
    return [section("Thresholds", drawn)]


def _losses(result: RunResult) -> list[RenderableType]:
    if not result.losses:
        return []
    drawn = table("lost", "", "how", "when", "why", words=(1, 2, 4))
    for loss in result.losses[:MOST_ROWS]:
        drawn.add_row(
            figures.count(loss.count),
            _unit(result.signals[loss.signal]),
            Text(loss.outcome, style="red"),
            _when(loss.first, loss.last),
            loss.reason,
        )
    drawn.columns[3].justify = "left"
    return [section("Losses", drawn, *more(result.losses, "reasons"))]


def _imperfections(result: RunResult) -> list[RenderableType]:
    if result.imperfections is None:
        return []
    rows = [(kind, f"{count:,}") for kind, count in result.imperfections.items() if count]
    return [section("Wrong on purpose", labelled(rows or [("none", "")]))]


def _collector(result: RunResult) -> list[RenderableType]:
    if result.collector is None:
        return []
    counts = ", ".join(
        f"{result.collector[key]:,} {key.replace('_', ' ')}"
        for key in _COLLECTOR_COUNTS
        if key in result.collector
    )
    faults = result.collector.get("faults") or ["none"]
    rows = [("arrived", counts), *(("faults", str(fault)) for fault in faults)]
    return [section("Built-in collector", labelled(rows))]


def _closing(result: RunResult) -> list[RenderableType]:
    late, used = result.schedule.lateness_seconds, result.generator
    rows = [
        (
            "lateness",
            f"p50 {figures.seconds(late.p50)}, p99 {figures.seconds(late.p99)},"
            f" max {figures.seconds(late.max)}",
        ),
        *(("exported", _exported(name, signal)) for name, signal in result.signals.items()),
        (
            "generator",
            f"{figures.seconds(used.cpu_seconds)} CPU,"
            f" {figures.size(used.peak_rss_bytes)} memory at most,"
            f" {figures.short(used.spans_per_second)} spans/s",
        ),
        ("endpoint", result.endpoint or "none, file alone"),
        ("run id", result.run_id),
    ]
    notes = [
        ("note", message if times == 1 else f"{message} ({times:,} times)")
        for message, times in result.warnings.items()
    ]
    return [section("Run", labelled(rows + notes))]


def _exported(name: str, signal: SignalResult) -> str:
    calls = "1 call" if signal.requests == 1 else f"{signal.requests:,} calls"
    words = f"{name} {figures.size(signal.bytes)} in {calls}"
    if signal.retries:
        words += f", {signal.retries:,} of them retries"
    if signal.possible_duplicates:
        words += f"; {signal.possible_duplicates:,} {_unit(signal)} perhaps twice"
    return words


def _bad(number: int) -> Text:
    return Text(figures.count(number), style="bold red" if number else "dim")


def _between(first: str, last: str) -> float:
    """Seconds from one timestamp to another."""
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()


def _when(first: str, last: str) -> str:
    """Times of day, of one moment or of a stretch."""
    begin, end = (datetime.fromisoformat(text).strftime("%H:%M:%S") for text in (first, last))
    return begin if begin == end else f"{begin} to {end}"
