"""Mutation that keeps the form: what comes out passes the parser and meets what is behind it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import FieldDescriptor

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from tests.fuzz.mutation import Dice

_TEXTS = ("", "x", "\0", "\x1b[31m", "ü" * 300, "🙂", "k" * 5_000, "service.name")
_BYTES = (b"", bytes(8), bytes(16), b"12345678", b"1234567890123456", b"x", b"\xff" * 1_000)
_REALS = (0.0, -0.0, 1.5, -1e308, 5e-324, float("inf"), float("-inf"), float("nan"))
_ENDS = (0, 1, -1, 2, 127, 255, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1, -(2**63), 2**64 - 1)
_ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**64,
    1.5,
    1e300,
    "",
    "NaN",
    "Infinity",
    "zz",
    "0a" * 16,
    "9" * 30,
    "\ud800",
    [],
    [None],
    [[]],
    {},
    {"": {}},
    {"stringValue": "x", "intValue": "1"},
)
_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
    # Open enums take any number.
    FieldDescriptor.CPPTYPE_ENUM: (-(2**31), 2**31 - 1),
}


def is_repeated(field: Any) -> bool:
    """Whether a field is a list; older protobuf knows its label alone, newer warns of it."""
    if hasattr(field, "is_repeated"):
        return bool(field.is_repeated)
    return bool(field.label == field.LABEL_REPEATED)


def change_message(dice: Dice, message: Message) -> None:
    """Change one to six fields, anywhere in it, to other valid values."""
    for _ in range(1 + dice.below(6)):
        places = list(_places(message))
        inside, field = places[dice.below(len(places))]
        if not dice.below(6):
            inside.ClearField(field.name)
        elif is_repeated(field):
            _change_list(dice, getattr(inside, field.name), field)
        elif field.message_type is not None:
            getattr(inside, field.name).SetInParent()
        else:
            setattr(inside, field.name, _value(dice, field))


def change_tree(dice: Dice, tree: Any) -> Any:
    """Put one to four odd things in the place of values of JSON, at any depth."""
    for _ in range(1 + dice.below(4)):
        holders = [each for each in _holders(tree) if each]
        if not holders:
            return tree
        holder = holders[dice.below(len(holders))]
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = keys[dice.below(len(keys))]
        # A copy, as a list that holds itself is no JSON.
        holder[key] = json.loads(json.dumps(_ODD[dice.below(len(_ODD))]))
    return tree


def _places(message: Any) -> Any:
    """Every field that is set, and those beside it that are not, with the message it is in."""
    for field in message.DESCRIPTOR.fields:
        yield message, field
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in value if is_repeated(field) else [value]:
                yield from _places(each)


def _change_list(dice: Dice, values: Any, field: FieldDescriptor) -> None:
    if values and not dice.below(2):
        del values[dice.below(len(values)) :]
    elif field.message_type is None:
        values.extend(_value(dice, field) for _ in range(1 + dice.below(4)))
    elif values:
        values.add().CopyFrom(values[dice.below(len(values))])
    else:
        values.add()


def _value(dice: Dice, field: FieldDescriptor) -> Any:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_BOOL:
            return bool(dice.below(2))
        case FieldDescriptor.CPPTYPE_DOUBLE:
            return _REALS[dice.below(len(_REALS))]
        case FieldDescriptor.CPPTYPE_STRING:
            if field.type == FieldDescriptor.TYPE_BYTES:
                return _BYTES[dice.below(len(_BYTES))]
            return _TEXTS[dice.below(len(_TEXTS))]
        case _:
            least, most = _RANGES[field.cpp_type]
            return min(most, max(least, _ENDS[dice.below(len(_ENDS))]))


def _holders(tree: Any) -> Any:
    if isinstance(tree, dict | list):
        yield tree
        for each in tree.values() if isinstance(tree, dict) else tree:
            yield from _holders(each)
