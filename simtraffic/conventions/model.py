"""What a convention file says, as values: spans, metrics and log records over columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simtraffic.documents.document import Place

STANDING_TABLES = ("collection", "incident")
"""Tables whose rows are there at every collection: each instance, each incident."""

Scalar = str | bool | int | float
LiteralValue = Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class When:
    """Conditions that must all hold: a category is one of these values."""

    allowed: tuple[tuple[str, tuple[Scalar, ...]], ...] = ()

    def holds(self, values: Mapping[str, Scalar]) -> bool:
        """Whether the categories' values satisfy every condition."""
        return all(_among(values[column], wanted) for column, wanted in self.allowed)

    @property
    def columns(self) -> Iterator[str]:
        """Categories that the conditions look at."""
        return (column for column, _ in self.allowed)

    def __and__(self, other: When) -> When:
        """Conditions that hold where both do."""
        return When(self.allowed + other.allowed)


def _among(value: Scalar, wanted: tuple[Scalar, ...]) -> bool:
    # True == 1 in Python, but not in a convention.
    return any(type(value) is type(other) and value == other for other in wanted)


ALWAYS = When()


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that stands in the file."""

    value: LiteralValue

    @property
    def columns(self) -> Iterator[str]:
        """No columns: the value is the same for all rows."""
        return iter(())


@dataclass(frozen=True, slots=True)
class Column:
    """A column's value, mapped, scaled or turned into another type."""

    name: str
    mapping: tuple[tuple[str, Scalar], ...] = ()
    """From a value's text to what stands for it; others stay as they are."""
    divisor: int = 1
    """Numbers are divided by it and become doubles; 1 leaves them integers."""
    decimals: int = 0
    """Digits after the point when the number is written into text."""
    cast: str = ""
    """``string`` or ``list``, or nothing."""

    @property
    def columns(self) -> Iterator[str]:
        """The column itself, as the only one."""
        return iter((self.name,))


@dataclass(frozen=True, slots=True)
class TextOf:
    """Text with columns inside."""

    parts: tuple[str | Column, ...]

    @property
    def columns(self) -> Iterator[str]:
        """Columns between the braces."""
        return (part.name for part in self.parts if isinstance(part, Column))


@dataclass(frozen=True, slots=True)
class Json:
    """A tree of mappings, lists and expressions, written as one JSON string."""

    tree: object

    @property
    def columns(self) -> Iterator[str]:
        """Columns of every leaf."""
        return _tree_columns(self.tree)


def _tree_columns(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from _tree_columns(value)
    elif isinstance(node, Literal | Column | TextOf):
        yield from node.columns


Expression = Literal | Column | TextOf | Json


@dataclass(frozen=True, slots=True)
class Attribute:
    """A key, its value and when it is present."""

    key: str
    value: Expression
    when: When = ALWAYS
    place: Place = field(default=(0, 0, ""), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Status:
    """When a span's status is set, and with which description."""

    when: When
    message: Expression | None = None


@dataclass(frozen=True, slots=True)
class EventSpec:
    """An event inside a span."""

    name: str
    at: str
    """``start`` or ``end`` of the span."""
    attributes: tuple[Attribute, ...]
    when: When = ALWAYS


@dataclass(frozen=True, slots=True)
class SpanSpec:
    """How the rows of a table become spans."""

    name: Expression
    kind: str
    attributes: tuple[Attribute, ...]
    ok: Status | None = None
    error: Status | None = None
    events: tuple[EventSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement that a row gives."""

    value: Column | None
    """What is measured; None counts the row."""
    times: Column | None = None
    """How often the value counts; once when left out."""
    attributes: tuple[Attribute, ...] = ()
    when: When = ALWAYS


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """An instrument and what feeds it."""

    name: str
    description: str
    instrument: str
    """``counter``, ``histogram`` or ``gauge``."""
    table: str
    unit: str
    measures: tuple[Measurement, ...]
    attributes: tuple[Attribute, ...] = ()
    when: When = ALWAYS
    buckets: tuple[float, ...] = ()
    between: tuple[str, str] | None = None
    """A gauge of the rows that are between these two moments of theirs at collection."""
    rate_ns: int = 0
    """A gauge of the interval's sum, scaled to this long."""
    at: str = "end"
    """``start`` or ``end`` of a row: when a counter counts it."""

    @property
    def stands(self) -> bool:
        """Whether it looks at rows that are there at every collection, not at those of requests."""
        return self.table in STANDING_TABLES


@dataclass(frozen=True, slots=True)
class LogSpec:
    """A log record that a row gives."""

    table: str
    severity: str
    at: str
    event: str = ""
    body: Expression | None = None
    attributes: tuple[Attribute, ...] = ()
    when: When = ALWAYS


@dataclass(frozen=True, slots=True)
class Convention:
    """A whole convention file."""

    name: str
    version: str
    schema_url: str = ""
    file: str = ""
    """Where it was read from."""
    spans: Mapping[str, SpanSpec] = field(default_factory=dict)
    metrics: tuple[MetricSpec, ...] = ()
    logs: tuple[LogSpec, ...] = ()
