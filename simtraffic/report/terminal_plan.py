"""A plan as a drawing for the terminal: the rate over time, then what it comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from simtraffic import figures
from simtraffic.report.lines import Drawn, laid_out
from simtraffic.report.picture import drawn_rate
from simtraffic.report.tables import MOST_ROWS, Table, labelled, more, section
from simtraffic.report.traffic import cost, tokens, traffic

if TYPE_CHECKING:
    from rich.console import RenderableType

    from simtraffic.result.plan import PlanResult

_WIDEST = 120


def plan_view(plan: PlanResult, width: int = 100) -> RenderableType:
    """The whole picture, for a terminal of this many columns."""
    head = Text(plan.scenario, style="bold")
    about = "" if plan.schedule.exact else "about "
    head.append(
        f"  {figures.stretch(plan.duration_seconds)}, {about}{figures.count(plan.schedule.planned)}"
        f" requests, seed {plan.seed}" + (f", shard {plan.shard}" if plan.shard != "1/1" else ""),
        style="dim",
    )
    width = max(1, width)
    return laid_out(
        [
            head,
            *drawn_rate(plan, min(width, _WIDEST)),
            _stages(plan),
            *_incidents(plan),
            _signals(plan),
            *traffic(plan.traffic),
            _needs(plan),
        ],
        width,
    )


def _stages(plan: PlanResult) -> Drawn:
    drawn = Table(("stage", "from", "for", "target", "asked", "requests"), further=(1, 4))
    stages = plan.stages[:MOST_ROWS]
    targets = figures.rates([stage.target_rate for stage in stages])
    means = figures.rates([stage.asked_rate for stage in stages])
    for stage, target, mean in zip(stages, targets, means, strict=True):
        drawn.add_row(
            stage.name,
            figures.stretch(stage.window.start_ns / 1e9),
            figures.stretch(stage.window.seconds),
            target,
            mean,
            figures.count(stage.planned),
        )
    words = "requests a second: target is held or comes at the end of a ramp, asked is the mean"
    return section("Stages", drawn, *more(plan.stages, "stages"), Text(words, style="dim"))


def _incidents(plan: PlanResult) -> list[Drawn]:
    if not plan.incidents:
        return []
    drawn = Table(("incident", "from", "for"))
    for incident in plan.incidents[:MOST_ROWS]:
        drawn.add_row(
            incident.name,
            figures.stretch(incident.window.start_ns / 1e9),
            figures.stretch(incident.window.seconds),
        )
    return [section("Incidents", drawn, *more(plan.incidents, "incidents"))]


def _signals(plan: PlanResult) -> Drawn:
    drawn = Table(("", "generated", "series", "bytes", "bytes/s"), beside=True)
    signals = list(plan.signals.items())
    length = plan.duration_seconds
    sizes = figures.sizes([signal.bytes for _, signal in signals])
    paces = figures.sizes([signal.bytes / length if length else 0 for _, signal in signals], "/s")
    for (name, signal), size, pace in zip(signals, sizes, paces, strict=True):
        drawn.add_row(
            Text(name).append(f" {signal.unit.replace('_', ' ')}", style="dim"),
            figures.count(signal.generated),
            figures.count(signal.series) if signal.series else figures.NOTHING,
            size,
            pace,
            brief=name,
        )
    return section("Telemetry", drawn)


def _needs(plan: PlanResult) -> Drawn:
    needs = plan.generator
    rows = [
        ("tokens", tokens(plan.traffic)),
        ("cost", cost(plan.traffic)),
        (
            "generator",
            f"{figures.seconds(needs.cpu_seconds)} CPU,"
            f" {figures.size(needs.peak_rss_bytes)} memory,"
            f" {figures.short(needs.spans_per_second)} spans a second at the peak",
        ),
        *(("note", note) for note in plan.notes),
    ]
    return section("Comes to", labelled(rows))
