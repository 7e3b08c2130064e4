"""Checks of what reaches whom: incidents and thresholds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simtraffic.documents.tree import Scalar, quoted
from simtraffic.scenario.known import provider_of
from simtraffic.scenario.thresholds import clauses_of

if TYPE_CHECKING:
    from simtraffic.documents.tree import Path
    from simtraffic.scenario.flows import Flow
    from simtraffic.scenario.incidents import Match
    from simtraffic.scenario.model import Scenario
    from simtraffic.scenario.review import Review


@dataclass(frozen=True, slots=True)
class Reach:
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


def reaches(scenario: Scenario) -> list[Reach]:
    """Everything that the flows may call, fallbacks of fallbacks included."""
    return [
        reach for flow in scenario.traffic for reach in reaches_of(flow, scenario.retries.fallback)
    ]


def reaches_of(flow: Flow, fallback: dict[str, str]) -> list[Reach]:
    """What one flow may call.

    Args:
        flow: The flow.
        fallback: Provider to the provider or model that stands in for it.
    """
    found = [Reach(flow.name, provider_of(model), model) for model in flow.models]
    waiting = [reach.provider for reach in found]
    seen = set(waiting)
    while waiting:
        target = fallback.get(waiting.pop())
        if target is None:
            continue
        found.append(Reach(flow.name, provider_of(target), target if "/" in target else None))
        if provider_of(target) not in seen:
            seen.add(provider_of(target))
            waiting.append(provider_of(target))
    return found


def check_matches(review: Review) -> None:
    """Every incident changes something for someone."""
    reached = reaches(review.scenario)
    reachable = _reachable(review)
    for index, incident in enumerate(review.scenario.incidents):
        path = ("incidents", index)
        if not review.is_read(*path):
            continue
        has_effect = incident.slowdown != 1 or any(incident.errors.values())
        are_sound = all(review.is_sound(*path, key) for key in ("slowdown", "errors"))
        if are_sound and not has_effect and not review.has_stray_key(path):
            review.note(path, "the incident changes nothing", hint="add errors or slowdown")
        match = incident.match
        given = match.model_dump(exclude_none=True)
        if not _expect_reached(review, (*path, "match"), given, reachable):
            continue
        # What is left out because it cannot be read would only narrow the match further.
        if _are_reaches_known(review, match.flow) and not any(one.meets(match) for one in reached):
            hint = "no flow calls what it names"
            review.note((*path, "match"), "the incident matches nothing", hint=hint)


def _are_reaches_known(review: Review, flow: str | None) -> bool:
    """Whether the file says of all flows, or of the one of this name, what they may call."""
    if not (review.is_read("traffic") and review.is_read("retries")):
        return False
    for index, one in enumerate(review.scenario.traffic):
        is_named = review.is_sound("traffic", index, "name")
        if flow is not None and is_named and one.name != flow:
            continue
        if not (is_named or flow is None) or not review.is_read("traffic", index, "models"):
            return False
    return review.is_sound("retries", "fallback")


def _reachable(review: Review) -> dict[str, Collection[str]]:
    """Names that incidents and thresholds may choose by."""
    flows = (
        flow.name
        for index, flow in enumerate(review.scenario.traffic)
        if review.is_sound("traffic", index, "name")
    )
    return {
        "provider": review.known.providers,
        "model": review.known.models,
        "flow": dict.fromkeys(flows),
    }


def _expect_reached(
    review: Review,
    path: Path,
    given: dict[str, str | int],
    reachable: dict[str, Collection[str]],
) -> bool:
    """Whether each of provider, model, flow and instance exists on its own."""
    is_fine = True
    for key, value in given.items():
        here = (*path, key) if review.tree.at((*path, key)) is not None else path
        if key == "instance":
            if not _is_instance(review, value):
                hint = f"instances are 1 to {review.scenario.service.instances}"
                review.note(here, "unknown instance", f"found {quoted(str(value))}", hint)
                is_fine = False
            continue
        lists = [("traffic",)] if key == "flow" else []
        is_fine &= review.expect_named(here, str(value), reachable[key], key, lists)
    return is_fine


def _is_instance(review: Review, value: str | int) -> bool:
    if not review.is_sound("service", "instances"):
        return True
    text = str(value)
    is_number = text.isascii() and text.isdigit() and len(text) <= 4 and not text.startswith("0")
    return is_number and int(text) <= review.scenario.service.instances


def check_thresholds(review: Review) -> None:
    """The stages, incidents and conditions that thresholds name exist."""
    stages, incidents = _named(review)
    reached, reachable = reaches(review.scenario), _reachable(review)
    for index, threshold in enumerate(review.scenario.thresholds):
        path = ("thresholds", index)
        during, where = threshold.during, threshold.where
        if not review.is_sound(*path):
            node = review.tree.at(path)
            if not (isinstance(node, Scalar) and isinstance(node.value, str)):
                continue
            # The rest of a threshold of which something is wrong.
            during, where = clauses_of(node.value)
        if during is not None:
            _expect_window(review, path, during, stages, incidents)
        if where and _expect_reached(review, path, dict(where), reachable):
            _check_selection(review, path, where, reached)


def _named(review: Review) -> tuple[set[str], set[str]]:
    """The stages and the incidents that a threshold may be judged during."""
    stages = {
        stage.name or f"stage-{index + 1}"
        for index, stage in enumerate(review.scenario.load.stages)
        if review.is_sound("load", "stages", index, "name")
    }
    incidents = {
        incident.name
        for index, incident in enumerate(review.scenario.incidents)
        if review.is_sound("incidents", index, "name")
    }
    return stages, incidents


def _expect_window(
    review: Review, path: Path, name: str, stages: set[str], incidents: set[str]
) -> None:
    """Note a name that is of neither, or of both."""
    if name in stages and name in incidents:
        problem = f"{name} is both a stage and an incident"
        review.note(path, problem, hint="rename one of them")
        return
    lists: list[Path] = [("load", "stages"), ("incidents",)]
    known = sorted(stages | incidents)
    review.expect_named(path, name, known, "stage or incident", lists)


def _check_selection(
    review: Review, path: Path, where: dict[str, str], reached: list[Reach]
) -> None:
    is_known = _are_reaches_known(review, where.get("flow"))
    if is_known and not any(_selects(where, reach) for reach in reached):
        review.note(path, "the threshold selects nothing", hint="no flow calls what it names")


def _selects(where: dict[str, str], reach: Reach) -> bool:
    model = where.get("model")
    return (
        where.get("flow", reach.flow) == reach.flow
        and where.get("provider", reach.provider) == reach.provider
        and (model is None or provider_of(model) == reach.provider)
        and (model is None or reach.model in {None, model})
    )
