"""Expressions that only speak of categories, evaluated for one shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simtraffic.conventions.model import Column, Literal, TextOf

if TYPE_CHECKING:
    from simtraffic.conventions.frames import ShapeValues
    from simtraffic.conventions.model import Expression, Scalar


def constant(value: Expression, shape: ShapeValues) -> Scalar | tuple[Scalar, ...]:
    """The value of an expression that only speaks of categories."""
    if isinstance(value, Literal):
        return value.value
    if isinstance(value, Column):
        found = shape[value.name]
        for source, target in value.mapping:
            if source == plain(found):
                found = target
                break
        if value.cast == "string":
            return str(found)
        return (found,) if value.cast == "list" else found
    if isinstance(value, TextOf):
        return "".join(
            part if isinstance(part, str) else plain(constant(part, shape)) for part in value.parts
        )
    raise TypeError(value)


def plain(value: object) -> str:
    """A value inside a text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
