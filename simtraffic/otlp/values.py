"""Expressions of a convention as messages of one shape: constants, or slots where rows differ."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue

from simtraffic.conventions.columns import CATEGORIES, FLOAT_COLUMNS, NUMBERS, TEXTS
from simtraffic.conventions.evaluate import constant, plain
from simtraffic.conventions.model import Column, Json, Literal, TextOf

if TYPE_CHECKING:
    from simtraffic.conventions.context import Context
    from simtraffic.conventions.frames import ShapeValues
    from simtraffic.conventions.model import Attribute, Expression, Scalar
    from simtraffic.otlp.template import Slots

TEXT_WIDTHS = {"hex16": 16, "hex32": 32, "digits": 8, "time": 24}
NUMBER_WIDTH = 8
WIDE_NUMBER_WIDTH = 20
SCALED_WIDTH = 12
"""Digits before the point of a scaled number: 31 years in milliseconds."""


def any_value(value: Scalar | tuple[Scalar, ...]) -> AnyValue:
    """The official message of a constant."""
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, tuple):
        return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))
    return AnyValue(string_value=value)


class Builder:
    """Builds the messages of one shape, with slots handed out where rows differ."""

    def __init__(self, shape: ShapeValues, slots: Slots, context: Context) -> None:
        self.shape = shape
        self.slots = slots
        self.context = context

    def attributes(self, specs: Iterable[Attribute]) -> list[KeyValue]:
        """Attributes that are present in this shape; of two with one key the first counts."""
        made: dict[str, AnyValue] = {}
        for spec in specs:
            if spec.key not in made and spec.when.holds(self.shape):
                made[spec.key] = self.value(spec.value)
        return [KeyValue(key=key, value=value) for key, value in made.items()]

    def value(self, value: Expression) -> AnyValue:
        """An attribute's or a body's value."""
        if isinstance(value, Column) and value.name in NUMBERS:
            if value.divisor != 1 or value.name in FLOAT_COLUMNS:
                return AnyValue(double_value=self.slots.double(value.name, value.divisor))
            return AnyValue(int_value=self.slots.integer(value.name))
        if isinstance(value, Literal) or (isinstance(value, Column) and value.name in CATEGORIES):
            return any_value(constant(value, self.shape))
        return AnyValue(string_value=self.text(value))

    def text(self, value: Expression) -> str:
        """A value as text."""
        if isinstance(value, Json):
            return self._json(value.tree)
        if isinstance(value, TextOf):
            return "".join(
                part if isinstance(part, str) else self.text(part) for part in value.parts
            )
        if isinstance(value, Column) and value.name in TEXTS:
            return self._text_slot(value.name)
        if isinstance(value, Column) and value.name in NUMBERS:
            return self._number_slot(value)
        return plain(constant(value, self.shape))

    def _text_slot(self, name: str) -> str:
        source = TEXTS[name].source
        if source == "instance":
            return self.slots.text(name, self._instance_width() - 2)
        return self.slots.text(name, TEXT_WIDTHS[source])

    def _number_slot(self, column: Column) -> str:
        width = WIDE_NUMBER_WIDTH if self.slots.wide else NUMBER_WIDTH
        if column.divisor == 1:
            return self.slots.text(column.name, width)
        whole = WIDE_NUMBER_WIDTH if self.slots.wide else SCALED_WIDTH
        width = whole + (1 + column.decimals if column.decimals else 0)
        return self.slots.text(column.name, width, column.divisor, column.decimals)

    def _instance_width(self) -> int:
        return max(len(json.dumps(name)) for name in self.context.instance_ids)

    def _json(self, tree: object) -> str:
        """Compact JSON in which numbers are padded with blanks, so that rows keep one length."""
        if isinstance(tree, dict):
            inside = (f"{json.dumps(key)}:{self._json(node)}" for key, node in tree.items())
            return "{" + ",".join(inside) + "}"
        if isinstance(tree, Column) and tree.name in NUMBERS:
            return self._number_slot(tree)
        if (
            isinstance(tree, Column)
            and tree.name in TEXTS
            and TEXTS[tree.name].source == "instance"
        ):
            return self.slots.text(tree.name, self._instance_width(), quoted=True)
        if isinstance(tree, Literal) or (isinstance(tree, Column) and tree.name in CATEGORIES):
            value = constant(tree, self.shape)
            return json.dumps(
                list(value) if isinstance(value, tuple) else value, ensure_ascii=False
            )
        assert isinstance(tree, TextOf | Column)
        return '"' + self.text(tree) + '"'
