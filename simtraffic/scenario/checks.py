"""What the parts of a scenario say about each other and about names that live elsewhere.

Every check takes a :class:`Review`, reads the draft, and notes faults; where the draft is in doubt
it stays silent, for the reason of the doubt is told already.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simtraffic.scenario.model import UNPLACED
from simtraffic.scenario.names import HINTED, hint_for
from simtraffic.scenario.secrets import is_secret
from simtraffic.scenario.tree import Referenced, Scalar, Sequence, described, quoted
from simtraffic.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sized

    from simtraffic.errors import Fault
    from simtraffic.scenario.draft import Draft
    from simtraffic.scenario.known import Known
    from simtraffic.scenario.model import Incident, Scenario
    from simtraffic.scenario.tree import Mapping as Tree
    from simtraffic.scenario.tree import Path

MIN_INTERVAL_NS = 100_000_000
"""A tick of the run is as long; metrics cannot be collected more often."""

MAX_ATTRIBUTE_BYTES = 16_000_000
"""Four times what receivers take by default: enough to be refused, and a record fits in memory."""

MAX_SKEW_NS = 365 * 24 * 3_600_000_000_000
"""Times stay inside what 64 bits hold."""

_RESERVED = ("service.name", "service.instance.id", "simtraffic.")


@dataclass(frozen=True, slots=True)
class Review:
    """A draft under review and the faults found so far."""

    draft: Draft
    tree: Tree
    known: Known
    faults: list[Fault] = field(default_factory=list)

    @property
    def scenario(self) -> Scenario:
        """The scenario, stand-ins included."""
        return self.draft.scenario

    def is_sound(self, *path: str | int) -> bool:
        """Whether the path rests on no stand-in."""
        return self.draft.is_sound(*path)

    def note(self, path: Path, problem: str, found: str = "", hint: str = "") -> None:
        """A fault at a value, told with what stands there unless ``found`` says better."""
        mark, node = self.tree.find(path)
        self.faults.append(mark.fault(path, problem, found or described(node), hint))

    def note_key(self, path: Path, problem: str, hint: str = "") -> None:
        """A fault at a key."""
        found = f"found {quoted(str(path[-1]))}"
        self.faults.append(self.tree.key_mark(path).fault(path, problem, found, hint))

    def hint(self, name: str, known: Collection[str]) -> str:
        """The nearest known name, or some of the known."""
        # Comparing takes long when thousands of names are wrong; then they are only listed.
        return hint_for(name if len(self.faults) < HINTED else "", known)

    def expect_name(self, path: Path, name: str, known: Collection[str], noun: str) -> bool:
        """Whether the name is known; notes a fault with the nearest when not."""
        if name in known:
            return True
        self.note(path, f"unknown {noun}", f"found {quoted(name)}", self.hint(name, known))
        return False

    def is_written(self, path: Path) -> bool:
        """Whether the last key of the path comes from the file and not from a stand-in."""
        entries = getattr(self.tree.find(path[:-1])[1], "entries", {})
        return path[-1] in entries

    def has_sound_names(self, *path: str | int) -> bool:
        """Whether the name of every item of a list is what the file says, or a good default."""
        node = self.tree.find(path)[1]
        count = len(node.items) if isinstance(node, Sequence) else 0
        return path not in self.draft.doubts and all(
            self.is_sound(*path, index) or self.is_sound(*path, index, "name")
            for index in range(count)
        )

    def expect_some(self, path: Path, items: Sized, hint: str = "") -> bool:
        """Whether a list or a mapping has something in it; notes a fault when not."""
        if not items and self.is_sound(*path):
            self.note(path, "must not be empty", hint=hint)
        return bool(items)

    def expect_distinct(self, path: Path, names: Iterable[str], noun: str) -> None:
        """Notes every name that another item of the list has already."""
        first: dict[str, int] = {}
        for index, name in enumerate(names):
            here = (*path, index, "name")
            if not self.is_sound(*here):
                continue
            if name in first:
                other = self.tree.find((*path, first[name]))[0]
                found = f"found {quoted(name)}, first on line {other.line}"
                self.note(here, f"duplicate name of {noun}", found, "rename one")
            first.setdefault(name, index)


def check_service(review: Review) -> None:
    """Attributes of the user's must not contradict what the service section says."""
    for name in review.scenario.service.attributes:
        path = ("service", "attributes", name)
        if not name:
            review.note_key(path, "an attribute needs a name")
        elif name in _RESERVED or name.startswith("simtraffic."):
            review.note_key(path, "attribute is set by simtraffic", "leave it out")
        elif _holds_secret(review, path):
            review.note(
                path,
                "a credential does not belong into a file",
                "found one in plain text",
                "write ${NAME} and set it in the environment",
            )


def _holds_secret(review: Review, path: Path) -> bool:
    """Whether a value that stands in the file itself looks like a credential."""
    node = review.tree.find(path)[1]
    if not isinstance(node, Scalar) or isinstance(node.value, Referenced):
        return False
    return is_secret(str(path[-1]), node.value)


def check_load(review: Review) -> None:
    """Each stage holds a rate or ramps to one, and the run has a duration."""
    stages = review.scenario.load.stages
    if not review.expect_some(("load", "stages"), stages, "add a stage"):
        return
    for index, stage in enumerate(stages):
        path = ("load", "stages", index)
        if not review.is_sound(*path):
            continue
        if stage.target is not None and stage.rate is not None:
            review.note_key((*path, "target"), "target and rate together", "keep one of them")
        if stage.target is None and stage.rate is None:
            hint = "add target for a ramp or rate to hold"
            review.note(path, "neither target nor rate", hint=hint)
    names = [stage.name or f"stage-{i}" for i, stage in enumerate(stages, start=1)]
    review.expect_distinct(("load", "stages"), names, "stage")
    if review.is_sound("load", "stages") and not sum(stage.duration_ns for stage in stages):
        review.note(("load", "stages"), "the run takes no time", hint="give a stage a duration")


def check_telemetry(review: Review) -> None:
    """Conventions exist, lists name each thing once, metrics are not collected too often."""
    telemetry = review.scenario.telemetry
    lists: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("signals", telemetry.signals),
        ("conventions", telemetry.conventions),
    )
    for key, names in lists:
        review.expect_some(("telemetry", key), names, "leave it out for the default")
        _expect_once(review, ("telemetry", key), names)
    for index, name in enumerate(telemetry.conventions):
        path = ("telemetry", "conventions", index)
        if not review.is_sound(*path):
            continue
        if not is_file_name(name):
            review.expect_name(path, name, review.known.conventions, "convention")
        elif not os.path.isfile(_beside(review, path, name)):
            review.note(path, "no such convention file", hint="the path is relative to this file")
    interval = telemetry.metrics.interval_ns
    if review.is_sound("telemetry", "metrics", "interval") and interval < MIN_INTERVAL_NS:
        hint = f"at least {format_duration(MIN_INTERVAL_NS)}"
        review.note(("telemetry", "metrics", "interval"), "interval too short", hint=hint)


def check_imperfections(review: Review) -> None:
    """What is wanted on purpose can be told."""
    wanted = review.scenario.imperfections
    late, large = wanted.late_spans, wanted.oversize_attributes
    path: Path = ("imperfections", "late_spans", "by")
    if late is not None and review.is_sound(*path) and not late.by_ns:
        review.note(path, "no time at all", hint="write it like 90s")
    path = ("imperfections", "oversize_attributes", "bytes")
    fits = large is None or 1 <= large.bytes <= MAX_ATTRIBUTE_BYTES
    if review.is_sound(*path) and not fits:
        review.note(path, "size out of range", hint="write 1B to 16MB")
    path = ("imperfections", "clock_skew")
    if review.is_sound(*path) and wanted.clock_skew_ns > MAX_SKEW_NS:
        review.note(path, "too far off", hint=f"at most {format_duration(MAX_SKEW_NS)}")


def is_file_name(convention: str) -> bool:
    """Whether a convention is given by path instead of by name."""
    return "/" in convention or convention.endswith((".yaml", ".yml"))


def _beside(review: Review, path: Path, name: str) -> str:
    """The file's path, seen from the scenario file that names it, which may be a base."""
    folder = os.path.dirname(review.tree.find(path)[0].file)
    return os.path.abspath(os.path.join(folder, name))


def absolute_conventions(review: Review) -> tuple[str, ...]:
    """The conventions with paths made absolute."""
    return tuple(
        _beside(review, ("telemetry", "conventions", index), name) if is_file_name(name) else name
        for index, name in enumerate(review.scenario.telemetry.conventions)
    )


def _expect_once(review: Review, path: tuple[str, ...], names: tuple[str, ...]) -> None:
    seen: set[str] = set()
    for index, name in enumerate(names):
        here: Path = (*path, index)
        if review.is_sound(*here) and name in seen:
            review.note(here, "listed twice", hint="leave one out")
        if review.is_sound(*here):
            seen.add(name)


def check_incident_times(review: Review) -> None:
    """Every incident starts inside the run, by ``at`` or by ``in`` and ``after``, and lasts."""
    names = [incident.name for incident in review.scenario.incidents]
    review.expect_distinct(("incidents",), names, "incident")
    starts = stage_starts(review.scenario)
    total = sum(stage.duration_ns for stage in review.scenario.load.stages)
    are_stages_named = review.has_sound_names("load", "stages")
    for index, incident in enumerate(review.scenario.incidents):
        path = ("incidents", index)
        if not all(review.is_sound(*path, key) for key in ("at", "in", "after", "duration")):
            continue
        given = set(_keys(review, path))
        if not incident.duration_ns:
            review.note((*path, "duration"), "the incident takes no time", hint="at least 1ms")
        if ("at" in given) == ("in" in given):
            both = "at and in together" if "at" in given else "neither at nor in"
            review.note(path, both, hint="write at: TIME, or in: STAGE with after: TIME")
        elif "after" in given and "in" not in given:
            hint = "write at: alone, or name a stage"
            review.note_key((*path, "after"), "after without in", hint)
        elif incident.in_stage is None:
            _check_at(review, index, total)
        elif are_stages_named:
            _check_in(review, index, starts)


def _check_at(review: Review, index: int, total: int) -> None:
    is_after = 0 < total <= review.scenario.incidents[index].at_ns
    if is_after and review.is_sound("load", "stages"):
        hint = f"the run ends at {format_duration(total)}"
        path = ("incidents", index, "at")
        review.note(path, "the incident starts after the end of the run", hint=hint)


def _check_in(review: Review, index: int, starts: Mapping[str, tuple[int, int]]) -> None:
    incident = review.scenario.incidents[index]
    stage = str(incident.in_stage)
    if not review.expect_name(("incidents", index, "in"), stage, starts, "stage"):
        return
    stage_ns = starts[stage][1]
    if review.is_sound("load", "stages") and incident.after_ns >= max(stage_ns, 1):
        hint = f"the stage takes {format_duration(stage_ns)}"
        review.note(("incidents", index, "after"), "past the end of the stage", hint=hint)


def _keys(review: Review, path: Path) -> Mapping[str, object]:
    node = review.tree.find(path)[1]
    entries: Mapping[str, object] = getattr(node, "entries", {})
    return entries


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
