"""The result of a run as a drawing for the terminal: the verdict first, and last once more.

Returns rich renderables, which the command line prints; `tables.to_text` makes plain text of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from simtraffic import figures
from simtraffic.report.lines import Drawn, laid_out
from simtraffic.report.losses import collector, losses
from simtraffic.report.tables import MOST_ROWS, Sum, Table, labelled, more, section
from simtraffic.report.traffic import cost, tokens, traffic

if TYPE_CHECKING:
    from rich.console import RenderableType

    from simtraffic.ledger import SignalCounts
    from simtraffic.result.result import RunResult
    from simtraffic.result.rows import Percentiles

_VERDICT_STYLES = {"passed": "bold green", "failed": "bold red", "interrupted": "bold yellow"}


def summary(result: RunResult, width: int = 100) -> RenderableType:
    """The whole report on a run, for a terminal of this many columns."""
    return laid_out(
        [
            *_verdict(result),
            _ledger(result),
            *_stages(result),
            *traffic(result.traffic),
            *_incidents(result),
            *_thresholds(result),
            *losses(result),
            *_imperfections(result),
            *collector(result),
            _exported(result),
            _closing(result),
            Text(),
            _last_line(result),
        ],
        max(1, width),
    )


def _verdict(result: RunResult) -> list[Text]:
    """The verdict with its reasons."""
    head = _named_verdict(result)
    details = [_length(result), f"seed {result.seed}"]
    if result.shard != "1/1":
        details.append(f"shard {result.shard}")
    if result.speed not in ("real", "max"):
        details.append(f"speed {result.speed}")
    if result.exit_code:
        details.append(f"exit code {result.exit_code}")
    head.append(f"  {', '.join(details)}", style="dim")
    return [head, *(Text(f"  {reason}") for reason in result.reasons)]


def _named_verdict(result: RunResult) -> Text:
    head = Text(result.verdict.upper(), style=_VERDICT_STYLES[result.verdict])
    # The style of the verdict is for the word alone.
    return Text().append_text(head).append(f" {result.scenario}", style="bold")


def _length(result: RunResult) -> str:
    """How long it was; what was simulated is told apart from what it took."""
    simulated = figures.stretch((result.end_ns - result.start_ns) / 1e9)
    if result.speed == "real":
        return simulated
    return f"{simulated} simulated in {figures.seconds(result.generator.wall_seconds)}"


def _last_line(result: RunResult) -> Text:
    """The verdict once more, as the first one has left the screen by now."""
    reasons, line = result.reasons, _named_verdict(result)
    if not reasons:
        return line.append(f": {_achieved(result)}")
    line.append(f": {reasons[0]}")
    if reasons[1:]:
        others = "another reason" if len(reasons) == 2 else f"{len(reasons) - 1} other reasons"
        line.append(f"; and {others}, named at the top")
    return line


def _achieved(result: RunResult) -> str:
    met = len(result.thresholds)
    words = [f"{figures.count(result.schedule.generated)} requests, everything delivered"]
    words += [f"{met} threshold{'s' if met > 1 else ''} met"] if met else []
    return ", ".join(words)


def _ledger(result: RunResult) -> Drawn:
    """The balance of requests and of each signal."""
    schedule = result.schedule
    requests = Sum(
        "requests",
        (
            ("planned", figures.count(schedule.planned)),
            ("= generated", figures.count(schedule.generated)),
            ("+ skipped", figures.count(schedule.skipped)),
        ),
    )
    heads = ("", "generated", "= accepted", "+ rejected", "+ failed", "+ dropped")
    drawn = Table(heads, beside=True)
    for name, signal in result.signals.items():
        drawn.add_row(
            Text(name).append(f" {_unit(signal)}", style="dim"),
            figures.count(signal.generated),
            Text(figures.count(signal.accepted), style="green" if signal.accepted else "dim"),
            *(_bad(number) for number in (signal.rejected, signal.failed, signal.dropped)),
            brief=name,
        )
    return section("Ledger", requests, drawn)


def _unit(signal: SignalCounts) -> str:
    return signal.unit.replace("_", " ")


def _stages(result: RunResult) -> list[Drawn]:
    stages = result.stages[:MOST_ROWS]
    if not stages:
        return []
    heads = ("stage", "requests", "achieved", "asked", "failed")
    shares = ("p50", "p95", "p99")
    further = (*(f"ttft {name}" for name in shares), *(f"took {name}" for name in shares))
    # Without room the last of these goes below first.
    drawn = Table((*heads, *further), further=(8, 5, 9, 6, 3, 7, 10))
    columns = [
        [stage.name for stage in stages],
        [figures.count(stage.generated) for stage in stages],
        figures.rates([stage.achieved_rate for stage in stages]),
        figures.rates([stage.asked_rate for stage in stages]),
        figures.shares([stage.error_share for stage in stages]),
        *_percentiles([stage.time_to_first_token_seconds for stage in stages]),
        *_percentiles([stage.duration_seconds for stage in stages]),
    ]
    for row in zip(*columns, strict=True):
        drawn.add_row(*row)
    words = (
        "requests a second, achieved and asked; ttft: time to first token, of streamed operations;"
        " took: all operations"
    )
    return [section("Stages", drawn, *more(result.stages, "stages"), Text(words, style="dim"))]


def _percentiles(values: list[Percentiles]) -> list[list[str]]:
    """A column of durations for each of the three shares."""
    return [
        figures.durations([getattr(value, name) for value in values])
        for name in ("p50", "p95", "p99")
    ]


def _incidents(result: RunResult) -> list[Drawn]:
    incidents = result.incidents[:MOST_ROWS]
    if not incidents:
        return []
    drawn = Table(("incident", "at", "for", "requests", "failed", "share"))
    shares = figures.shares([one.errors / one.requests if one.requests else 0 for one in incidents])
    for incident, share in zip(incidents, shares, strict=True):
        drawn.add_row(
            incident.name,
            figures.stretch(incident.window.start_ns / 1e9),
            figures.stretch(incident.window.seconds),
            figures.count(incident.requests),
            figures.count(incident.errors),
            share,
        )
    return [section("Incidents", drawn, *more(result.incidents, "incidents"))]


def _thresholds(result: RunResult) -> list[Drawn]:
    if not result.thresholds:
        return []
    drawn = Table(("", "found", "threshold"), words=(0, 2), long=2)
    # Those that failed come first, otherwise the order of the scenario.
    for threshold in sorted(result.thresholds, key=lambda one: one.passed):
        mark = Text("met", style="green") if threshold.passed else Text("NOT MET", style="bold red")
        found = figures.measured(threshold.value, threshold.measure)
        note = Text(threshold.note, style="dim")
        drawn.add_row(mark, found, threshold.expression, notes=[note])
    return [section("Thresholds", drawn)]


def _imperfections(result: RunResult) -> list[Drawn]:
    if result.imperfections is None:
        return []
    rows = [
        (kind.replace("_", " "), figures.count(number))
        for kind, number in result.imperfections.items()
        if number
    ]
    return [section("Wrong on purpose", labelled(rows or [("none", "")]))]


def _exported(result: RunResult) -> Drawn:
    """Calls and bytes by signal."""
    signals = list(result.signals.values())
    retried = any(signal.possible_duplicates for signal in signals)
    heads = ("signal", "bytes", "calls", "retries", *(["perhaps twice"] if retried else []))
    drawn = Table(heads, beside=True)
    sizes = figures.sizes([signal.bytes for signal in signals])
    for (name, signal), size in zip(result.signals.items(), sizes, strict=True):
        counts = [signal.requests, signal.retries]
        counts += [signal.possible_duplicates] if retried else []
        drawn.add_row(name, size, *map(figures.count, counts))
    return section("Exported", drawn)


def _closing(result: RunResult) -> Drawn:
    late, used = result.schedule.lateness_seconds, result.generator
    p50, p99, largest = (text.strip() for text in figures.durations([late.p50, late.p99, late.max]))
    rows = [
        ("tokens", tokens(result.traffic)),
        ("cost", cost(result.traffic)),
        ("lateness", f"p50 {p50}, p99 {p99}, max {largest}"),
        (
            "generator",
            f"{figures.seconds(used.cpu_seconds)} CPU,"
            f" {figures.size(used.peak_rss_bytes)} memory at most,"
            f" {figures.short(used.spans_per_second)} spans a second of real time on average",
        ),
        ("endpoint", result.endpoint or "none, file alone"),
        ("run id", result.run_id),
    ]
    notes = [
        ("note", message if times == 1 else f"{message} ({times:,} times)")
        for message, times in result.warnings.items()
    ]
    return section("Run", labelled(rows + notes))


def _bad(number: int) -> Text:
    return Text(figures.count(number), style="bold red" if number else "dim")
