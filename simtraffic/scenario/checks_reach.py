"""Checks of what reaches whom: incidents, the errors in force together, thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from simtraffic.scenario.checks import placed_at, stage_starts
from simtraffic.scenario.known import provider_of
from simtraffic.scenario.tree import quoted
from simtraffic.units import format_share

if TYPE_CHECKING:
    from collections.abc import Collection

    from simtraffic.scenario.checks import Review
    from simtraffic.scenario.model import Flow, Match, Scenario
    from simtraffic.scenario.tree import Path

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class _Reach:
    """A flow with a provider that it may call, and a model there; None for any of them."""

    flow: str
    provider: str
    model: str | None

    def meets(self, match: Match) -> bool:
        """Whether the match may concern it; the instance is left aside."""
        return (
            match.flow in {None, self.flow}
            and match.provider in {None, self.provider}
            and (self.model is None or match.model in {None, self.model})
            and (match.model is None or provider_of(match.model) == self.provider)
        )


def reaches(scenario: Scenario) -> list[_Reach]:
    """Everything that the flows may call, fallbacks of fallbacks included."""
    return [
        reach for flow in scenario.traffic for reach in _reaches_of(flow, scenario.retries.fallback)
    ]


def _reaches_of(flow: Flow, fallback: dict[str, str]) -> list[_Reach]:
    found = [_Reach(flow.name, provider_of(model), model) for model in flow.models]
    waiting = [reach.provider for reach in found]
    seen = set(waiting)
    while waiting:
        target = fallback.get(waiting.pop())
        if target is None:
            continue
        found.append(_Reach(flow.name, provider_of(target), target if "/" in target else None))
        if provider_of(target) not in seen:
            seen.add(provider_of(target))
            waiting.append(provider_of(target))
    return found


def check_matches(review: Review) -> None:
    """Every incident changes something for someone."""
    reached = reaches(review.scenario)
    reachable = _reachable(review)
    is_known = review.is_sound("traffic") and review.is_sound("retries")
    for index, incident in enumerate(review.scenario.incidents):
        path = ("incidents", index)
        if not review.is_sound(*path):
            continue
        if incident.slowdown == 1 and not any(incident.errors.values()):
            review.note(path, "the incident changes nothing", hint="add errors or slowdown")
        match = incident.match
        given = match.model_dump(exclude_none=True)
        if not _expect_reached(review, (*path, "match"), given, reachable):
            continue
        if is_known and not any(reach.meets(match) for reach in reached):
            hint = "no flow calls what it names"
            review.note((*path, "match"), "the incident matches nothing", hint=hint)


def _reachable(review: Review) -> dict[str, Collection[str]]:
    """Names that incidents and thresholds may choose by; no flows when those are in doubt."""
    names: dict[str, Collection[str]] = {
        "provider": review.known.providers,
        "model": review.known.models,
    }
    if review.has_sound_names("traffic"):
        names["flow"] = dict.fromkeys(flow.name for flow in review.scenario.traffic)
    return names


def _expect_reached(
    review: Review,
    path: Path,
    given: dict[str, str | int],
    reachable: dict[str, Collection[str]],
) -> bool:
    """Whether each of provider, model, flow and instance exists on its own."""
    is_fine = True
    for key, value in given.items():
        here = (*path, key) if review.is_written((*path, key)) else path
        if key == "instance":
            if not _is_instance(review, value):
                hint = f"instances are 1 to {review.scenario.service.instances}"
                review.note(here, "unknown instance", f"found {quoted(str(value))}", hint)
                is_fine = False
        elif key in reachable:
            is_fine &= review.expect_name(here, str(value), reachable[key], key)
    return is_fine


def _is_instance(review: Review, value: str | int) -> bool:
    if not review.is_sound("service", "instances"):
        return True
    text = str(value)
    is_number = text.isascii() and text.isdigit() and len(text) <= 4 and not text.startswith("0")
    return is_number and int(text) <= review.scenario.service.instances


def check_error_sums(review: Review) -> None:
    """No attempt is asked to fail with more than 100 %, whatever incidents overlap."""
    scenario = review.scenario
    if not review.is_sound("errors"):
        return
    if sum(scenario.errors.values()) > 1 + _ROUNDING:
        _note_sum(review, ("errors",), sum(scenario.errors.values()))
        return
    base: dict[_Reach, float] = {}
    for index, flow in enumerate(scenario.traffic):
        path = ("traffic", index)
        if not review.is_sound(*path):
            continue
        merged = {**scenario.errors, **flow.errors}
        if sum(merged.values()) > 1 + _ROUNDING:
            _note_sum(review, (*path, "errors"), sum(merged.values()))
            continue
        for reach in _reaches_of(flow, scenario.retries.fallback):
            own = flow.models.get(reach.model or "")
            total = sum({**merged, **(own.errors if own else {})}.values())
            if total > 1 + _ROUNDING and own:
                _note_sum(review, (*path, "models", str(reach.model), "errors"), total)
            else:
                base[reach] = total
    _check_incident_sums(review, base)


def _note_sum(review: Review, path: Path, total: float) -> None:
    found = f"found {format_share(total)}"
    review.note(path, "errors add up to more than 100%", found, "lower them")


def _check_incident_sums(review: Review, base: dict[_Reach, float]) -> None:
    """Follows, for each model of each flow, which incidents are in force together.

    Args:
        review: What is reviewed.
        base: The shares in force without incidents, summed.
    """
    incidents = review.scenario.incidents
    if not review.is_sound("load", "stages"):
        return
    stages = stage_starts(review.scenario)
    starts = {
        index: placed_at(incident, stages)
        for index, incident in enumerate(incidents)
        if review.is_sound("incidents", index)
    }
    in_order = sorted(starts, key=lambda index: starts[index])
    instances = {incidents[index].match.instance for index in starts} - {None} or {None}
    worst = dict.fromkeys(starts, 0.0)
    for reach, before in base.items():
        met = [index for index in in_order if reach.meets(incidents[index].match)]
        for instance in instances:
            ends: list[tuple[int, float]] = []  # a heap of those in force, with what they add
            total = before
            for index in met:
                incident = incidents[index]
                if incident.match.instance not in {None, instance}:
                    continue
                while ends and ends[0][0] <= starts[index]:
                    total -= heappop(ends)[1]
                added = sum(incident.errors.values())
                heappush(ends, (starts[index] + incident.duration_ns, added))
                total += added
                worst[index] = max(worst[index], total)
    for index, total in worst.items():
        if total > 1 + _ROUNDING:
            path = ("incidents", index, "errors")
            found = f"found {format_share(total)} with the other errors in force"
            review.note(path, "errors add up to more than 100%", found, "lower them")


def check_thresholds(review: Review) -> None:
    """The stages, incidents and conditions that thresholds name exist."""
    scenario = review.scenario
    stages = set(stage_starts(scenario))
    incidents = {incident.name for incident in scenario.incidents}
    both = stages & incidents
    windows = dict.fromkeys(sorted(stages | incidents))
    reached, reachable = reaches(scenario), _reachable(review)
    lists = (("load", "stages"), ("incidents",))
    are_names_sound = all(review.has_sound_names(*path) for path in lists)
    is_known = review.is_sound("traffic") and review.is_sound("retries")
    for index, threshold in enumerate(scenario.thresholds):
        path = ("thresholds", index)
        if not review.is_sound(*path):
            continue
        if threshold.during is not None and are_names_sound:
            if threshold.during in both:
                problem = f"{threshold.during} is both a stage and an incident"
                review.note(path, problem, hint="rename one of them")
            else:
                review.expect_name(path, threshold.during, windows, "stage or incident")
        where = threshold.where
        if where and _expect_reached(review, path, dict(where), reachable) and is_known:
            _check_selection(review, path, where, reached)


def _check_selection(
    review: Review, path: Path, where: dict[str, str], reached: list[_Reach]
) -> None:
    if not any(_selects(where, reach) for reach in reached):
        review.note(path, "the threshold selects nothing", hint="no flow calls what it names")


def _selects(where: dict[str, str], reach: _Reach) -> bool:
    model = where.get("model")
    return (
        where.get("flow", reach.flow) == reach.flow
        and where.get("provider", reach.provider) == reach.provider
        and (model is None or provider_of(model) == reach.provider)
        and (model is None or reach.model in {None, model})
    )
