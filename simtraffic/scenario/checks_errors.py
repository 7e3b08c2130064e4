"""No attempt is asked to fail with more than 100 %, whatever comes together."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from simtraffic.scenario.checks_incidents import start_of, timeline
from simtraffic.scenario.checks_reach import Reach, reaches_of
from simtraffic.units import format_share

if TYPE_CHECKING:
    from simtraffic.documents.tree import Path
    from simtraffic.scenario.review import Review

_ROUNDING = 1e-9
_MOST = 1 + _ROUNDING


def check_error_sums(review: Review) -> None:
    """Global shares, those of flows and models, and those of incidents in force together.

    A share that cannot be read counts as nothing: what is over without it stays so. Where one
    level is over by itself, those below it are judged by what they say alone.
    """
    scenario = review.scenario
    common = _in_force(review, ("errors",), {}, scenario.errors)
    base: dict[Reach, float] = {}
    for index, flow in enumerate(scenario.traffic):
        path = ("traffic", index)
        if not review.is_read(*path):
            continue
        own = _in_force(review, (*path, "errors"), common, flow.errors)
        for reach in reaches_of(flow, scenario.retries.fallback):
            share = flow.models.get(reach.model or "")
            if share is None or reach.provider == "unknown":
                base[reach] = sum(own.values())
                continue
            below = (*path, "models", str(reach.model), "errors")
            base[reach] = sum(_in_force(review, below, own, share.errors).values())
    _check_incident_sums(review, base)


def _in_force(
    review: Review, path: Path, above: Mapping[str, float], own: Mapping[str, float]
) -> dict[str, float]:
    """The shares in force at a level, none of them once it is noted that they are too much."""
    if not review.is_read(*path):
        return {}
    shares = {**above, **own, **dict.fromkeys(review.broken_below(*path), 0.0)}
    total = sum(shares.values())
    if total <= _MOST:
        return shares
    if own:
        found = f"found {format_share(total)}"
        review.note(path, "errors add up to more than 100%", found, "lower them")
    return {}


def _check_incident_sums(review: Review, base: Mapping[Reach, float]) -> None:
    """Follows, for each model of each flow, which incidents are in force together.

    Args:
        review: What is reviewed.
        base: The shares in force without incidents, summed.
    """
    incidents = review.scenario.incidents
    line, _ = timeline(review)
    adding = {i: sum(one.errors.values()) for i, one in enumerate(incidents) if any(one.errors)}
    placed = {index: start_of(review, index, line) for index in adding}
    starts = {index: start for index, start in placed.items() if start is not None}
    in_order = sorted(starts, key=lambda index: starts[index])
    instances = {incidents[index].match.instance for index in adding} - {None} or {None}
    worst = dict(adding)
    for reach, before in base.items():
        met = [index for index in in_order if reach.meets(incidents[index].match)]
        for index in adding.keys() - starts.keys():
            if reach.meets(incidents[index].match):
                worst[index] = max(worst[index], before + adding[index])
        for instance in instances:
            here = [index for index in met if incidents[index].match.instance in {None, instance}]
            ends: list[tuple[int, float]] = []  # a heap of those in force, with what they add
            total = before
            for index in here:
                while ends and ends[0][0] <= starts[index]:
                    total -= heappop(ends)[1]
                heappush(ends, (starts[index] + incidents[index].duration_ns, adding[index]))
                total += adding[index]
                worst[index] = max(worst[index], total)
    _note_sums(review, adding, worst)


def _note_sums(review: Review, adding: Mapping[int, float], worst: Mapping[int, float]) -> None:
    for index, total in worst.items():
        if total > _MOST:
            path = ("incidents", index, "errors")
            found = f"found {format_share(total)}"
            if total > adding[index] + _ROUNDING:
                found += " with the other errors in force"
            review.note(path, "errors add up to more than 100%", found, "lower them")
