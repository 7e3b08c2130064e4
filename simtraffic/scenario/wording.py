"""Says in our words, with place and hint, what pydantic found wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from simtraffic.documents.names import HINTED, hint_for, nearest_name
from simtraffic.documents.tree import UNREAD, Mapping, Scalar, described, quoted
from simtraffic.scenario import imperfections, model
from simtraffic.scenario.explained import EXAMPLES

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from simtraffic.documents.tree import Path
    from simtraffic.errors import Fault
    from simtraffic.scenario.part import Part

PARTS: dict[tuple[str, ...], type[Part]] = {
    (): model.Scenario,
    ("service",): model.Service,
    ("load",): model.Load,
    ("load", "stages", "*"): model.Stage,
    ("traffic", "*"): model.Flow,
    ("traffic", "*", "tokens"): model.TokenSpec,
    ("traffic", "*", "tokens", "input"): model.Quantiles,
    ("traffic", "*", "tokens", "output"): model.Quantiles,
    ("traffic", "*", "conversation"): model.Conversation,
    ("traffic", "*", "conversation", "turns"): model.Turns,
    ("traffic", "*", "models", "*"): model.ModelShare,
    ("retries",): model.Retries,
    ("incidents", "*"): model.Incident,
    ("incidents", "*", "match"): model.Match,
    ("telemetry",): model.Telemetry,
    ("telemetry", "metrics"): model.MetricsSettings,
    ("imperfections",): imperfections.Imperfections,
    ("imperfections", "late_spans"): imperfections.LateSpans,
    ("imperfections", "oversize_attributes"): imperfections.OversizeAttributes,
}
"""Which noun stands at which path; ``*`` is any index or name."""

_NAMED_BELOW = ("models", "errors", "fallback", "capacity", "attributes")
_EXAMPLES = {
    "version": "add version: 1",
    "duration": "add a duration like 30s",
    "load": "add load with at least one stage",
    "stages": "add at least one stage",
    "traffic": "add at least one flow",
    "models": "add models like {openai/gpt-4o-mini: 1}",
    "tokens": "name a profile of the catalogue or give input and output",
    "workflow": "add workflow: chat, completion or embeddings",
}
_PLAIN_WORDS = {
    "model_type": ("must be a mapping", "write keys with values"),
    "dict_type": ("must be a mapping", "write keys with values"),
    "tuple_type": ("must be a list", "write items that start with '-'"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault and the path of the data that it spoils."""

    path: Path
    fault: Fault
    is_missing: bool = False
    near: str | None = None
    """The known key that an unknown one probably means."""


def findings(error: ValidationError, tree: Mapping) -> list[Finding]:
    """Every error of the validation, worded.

    A key that is missing because it was misspelt is told once, as the unknown key that it is.
    What rests on a value that could not be read at all is told already.
    """
    found: list[Finding] = []
    meant: set[Path] = set()
    for number, detail in enumerate(error.errors(include_url=False)):
        for finding in _findings(detail, tree, is_terse=number >= HINTED):
            found.append(finding)
            if finding.near is not None:
                meant.add((*finding.path[:-1], finding.near))
    return [one for one in found if not (one.is_missing and one.path in meant)]


def known_keys(path: Path) -> list[str]:
    """The keys that the noun at this path accepts."""
    part = PARTS.get(pattern(path))
    if part is None:
        return []
    names = [field.alias or name for name, field in part.model_fields.items()]
    return ["extends", *names] if part is model.Scenario else names


def pattern(path: Path) -> tuple[str, ...]:
    """The path with ``*`` in place of indices and of names that the user chose."""
    steps: list[str] = []
    for step in path:
        chosen = isinstance(step, int) or (bool(steps) and steps[-1] in _NAMED_BELOW)
        steps.append("*" if chosen else str(step))
    return tuple(steps)


def place_of(path: Path) -> str:
    """The path as the explanations of keys have it: ``traffic[].models.*.weight``."""
    place = ""
    for step in pattern(path):
        under_names = place.rpartition(".")[2] in _NAMED_BELOW
        place += "[]" if step == "*" and not under_names else f".{step}"
    return place.lstrip(".")


def path_of(location: tuple[str | int, ...]) -> Path:
    """A pydantic location without the marks that it adds for unions and keys."""
    steps: list[str | int] = []
    for index, step in enumerate(location):
        is_union = index > 0 and location[index - 1] == "tokens" and step in _TAGS
        is_key = step == "[key]" and index == len(location) - 1
        if not is_union and not is_key:
            steps.append(step)
    return tuple(steps)


_TAGS = ("<profile>", "<spec>")


def _findings(detail: ErrorDetails, tree: Mapping, *, is_terse: bool) -> list[Finding]:
    node = tree.at(path_of(detail["loc"]))
    if isinstance(node, Scalar) and node.value is UNREAD and detail["loc"][-1] != "[key]":
        return []
    first = _finding(detail, tree, is_terse=is_terse)
    context = detail.get("ctx", {})
    others = [
        _finding({**detail, "ctx": {"problem": problem, "hint": hint, "offset": offset}}, tree)
        for problem, hint, offset in context.get("more", ())
    ]
    return [first, *others]


def _finding(detail: ErrorDetails, tree: Mapping, *, is_terse: bool = False) -> Finding:
    path = path_of(detail["loc"])
    kind = detail["type"]
    mark, node = tree.find(path)
    if kind == "missing":
        name = str(path[-1])
        example = EXAMPLES.get(place_of(path))
        hint = _EXAMPLES.get(name) or (f"add {name}: {example}" if example else f"add {name}")
        fault = mark.fault(path, "a required key is missing", described(node), hint)
        return Finding(path, fault, is_missing=True)
    if kind == "extra_forbidden":
        known = known_keys(path[:-1])
        near = None if is_terse else nearest_name(str(path[-1]), known)
        hint = f"did you mean {near}?" if near else hint_for("", known)
        fault = tree.key_mark(path).fault(
            path, "unknown key", f"found {quoted(str(path[-1]))}", hint
        )
        return Finding(path, fault, near=near)
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", str(detail.get("ctx", {}).get("expected", "")))
        text = node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""
        fault = mark.fault(path, "unknown value", described(node), hint_for(text, known))
        return Finding(path, fault)
    if kind == "simtraffic":
        context = detail["ctx"]
        if detail["loc"][-1] == "[key]":
            found = f"found {quoted(str(path[-1]))}"
            fault = tree.key_mark(path).fault(path, context["problem"], found, context["hint"])
            return Finding(path, fault)
        if isinstance(node, Scalar) and node.offset is not None:
            mark = replace(mark, column=mark.column + node.offset + context["offset"])
        fault = mark.fault(path, context["problem"], described(node), context["hint"])
        return Finding(path, fault)
    problem, hint = _PLAIN_WORDS.get(kind, (detail["msg"].lower(), ""))
    return Finding(path, mark.fault(path, problem, described(node), hint))
