"""Every key of the scenario file as tables, from the JSON Schema and the nouns behind it."""

from __future__ import annotations

from typing import Any, NamedTuple

from simtraffic import units
from simtraffic.scenario.explained import example_of, explanations
from simtraffic.scenario.quantities import ERROR_KINDS
from simtraffic.scenario.schema import json_schema

Node = dict[str, Any]

_PATTERNS = {
    units.DURATION_PATTERN: "duration",
    units.RATE_PATTERN: "rate",
    units.SHARE_PATTERN: "share",
    units.COUNT_PATTERN: "count",
    units.SIZE_PATTERN: "size",
    r"/|\.ya?ml$": "path",
}
_MOST_WORDS = 4


class Key(NamedTuple):
    """A key of the scenario file."""

    path: str
    node: Node
    is_required: bool


def every_key() -> list[Key]:
    """Every key that the schema knows, in its order."""
    schema = json_schema()
    parts = schema["$defs"]
    found: list[Key] = []
    required = schema["else"]["required"]
    inner = schema["else"]["properties"]["load"]["required"]
    _walk(schema, "", parts, found, [*required, *(f"load.{key}" for key in inner)])
    return found


def _walk(noun: Node, path: str, parts: Node, found: list[Key], extra: list[str]) -> None:
    for name, node in noun["properties"].items():
        here = f"{path}.{name}" if path else name
        found.append(Key(here, node, name in noun.get("required", []) or here in extra))
        for place, below in _below(node, here, parts):
            _walk(below, place, parts, found, extra)


def _below(node: Node, path: str, parts: Node) -> list[tuple[str, Node]]:
    """The nouns that a value holds, and where."""
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return [] if name == "Reference" else [(path, parts[name])]
    nouns = [place for choice in node.get("anyOf", []) for place in _below(choice, path, parts)]
    if "items" in node:
        nouns += _below(node["items"], f"{path}[]", parts)
    if isinstance(node.get("additionalProperties"), dict):
        nouns += _below(node["additionalProperties"], f"{path}.*", parts)
    return nouns


def markdown() -> str:
    """One table for each level of the file."""
    made: list[str] = []
    level = None
    known = every_key()
    order = {group: at for at, group in enumerate(dict.fromkeys(_group(k.path) for k in known))}
    for key in sorted(known, key=lambda key: order[_group(key.path)]):
        group = _group(key.path)
        if group != level:
            level = group
            title = f"### `{group}`" if group else "### Top level"
            made += ["", title, "", "| key | type | default | example | |"]
            made += ["| --- | --- | --- | --- | --- |"]
        made.append(_row(key))
    return "\n".join(made).strip("\n") + "\n"


def _group(path: str) -> str:
    return path.rpartition(".")[0]


def default_of(key: Key) -> str:
    """The default as YAML; nothing where there is none."""
    return explanations()[key.path].default or str(key.node.get("default", ""))


def _row(key: Key) -> str:
    default = default_of(key)
    said = "required" if key.is_required else f"`{default}`" if default != "" else "–"
    about = explanations()[key.path].meaning or _small(key.node.get("description", ""))
    name = key.path.rpartition(".")[2]
    example = example_of(key.path).replace("|", "\\|")
    return f"| `{name}` | {type_of(key.node)} | {said} | `{example}` | {about.rstrip('.')} |"


def _small(sentence: str) -> str:
    """A sentence as a phrase."""
    return sentence[:1].lower() + sentence[1:]


def type_of(node: Node) -> str:
    """The type of a value in a word or two."""
    if "$ref" in node:
        return "" if node["$ref"].endswith("/Reference") else "mapping"
    if "anyOf" in node:
        words = [type_of(choice) for choice in node["anyOf"]]
        return " or ".join(dict.fromkeys(word for word in words if word))
    if "const" in node:
        return f"`{node['const']}`"
    makers = {
        "array": _list,
        "object": _mapping,
        "integer": _number,
        "number": _number,
    }
    kind = node.get("type")
    if isinstance(kind, list):
        return "text, number or truth value"
    return "true or false" if kind == "boolean" else makers.get(str(kind), _words)(node)


def _words(node: Node) -> str:
    if "enum" not in node:
        return _PATTERNS.get(node.get("pattern", ""), "text")
    names = [str(name) for name in node["enum"]]
    few = len(names) <= _MOST_WORDS
    return ", ".join(f"`{name}`" for name in names) if few else "name from the catalogue"


def _list(node: Node) -> str:
    inner = type_of(node["items"])
    return "list of mappings" if inner == "mapping" else f"list of {inner}"


def _mapping(node: Node) -> str:
    names = node.get("propertyNames", {}).get("enum", [])
    of = "error kind" if list(names) == list(ERROR_KINDS) else "name"
    return f"mapping of {of} to {type_of(node['additionalProperties'])}"


def _number(node: Node) -> str:
    low, high = node.get("minimum"), node.get("maximum")
    if high is not None and high < 10**6:
        return f"{low} to {high}"
    word = "whole number" if node["type"] == "integer" else "number"
    return f"{word} from {low}" if low is not None else word
