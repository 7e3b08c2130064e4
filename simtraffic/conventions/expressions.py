"""Expressions of a convention file: literals, columns, text and JSON over them, and ``when``."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, cast

from simtraffic.conventions.columns import CATEGORIES, IN_JSON_ALONE, known
from simtraffic.conventions.model import (
    ALWAYS,
    Attribute,
    Column,
    Expression,
    Json,
    Literal,
    Scalar,
    TextOf,
    When,
)

if TYPE_CHECKING:
    from simtraffic.documents.document import Document
    from simtraffic.documents.tree import Path

_SPEC_KEYS = {"column", "map", "scale", "decimals", "as", "when", "literal", "text", "json"}


def attributes(
    document: Document, node: object, path: Path, table: str, *, categories: bool = False
) -> tuple[Attribute, ...]:
    """Keys and their expressions; for series, over categories alone."""
    if isinstance(node, list | tuple):
        parts = [
            attributes(document, part, (*path, index), table, categories=categories)
            for index, part in enumerate(node)
        ]
        return tuple(attribute for part in parts for attribute in part)
    if not isinstance(node, dict):
        document.fault(path, "neither a mapping nor a list of them", node, "write keys with values")
        return ()
    made = []
    for key, item in node.items():
        at = (*path, str(key))
        value, when = expression(document, item, at, table)
        if categories and not all(name in CATEGORIES for name in value.columns):
            document.fault(at, "an attribute of a metric must be a category, not differ by row")
            continue
        if categories and isinstance(value, Json):
            document.fault(at, "an attribute of a metric is no json", hint="write it as text")
            continue
        made.append(Attribute(str(key), value, when, document.place(at)))
    return tuple(made)


def when_of(document: Document, node: object, path: Path, table: str) -> When:
    """Conditions on categories; none when the key is not there."""
    if node is None:
        return ALWAYS
    if not isinstance(node, dict):
        document.fault(path, "must be a mapping", node, "write columns with values")
        return ALWAYS
    conditions = []
    for column, wanted in node.items():
        if not _is_category(str(column), table):
            hint = document.hint(column, [c for c in CATEGORIES if _is_category(c, table)])
            document.fault((*path, column), "a condition looks at a category", column, hint)
            continue
        values = tuple(wanted) if isinstance(wanted, list | tuple) else (wanted,)
        conditions.append((str(column), values))
    return When(tuple(conditions))


def _is_category(column: str, table: str) -> bool:
    return column in CATEGORIES and table in CATEGORIES[column].tables


def expression(document: Document, node: object, path: Path, table: str) -> tuple[Expression, When]:
    """The value that this node stands for, and when it is there."""
    if isinstance(node, str | bool | int | float):
        return Literal(node), ALWAYS
    if isinstance(node, list | tuple):
        return Literal(tuple(node)), ALWAYS
    spec = document.mapping(node, path, _SPEC_KEYS)
    when = when_of(document, spec.get("when"), (*path, "when"), table)
    sorts = [key for key in ("column", "literal", "text", "json") if key in spec]
    if len(sorts) != 1:
        if spec:
            hint = "write one of column, literal, text and json"
            document.fault(path, "not one expression", sorted(spec), hint)
        return Literal(""), when
    makers = {"column": _column, "literal": _literal, "text": _text, "json": _json}
    return makers[sorts[0]](document, spec, path, table), when


def _literal(document: Document, spec: dict[str, object], path: Path, _table: str) -> Expression:
    value = spec["literal"]
    if isinstance(value, list | tuple):
        return Literal(tuple(value))
    if isinstance(value, str | bool | int | float):
        return Literal(value)
    hint = "write text, a number, true, false or a list"
    document.fault((*path, "literal"), "not a literal", value, hint)
    return Literal("")


def _column(document: Document, spec: dict[str, object], path: Path, table: str) -> Column:
    name = str(spec["column"])
    choices = known(table)
    if name not in choices:
        hint = document.hint(name, choices)
        document.fault((*path, "column"), f"the table {table!r} has no such column", name, hint)
    elif name in IN_JSON_ALONE and "json" not in path:
        document.fault(path, "this column's width is not fixed: it can stand in a json body", name)
    mapping = spec.get("map", {})
    if not isinstance(mapping, dict):
        document.fault((*path, "map"), "must be a mapping", mapping, "write keys with values")
        mapping = {}
    cast_to = ""
    if "as" in spec:
        cast_to = document.choice(spec["as"], (*path, "as"), ("string", "list"), "string")
    decimals = spec.get("decimals", 0)
    if not isinstance(decimals, int) or not 0 <= decimals <= 12:
        document.fault((*path, "decimals"), "must be from 0 to 12", decimals)
        decimals = 0
    return Column(
        name=name,
        mapping=tuple((str(key), cast("Scalar", value)) for key, value in mapping.items()),
        divisor=_divisor(document, spec.get("scale", 1), (*path, "scale")),
        decimals=decimals,
        cast=cast_to,
    )


def is_finite(value: object) -> bool:
    """Whether this is a number that can be reckoned with."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _divisor(document: Document, scale: object, path: Path) -> int:
    if is_finite(scale) and cast("float", scale) > 0:
        divisor = round(1 / cast("float", scale))
        if divisor >= 1 and math.isclose(divisor * cast("float", scale), 1, rel_tol=1e-12):
            return divisor
    document.fault(path, "a scale is one over a whole number, such as 1e-9", scale)
    return 1


def _text(document: Document, spec: dict[str, object], path: Path, table: str) -> Expression:
    pieces = re.split(r"\{([a-z_0-9]*)\}", document.text(spec["text"], (*path, "text")))
    parts: list[str | Column] = []
    for index, piece in enumerate(pieces):
        if index % 2:
            parts.append(_column(document, {"column": piece}, (*path, "text"), table))
        elif piece:
            parts.append(piece)
    return TextOf(tuple(parts))


def _json(document: Document, spec: dict[str, object], path: Path, table: str) -> Expression:
    return Json(_json_node(document, spec["json"], (*path, "json"), table))


def _json_node(document: Document, node: object, path: Path, table: str) -> object:
    if isinstance(node, dict) and not set(node) & {"column", "text", "literal"}:
        return {
            str(key): _json_node(document, value, (*path, str(key)), table)
            for key, value in node.items()
        }
    return expression(document, node, path, table)[0]
