"""Says in our words, with place and hint, what pydantic found wrong."""

from __future__ import annotations

import re
from dataclasses import replace
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


def worded(error: ValidationError, tree: Mapping, *, is_whole: bool) -> list[Fault]:
    """Every error of the validation as a fault.

    A key that is missing because it was misspelt is told once, as the unknown key that it is.
    What rests on a value that could not be read at all is told already.

    Args:
        error: What pydantic says.
        tree: Where the data stands.
        is_whole: Whether all of the file was read; a key that is missing otherwise may be there.
    """
    told: list[Fault] = []
    missing: dict[Path, Fault] = {}
    meant: set[Path] = set()
    for number, detail in enumerate(error.errors(include_url=False)):
        path = path_of(detail["loc"])
        if detail["type"] == "missing":
            missing[path] = _missing(path, tree)
        elif detail["type"] == "extra_forbidden":
            known = known_keys(path[:-1])
            near = nearest_name(str(path[-1]), known) if number < HINTED else None
            told.append(_unknown(path, tree, near, known))
            meant.add((*path[:-1], near or ""))
        else:
            told += _wrong(detail, path, tree)
    if is_whole:
        told += [fault for path, fault in missing.items() if path not in meant]
    return told


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


def _missing(path: Path, tree: Mapping) -> Fault:
    mark, node = tree.find(path)
    place = place_of(path)
    said = explanations().get(place)
    hint = f"add {path[-1]}: {example_of(place)}" if said else f"add {path[-1]}"
    hint = (said.hint if said else "") or hint
    return mark.fault(path, "a required key is missing", described(node), hint)


def _unknown(path: Path, tree: Mapping, near: str | None, known: list[str]) -> Fault:
    hint = f"did you mean {near}?" if near else hint_for("", known)
    found = f"found {quoted(str(path[-1]))}"
    return tree.key_mark(path).fault(path, "unknown key", found, hint)


def _wrong(detail: ErrorDetails, path: Path, tree: Mapping) -> list[Fault]:
    """A value, or a name that the user chose, which is not what it should be."""
    node = tree.at(path)
    is_key = detail["loc"][-1] == "[key]"
    if isinstance(node, Scalar) and node.value is UNREAD and not is_key:
        return []
    mark, node = tree.find(path)
    context = detail.get("ctx", {})
    if detail["type"] == "literal_error":
        known = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        text = node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""
        return [mark.fault(path, "unknown value", described(node), hint_for(text, known))]
    if detail["type"] != "simtraffic":
        problem, hint = _PLAIN_WORDS.get(detail["type"], (detail["msg"].lower(), ""))
        return [mark.fault(path, problem, described(node), hint)]
    if is_key:
        found = f"found {quoted(str(path[-1]))}"
        return [tree.key_mark(path).fault(path, context["problem"], found, context["hint"])]
    wrong = [(context["problem"], context["hint"], context["offset"]), *context["more"]]
    start = node.offset if isinstance(node, Scalar) else None
    return [
        (mark if start is None else replace(mark, column=mark.column + start + offset)).fault(
            path, problem, described(node), hint
        )
        for problem, hint, offset in wrong
    ]
