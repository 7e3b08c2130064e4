"""Checks of the service, the load, the telemetry and what is wrong with it on purpose.

Every check takes a :class:`Review`, reads the draft, and notes faults; where what it would judge by
is in doubt it stays silent, for the reason of the doubt is told already.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from simtraffic.documents.tree import Referenced, Scalar, resolve, survives
from simtraffic.scenario.quantities import MOST_REQUESTS
from simtraffic.scenario.secrets import is_secret
from simtraffic.units import MAX_DURATION_NS, NS_PER_SECOND, format_duration

if TYPE_CHECKING:
    from simtraffic.documents.tree import Path
    from simtraffic.scenario.review import Review

MIN_INTERVAL_NS = 100_000_000
"""A tick of the run is as long; metrics cannot be collected more often."""

MAX_ATTRIBUTE_BYTES = 16_000_000
"""Four times what receivers take by default: enough to be refused, and a record fits in memory."""

MAX_SKEW_NS = 365 * 24 * 3_600_000_000_000
"""Times stay inside what 64 bits hold."""

_RESERVED = ("service.name", "service.instance.id", "simtraffic.")


def check_service(review: Review) -> None:
    """Attributes of the user's must not contradict what the service section says."""
    for name in review.keys(("service", "attributes")):
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
        elif (change := _change(review, path)) is not None:
            hint = f"put it in quotes; without them {change} is sent"
            review.note(path, "a value that would be sent otherwise than written", hint=hint)


def _change(review: Review, path: Path) -> str | None:
    """What would become of an attribute whose written form is lost as a number or truth value."""
    node = review.tree.at(path)
    if not isinstance(node, Scalar) or not review.is_sound(*path):
        return None
    if isinstance(node.value, Referenced):
        text = "" if node.value.quoted else str(node.value)
    else:
        text = "" if isinstance(node.value, str) else node.text
    if survives(text):
        return None
    value = resolve(text)
    return str(value).lower() if isinstance(value, bool) else str(value)


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
    for index in range(len(stages)):
        _check_stage(review, ("load", "stages", index))
    names = [stage.name or f"stage-{i}" for i, stage in enumerate(stages, start=1)]
    review.expect_distinct(("load", "stages"), names, "stage")
    are_sound = all(review.is_sound("load", "stages", i, "duration") for i in range(len(stages)))
    total_ns = sum(stage.duration_ns for stage in stages)
    if are_sound and not total_ns:
        review.note(("load", "stages"), "the run takes no time", hint="give a stage a duration")
    if total_ns > MAX_DURATION_NS:
        found = f"found {format_duration(total_ns)}"
        hint = f"at most {format_duration(MAX_DURATION_NS)} in all"
        review.note(("load", "stages"), "the run is too long", found, hint)
    _check_requests(review)


def _check_requests(review: Review) -> None:
    """What the stages ask for can be simulated; a stage that cannot be read asks for nothing."""
    expected, before = 0.0, review.scenario.load.start
    for stage in review.scenario.load.stages:
        after = stage.target if stage.target is not None else stage.rate or 0.0
        mean = (before + after) / 2 if stage.rate is None else after
        expected += mean * stage.duration_ns / NS_PER_SECOND
        before = after
    if expected > MOST_REQUESTS:
        found = f"found {expected:.3g}"
        hint = f"at most {MOST_REQUESTS:.0e}: lower the rates, or shorten the stages"
        review.note(("load", "stages"), "more requests than can be simulated", found, hint)


def _check_stage(review: Review, path: Path) -> None:
    """Exactly one of target and rate; what they say is another matter."""
    if not review.is_read(*path):
        return
    given = set(review.given(path))
    if {"target", "rate"} <= given:
        review.note_key((*path, "target"), "target and rate together", "keep one of them")
    elif not given & {"target", "rate"} and not review.has_stray_key(path):
        hint = "add target for a ramp or rate to hold"
        review.note(path, "neither target nor rate", hint=hint)


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
    """What is to go wrong on purpose can go wrong like that."""
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
