"""Types of fields: what may be written in YAML, the value it becomes, and its JSON Schema.

A reader raises :func:`wrong` with a problem and a hint of its own; where the value stands is added
by whoever knows the tree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, JsonValue, WithJsonSchema
from pydantic_core import PydanticCustomError

from simtraffic import failures, units
from simtraffic.documents.names import hint_for
from simtraffic.documents.tree import Referenced, resolve

_T = TypeVar("_T")

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
MAX_NUMBER = 1e15
MAX_INT64 = 2**63 - 1
MAX_FACTOR = 1e6
"""Times as slow; more would outlast the times that a run can hold."""

MOST_REQUESTS = 1e11
"""Of a run; more would take days even without encoding them."""


def wrong(
    problem: str, hint: str = "", offset: int = 0, more: Sequence[tuple[str, str, int]] = ()
) -> PydanticCustomError:
    """The error of a value.

    Args:
        problem: What is wrong.
        hint: What to do.
        offset: Characters into the value's text.
        more: Problem, hint and offset of what else is wrong with the same value.
    """
    context = {"problem": problem, "hint": hint, "offset": offset, "more": tuple(more)}
    return PydanticCustomError("simtraffic", "{problem}", context)


def typed(value: object) -> object:
    """What the environment filled in, as the field would have read it from the file."""
    return resolve(value) if isinstance(value, Referenced) else value


def number(
    value: object, *, least: float = 0.0, above: float | None = None, most: float = MAX_NUMBER
) -> float:
    """A plain number from ``least``, or above ``above``, to ``most``."""
    value = typed(value)
    if isinstance(value, str) and value.endswith("%"):
        raise wrong("not a number", "write it without the percent sign")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong("not a number", "write it like 3 or 0.5")
    if above is not None and not value > above:
        raise wrong(f"must be more than {above:g}")
    if not value >= least:
        raise wrong(f"must be at least {least:g}")
    if value > most:
        raise wrong(f"must be at most {most:.15g}")
    return float(value)


def whole(value: object, *, least: int, most: int) -> int:
    """A plain whole number from ``least`` to ``most``, both included."""
    value = typed(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong("not a whole number", f"write a number from {least} to {most}")
    if not least <= value <= most:
        raise wrong(f"must be from {least} to {most}")
    return value


def flag(value: object) -> bool:
    """A truth value; ``yes`` and ``on`` are text."""
    value = typed(value)
    if not isinstance(value, bool):
        raise wrong("not true or false", "write true or false")
    return value


def text(value: object) -> str:
    """Text; numbers must be quoted, so that 1.10 does not become 1.1."""
    if isinstance(value, str):
        return str(value)
    if value is None or isinstance(value, dict | tuple):
        raise wrong("not text", "write text")
    raise wrong("not text", "put it in quotes")


def one_of(value: object, problem: str, hint: str) -> str:
    """A name that stands for something else: a number in its place means nothing, quoted or not."""
    if not isinstance(value, str):
        raise wrong(problem, hint)
    return str(value)


def duration(value: object) -> int:
    """Nanoseconds, of ``250ms`` or ``1h30m``; a number without a unit is none."""
    return _with_unit(value, units.parse_duration, "a duration", "write it like 250ms, 30s or 2m")


def rate(value: object) -> float:
    """Events a second, of ``50/s`` or ``3000/m``; a number without a unit is none."""
    return _with_unit(value, units.parse_rate, "a rate", "write it like 50/s, 3000/m or 0.2/s")


def size(value: object) -> int:
    """Bytes, of ``2KB`` (2000) or ``2KiB`` (2048)."""
    return _with_unit(value, units.parse_size, "a size", "write it like 512B, 2KB or 64KiB")


def share(value: object) -> float:
    """A ratio from 0 to 1, of ``5%`` or ``0.05``."""
    value = typed(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _with_unit(value, units.parse_share, "a share", "write it like 5% or 0.05")
    if not 0 <= value <= 1:
        hint = f"write {value}%" if 1 < value <= 100 else "write 0% to 100%"
        raise wrong("share out of range", hint)
    return float(value)


def count(value: object) -> int:
    """A whole number from 0 to 1e12, of ``900`` or ``4k``."""
    value = typed(value)
    if isinstance(value, bool) or not isinstance(value, int):
        value = _with_unit(value, units.parse_count, "a count", "write it like 900, 4k or 2M")
    if not 0 <= value <= 10**12:
        raise wrong("count out of range", "write 0 to 1000G")
    return value


def tokens(value: object) -> int:
    """A number of tokens: no call is without any."""
    read = count(value)
    if read < 1:
        raise wrong("must be at least 1", "every call has a token or more")
    return read


def _with_unit(value: object, parse: Callable[[str], _T], noun: str, hint: str) -> _T:
    value = typed(value)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise wrong(f"not {noun}", hint)
    try:
        return parse(str(value))
    except units.UnitError as error:
        raise wrong(error.problem, error.hint) from error


def _schema(**schema: Any) -> WithJsonSchema:
    return WithJsonSchema(schema)


def _factor(value: object) -> float:
    return number(value, above=0.0, most=MAX_FACTOR)


def _name(value: object) -> str:
    """The name of a stage, a flow, an incident: one word, for thresholds refer to it."""
    read = text(value)
    if not _NAME.fullmatch(read):
        raise wrong("not a name", "use letters, digits, '-', '_' and '.', at most 64")
    return read


_NAME = re.compile(NAME_PATTERN)

Text = Annotated[str, BeforeValidator(text), _schema(type="string")]


def named(problem: str, hint: str) -> tuple[BeforeValidator, WithJsonSchema]:
    """Validator and schema of a name that is looked up elsewhere."""
    return BeforeValidator(lambda value: one_of(value, problem, hint)), _schema(type="string")


Name = Annotated[str, BeforeValidator(_name), _schema(type="string", pattern=NAME_PATTERN)]
Flag = Annotated[bool, BeforeValidator(flag), _schema(type="boolean")]
Weight = Annotated[float, BeforeValidator(number), _schema(type="number", minimum=0)]
Factor = Annotated[
    float,
    BeforeValidator(_factor),
    _schema(type="number", exclusiveMinimum=0, maximum=MAX_FACTOR),
]
DurationNs = Annotated[
    int,
    BeforeValidator(duration),
    _schema(
        type="string", pattern=units.DURATION_PATTERN, description="250ms, 30s, 2m, 1h30m or 7d"
    ),
]
Rate = Annotated[
    float,
    BeforeValidator(rate),
    _schema(type="string", pattern=units.RATE_PATTERN, description="50/s, 3000/m or 0.2/s"),
]
Size = Annotated[
    int,
    BeforeValidator(size),
    _schema(type="string", pattern=units.SIZE_PATTERN, description="512B, 2KB or 64KiB"),
]
Share = Annotated[
    float,
    BeforeValidator(share),
    _schema(
        anyOf=[
            {"type": "string", "pattern": units.SHARE_PATTERN},
            {"type": "number", "minimum": 0, "maximum": 1},
        ],
        description="5% or 0.05",
    ),
]
Count = Annotated[
    int,
    BeforeValidator(count),
    _schema(
        anyOf=[
            {"type": "string", "pattern": units.COUNT_PATTERN},
            {"type": "integer", "minimum": 0},
        ],
        description="900, 4k or 2M",
    ),
]
TokenCount = Annotated[
    int,
    BeforeValidator(tokens),
    _schema(
        anyOf=[
            {"type": "string", "pattern": units.COUNT_PATTERN},
            {"type": "integer", "minimum": 1},
        ],
        description="900, 4k or 2M",
    ),
]


def whole_from(least: int, most: int) -> tuple[BeforeValidator, WithJsonSchema]:
    """Validator and schema of a plain whole number in this range."""

    def read(value: object) -> int:
        return whole(value, least=least, most=most)

    return BeforeValidator(read), _schema(type="integer", minimum=least, maximum=most)


ERROR_KINDS = failures.KINDS
"""Ways in which an attempt at a provider can fail."""


def _error_kind(value: object) -> str:
    name = str(value)
    if name not in ERROR_KINDS:
        raise wrong("unknown kind of error", hint_for(name, ERROR_KINDS))
    return name


ErrorKind = Annotated[
    str, BeforeValidator(_error_kind), WithJsonSchema({"enum": list(ERROR_KINDS)})
]
Errors = dict[ErrorKind, Share]

# Only for the schema: pydantic counts an item that is wrong as missing.
NOT_EMPTY: dict[str, JsonValue] = {"minItems": 1}
