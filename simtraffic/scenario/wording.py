"""Says in our words, with place and hint, what pydantic found wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from simtraffic.documents.names import HINTED, hint_for, nearest_name
from simtraffic.documents.tree import UNREAD, Mapping, Scalar, described, quoted
from simtraffic.scenario.explained import example_of, explanations, known_keys, place_of

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from simtraffic.documents.tree import Path
    from simtraffic.errors import Fault

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
        place = place_of(path)
        said = explanations().get(place)
        hint = f"add {path[-1]}: {example_of(place)}" if said else f"add {path[-1]}"
        hint = said.hint or hint if said else hint
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
