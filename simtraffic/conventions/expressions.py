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
from simtraffic.documents.walk import nearest

if TYPE_CHECKING:
    from simtraffic.documents.walk import Path, Reader

_SPEC_KEYS = {"column", "map", "scale", "decimals", "as", "when", "literal", "text", "json"}


def attributes(
    reader: Reader, node: object, path: Path, table: str, *, categories: bool = False
) -> tuple[Attribute, ...]:
    """Keys and their expressions; for series, over categories alone."""
    if isinstance(node, list | tuple):
        parts = [
            attributes(reader, part, (*path, index), table, categories=categories)
            for index, part in enumerate(node)
        ]
        return tuple(attribute for part in parts for attribute in part)
    if not isinstance(node, dict):
        reader.fault(path, "a mapping is wanted, or a list of them", node)
        return ()
    made = []
    for key, item in node.items():
        at = (*path, str(key))
        value, when = expression(reader, item, at, table)
        if categories and not all(name in CATEGORIES for name in value.columns):
            reader.fault(at, "an attribute of a metric must be a category, not differ by row")
            continue
        if categories and isinstance(value, Json):
            reader.fault(at, "an attribute of a metric is no json", hint="write it as text")
            continue
        made.append(Attribute(str(key), value, when, reader.place(at)))
    return tuple(made)


def when_of(reader: Reader, node: object, path: Path, table: str) -> When:
    """Conditions on categories; none when the key is not there."""
    if node is None:
        return ALWAYS
    if not isinstance(node, dict):
        reader.fault(path, "a mapping of columns to values is wanted", node)
        return ALWAYS
    conditions = []
    for column, wanted in node.items():
        if not _is_category(str(column), table):
            reader.fault(
                (*path, str(column)),
                "a condition looks at a category",
                column,
                nearest(str(column), [c for c in CATEGORIES if table in CATEGORIES[c].tables]),
            )
            continue
        values = tuple(wanted) if isinstance(wanted, list | tuple) else (wanted,)
        conditions.append((str(column), values))
    return When(tuple(conditions))


def _is_category(column: str, table: str) -> bool:
    return column in CATEGORIES and table in CATEGORIES[column].tables


def expression(reader: Reader, node: object, path: Path, table: str) -> tuple[Expression, When]:
    """The value that this node stands for, and when it is there."""
    if isinstance(node, str | bool | int | float):
        return Literal(node), ALWAYS
    if isinstance(node, list | tuple):
        return Literal(tuple(node)), ALWAYS
    spec = reader.mapping(node, path, _SPEC_KEYS)
    when = when_of(reader, spec.get("when"), (*path, "when"), table)
    sorts = [key for key in ("column", "literal", "text", "json") if key in spec]
    if len(sorts) != 1:
        if spec:
            reader.fault(path, "one of column, literal, text and json is wanted", sorted(spec))
        return Literal(""), when
    makers = {"column": _column, "literal": _literal, "text": _text, "json": _json}
    return makers[sorts[0]](reader, spec, path, table), when


def _literal(reader: Reader, spec: dict[str, object], path: Path, _table: str) -> Expression:
    value = spec["literal"]
    if isinstance(value, list | tuple):
        return Literal(tuple(value))
    if isinstance(value, str | bool | int | float):
        return Literal(value)
    reader.fault((*path, "literal"), "a text, number, truth value or list is wanted", value)
    return Literal("")


def _column(reader: Reader, spec: dict[str, object], path: Path, table: str) -> Column:
    name = str(spec["column"])
    choices = known(table)
    if name not in choices:
        hint = nearest(name, choices)
        reader.fault((*path, "column"), f"the table {table!r} has no such column", name, hint)
    elif name in IN_JSON_ALONE and "json" not in path:
        reader.fault(path, "this column's width is not fixed: it can stand in a json body", name)
    mapping = spec.get("map", {})
    if not isinstance(mapping, dict):
        reader.fault((*path, "map"), "a mapping is wanted", mapping)
        mapping = {}
    cast_to = ""
    if "as" in spec:
        cast_to = reader.choice(spec["as"], (*path, "as"), ("string", "list"), "string")
    decimals = spec.get("decimals", 0)
    if not isinstance(decimals, int) or not 0 <= decimals <= 12:
        reader.fault((*path, "decimals"), "a number from 0 to 12 is wanted", decimals)
        decimals = 0
    return Column(
        name=name,
        mapping=tuple((str(key), cast("Scalar", value)) for key, value in mapping.items()),
        divisor=_divisor(reader, spec.get("scale", 1), (*path, "scale")),
        decimals=decimals,
        cast=cast_to,
    )


def is_finite(value: object) -> bool:
    """Whether this is a number that can be reckoned with."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _divisor(reader: Reader, scale: object, path: Path) -> int:
    if is_finite(scale) and cast("float", scale) > 0:
        divisor = round(1 / cast("float", scale))
        if divisor >= 1 and math.isclose(divisor * cast("float", scale), 1, rel_tol=1e-12):
            return divisor
    reader.fault(path, "a scale is one over a whole number, such as 1e-9", scale)
    return 1


def _text(reader: Reader, spec: dict[str, object], path: Path, table: str) -> Expression:
    pieces = re.split(r"\{([a-z_0-9]*)\}", reader.text(spec["text"], (*path, "text")))
    parts: list[str | Column] = []
    for index, piece in enumerate(pieces):
        if index % 2:
            parts.append(_column(reader, {"column": piece}, (*path, "text"), table))
        elif piece:
            parts.append(piece)
    return TextOf(tuple(parts))


def _json(reader: Reader, spec: dict[str, object], path: Path, table: str) -> Expression:
    return Json(_json_node(reader, spec["json"], (*path, "json"), table))


def _json_node(reader: Reader, node: object, path: Path, table: str) -> object:
    if isinstance(node, dict) and not set(node) & {"column", "text", "literal"}:
        return {
            str(key): _json_node(reader, value, (*path, str(key)), table)
            for key, value in node.items()
        }
    return expression(reader, node, path, table)[0]
