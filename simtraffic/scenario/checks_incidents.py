"""When incidents happen: inside the run, inside their stage."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from simtraffic.documents.tree import Scalar
from simtraffic.scenario.incidents import UNPLACED
from simtraffic.units import NS_PER_SECOND, UnitError, format_duration, parse_duration

if TYPE_CHECKING:
    from simtraffic.documents.tree import Path
    from simtraffic.scenario.incidents import Incident
    from simtraffic.scenario.model import Scenario
    from simtraffic.scenario.review import Review

Timeline = Mapping[str, tuple[int | None, int | None]]
"""Start and length of the stages by name, in nanoseconds; None where they cannot be made out."""

_GUESSED = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*([a-z]*)")
_UNIT_OF = {
    "": "s",
    **dict.fromkeys(("ms", "msec", "millis", "milliseconds"), "ms"),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
}


def check_incident_times(review: Review) -> None:
    """Every incident starts inside the run, by ``at`` or by ``in`` and ``after``, and lasts."""
    names = [incident.name for incident in review.scenario.incidents]
    review.expect_distinct(("incidents",), names, "incident")
    line, total_ns = timeline(review)
    for index, incident in enumerate(review.scenario.incidents):
        path = ("incidents", index)
        if not review.is_read(*path):
            continue
        if review.is_sound(*path, "duration") and not incident.duration_ns:
            review.note((*path, "duration"), "the incident takes no time", hint="at least 1ns")
        given = set(review.keys(path))
        if {"at", "in"} <= given:
            hint = "write at: TIME, or in: STAGE with after: TIME"
            review.note(path, "at and in together", hint=hint)
        elif not given & {"at", "in"} and not review.has_stray_key(path):
            hint = "write at: TIME, or in: STAGE with after: TIME"
            review.note(path, "neither at nor in", hint=hint)
        elif "after" in given and "in" not in given:
            hint = "write at: alone, or name a stage"
            review.note_key((*path, "after"), "after without in", hint)
        _check_at(review, index, total_ns)
        _check_in(review, index, line)


def _check_at(review: Review, index: int, total_ns: int | None) -> None:
    path = ("incidents", index, "at")
    at_ns = review.scenario.incidents[index].at_ns
    if at_ns == UNPLACED or not review.is_sound(*path) or not total_ns:
        return
    if at_ns >= total_ns:
        hint = f"the run ends at {format_duration(total_ns)}"
        review.note(path, "the incident starts after the end of the run", hint=hint)


def _check_in(review: Review, index: int, line: Timeline) -> None:
    incident = review.scenario.incidents[index]
    path = ("incidents", index)
    if incident.in_stage is None or not review.is_sound(*path, "in"):
        return
    stages = [("load", "stages")]
    if not review.expect_named((*path, "in"), incident.in_stage, line, "stage", stages):
        return
    _, stage_ns = line[incident.in_stage]
    if stage_ns is None or not review.is_sound(*path, "after"):
        return
    if incident.after_ns >= max(stage_ns, 1):
        hint = f"the stage takes {format_duration(stage_ns)}"
        review.note((*path, "after"), "past the end of the stage", hint=hint)


def timeline(review: Review) -> tuple[Timeline, int | None]:
    """Where the stages are on the run's time line, and how long it is, as far as one can know."""
    line: dict[str, tuple[int | None, int | None]] = {}
    now: int | None = 0
    if not review.is_read("load", "stages"):
        return line, None
    for index, stage in enumerate(review.scenario.load.stages):
        length = _length(review, ("load", "stages", index, "duration"), stage.duration_ns)
        if not stage.name or review.is_sound("load", "stages", index, "name"):
            line.setdefault(stage.name or f"stage-{index + 1}", (now, length))
        now = None if now is None or length is None else now + length
    return line, now


def start_of(review: Review, index: int, line: Timeline) -> int | None:
    """When an incident starts, in nanoseconds; None when the file does not let one know."""
    incident = review.scenario.incidents[index]
    path = ("incidents", index)
    if incident.in_stage is None:
        return max(incident.at_ns, 0) if review.is_sound(*path, "at") else None
    if not (review.is_sound(*path, "in") and review.is_sound(*path, "after")):
        return None
    start, _ = line.get(incident.in_stage, (None, None))
    return None if start is None else start + incident.after_ns


def _length(review: Review, path: Path, read_ns: int) -> int | None:
    """The duration of a stage: as read, or as it was probably meant when it is written wrong."""
    if review.is_sound(*path):
        return read_ns
    node = review.tree.at(path)
    return _meant(node.text) if isinstance(node, Scalar) else None


def _meant(text: str) -> int | None:
    """Nanoseconds of ``20``, ``30 sec``, ``2 minutes``; None when it says no such thing.

    Only to judge what else is wrong in a file that is refused in any case.
    """
    parts = _GUESSED.findall(text.lower())
    total = 0
    for number, word in parts:
        try:
            total += parse_duration(f"{number}{_UNIT_OF.get(word)}")
        except UnitError:
            return None
    return min(total, 10**9 * NS_PER_SECOND) if parts else None


def stage_starts(scenario: Scenario) -> dict[str, tuple[int, int]]:
    """Start and duration of each stage by name, in nanoseconds; the first of a name counts."""
    starts: dict[str, tuple[int, int]] = {}
    now = 0
    for number, stage in enumerate(scenario.load.stages, start=1):
        starts.setdefault(stage.name or f"stage-{number}", (now, stage.duration_ns))
        now += stage.duration_ns
    return starts


def placed_at(incident: Incident, starts: Mapping[str, tuple[int, int]]) -> int:
    """When an incident starts, whichever way it was written; 0 for an unknown stage.

    Args:
        incident: As read.
        starts: What :func:`stage_starts` says.
    """
    if incident.at_ns != UNPLACED or incident.in_stage is None:
        return max(incident.at_ns, 0)
    start, _ = starts.get(incident.in_stage, (0, 0))
    return start + incident.after_ns
