"""A table made ready for telling: each row's shape, and the columns that slots and metrics read.

A *shape* is everything about a row that is not a number or an id: which model, whether it failed
and how, and so on. Rows of one shape share a template and their metric series.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simtraffic.arrays import Array, Codes, Ints
from simtraffic.conventions import columns
from simtraffic.conventions.columns import (
    AXES,
    CATEGORIES,
    FLOAT_COLUMNS,
    NUMBERS,
    TEXTS,
    Rows,
)
from simtraffic.conventions.model import Column, Json, TextOf

if TYPE_CHECKING:
    from simtraffic.conventions.columns import Scalar
    from simtraffic.conventions.context import Context
    from simtraffic.conventions.model import Convention
    from simtraffic.simulation.tables import Exchanges

_MAX_TABLE = 1 << 22
"""Largest table from axis codes to shapes; beyond it distinct codes are looked up one by one."""


@dataclass(slots=True)
class Frame:
    """Rows of one table, ready to be told. All arrays have one item per row."""

    kind: str
    shape: NDArray[np.int32]
    instance: Codes
    due_ns: Ints
    """When the row's request arrived."""
    start_ns: Ints
    end_ns: Ints
    raw: dict[str, Array]
    """Numbers and texts by column name, as :mod:`simtraffic.conventions.columns` reads them."""

    def __len__(self) -> int:
        return len(self.shape)

    def take(self, rows: Array | slice) -> Frame:
        """These rows, in this order."""
        return Frame(
            self.kind,
            self.shape[rows],
            self.instance[rows],
            self.due_ns[rows],
            self.start_ns[rows],
            self.end_ns[rows],
            {name: column[rows] for name, column in self.raw.items()},
        )


def ordered(frame: Frame, instances: int, interval_ns: int) -> Frame:
    """The rows by shape, instance and collection interval, the order that both views want."""
    if not len(frame):
        return frame
    intervals = frame.end_ns // interval_ns
    intervals -= intervals.min()
    width = int(intervals.max()) + 1
    key = (frame.shape.astype(np.int64) * instances + frame.instance) * width + intervals
    return frame.take(
        np.argsort(key.astype(np.uint16) if key.max() < 1 << 16 else key, kind="stable")
    )


def join_frames(frames: Sequence[Frame]) -> Frame:
    """The rows of all, one frame after the other."""
    if len(frames) == 1:
        return frames[0]
    first = frames[0]
    return Frame(
        first.kind,
        np.concatenate([frame.shape for frame in frames]),
        np.concatenate([frame.instance for frame in frames]),
        np.concatenate([frame.due_ns for frame in frames]),
        np.concatenate([frame.start_ns for frame in frames]),
        np.concatenate([frame.end_ns for frame in frames]),
        {name: np.concatenate([frame.raw[name] for frame in frames]) for name in first.raw},
    )


@dataclass
class ShapeBook:
    """The shapes of one table that were seen so far, numbered in the order of their appearance."""

    kind: str
    axes: tuple[str, ...]
    context: Context
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    """Axis codes of each shape."""

    def __post_init__(self) -> None:
        """Lay out the table from combined axis codes to shapes."""
        sizes = [AXES[axis].size(self.context) for axis in self.axes]
        self._strides = [int(np.prod(sizes[index + 1 :])) for index in range(len(sizes))]
        total = int(np.prod(sizes)) if sizes else 1
        self._sizes = sizes
        self._table = np.full(min(total, _MAX_TABLE), -1, dtype=np.int32)
        self._dense = total <= _MAX_TABLE
        self._known: dict[int, int] = {}

    def codes(self, rows: Rows) -> NDArray[np.int32]:
        """The shape of each row; new shapes are numbered on."""
        combined = np.zeros(len(rows), dtype=np.int64)
        for axis, stride in zip(self.axes, self._strides, strict=True):
            combined += AXES[axis].codes(rows).astype(np.int64) * stride
        if not self._dense:
            return self._codes_by_value(combined)
        shapes = self._table[combined]
        if len(shapes) and shapes.min() < 0:
            for code in np.unique(combined[shapes < 0]).tolist():
                self._table[code] = self._add(code)
            shapes = self._table[combined]
        return shapes

    def _codes_by_value(self, combined: Ints) -> NDArray[np.int32]:
        values, inverse = np.unique(combined, return_inverse=True)
        numbers = []
        for code in values.tolist():
            if code not in self._known:
                self._known[code] = self._add(code)
            numbers.append(self._known[code])
        return np.array(numbers, dtype=np.int32)[inverse]

    def _add(self, code: int) -> int:
        self.shapes.append(
            tuple(
                code // stride % size
                for stride, size in zip(self._strides, self._sizes, strict=True)
            )
        )
        return len(self.shapes) - 1

    def values(self, shape: int) -> ShapeValues:
        """Category values of this shape."""
        return ShapeValues(dict(zip(self.axes, self.shapes[shape], strict=True)), self.context)


class ShapeValues(dict[str, "Scalar"]):
    """Category values of one shape, worked out when asked for."""

    def __init__(self, codes: dict[str, int], context: Context) -> None:
        super().__init__()
        self.codes = codes
        self._context = context

    def __missing__(self, column: str) -> Scalar:
        category = CATEGORIES[column]
        value = category.value(self._context, *(self.codes[axis] for axis in category.axes))
        self[column] = value
        return value


def axes_of(names: Iterable[str]) -> set[str]:
    """Axes that these columns depend on; numbers and texts depend on none."""
    return {axis for name in names if name in CATEGORIES for axis in CATEGORIES[name].axes}


def columns_of(conventions: Sequence[Convention], kind: str) -> set[str]:
    """Every column that these conventions read of this table."""
    names: set[str] = set()
    for convention in conventions:
        if span := convention.spans.get(kind):
            names.update(span.name.columns)
            for status in (span.ok, span.error):
                if status:
                    names.update(status.when.columns)
                    names.update(status.message.columns if status.message else ())
            owners = [*span.attributes, *(a for event in span.events for a in event.attributes)]
            for attribute in owners:
                names.update(attribute.value.columns, attribute.when.columns)
            for event in span.events:
                names.update(event.when.columns)
        names |= _metric_columns(convention, kind) | _log_columns(convention, kind)
    return names


def integers_of(conventions: Sequence[Convention], kind: str) -> frozenset[str]:
    """Numbers of this table that spans and log records write as integers."""
    found: set[str] = set()
    for convention in conventions:
        expressions: list[object] = []
        if span := convention.spans.get(kind):
            owners = [*span.attributes, *(a for event in span.events for a in event.attributes)]
            expressions += [span.name, *(attribute.value for attribute in owners)]
        for log in convention.logs:
            if log.table == kind:
                expressions += [log.body, *(attribute.value for attribute in log.attributes)]
        for expression in expressions:
            found.update(_integers(expression))
    return frozenset(found - set(FLOAT_COLUMNS))


def _integers(node: object) -> Iterator[str]:
    if isinstance(node, Column):
        if node.name in NUMBERS and node.divisor == 1:
            yield node.name
    elif isinstance(node, Json):
        yield from _integers(node.tree)
    elif isinstance(node, dict):
        for child in node.values():
            yield from _integers(child)
    elif isinstance(node, TextOf):
        for part in node.parts:
            yield from _integers(part)


def _log_columns(convention: Convention, kind: str) -> set[str]:
    names: set[str] = set()
    for log in convention.logs:
        if log.table == kind:
            names.update(log.when.columns, log.body.columns if log.body else ())
            for attribute in log.attributes:
                names.update(attribute.value.columns, attribute.when.columns)
    return names


def _metric_columns(convention: Convention, kind: str) -> set[str]:
    names: set[str] = set()
    for metric in convention.metrics:
        if metric.table == kind:
            names.update(metric.when.columns)
            if metric.between and "queue_end" in metric.between:
                names.add("queue_ns")
            for measure in metric.measures:
                names.update(measure.when.columns)
                for column in (measure.value, measure.times):
                    names.update(column.columns if column else ())
            owners = [*metric.attributes, *(a for m in metric.measures for a in m.attributes)]
            for attribute in owners:
                names.update(attribute.value.columns, attribute.when.columns)
    return names


class Framer:
    """Turns the tables of exchanges into frames."""

    def __init__(
        self, conventions: Sequence[Convention], context: Context, *, sampling: bool
    ) -> None:
        """With ``sampling`` some traces are left out, and shapes tell sampled rows apart."""
        self.context = context
        self._sampling = sampling
        self.books: dict[str, ShapeBook] = {}
        self._raw: dict[str, list[str]] = {}
        for kind in columns.TABLES:
            names = columns_of(conventions, kind)
            axes = axes_of(names) | ({"sampled"} if sampling else set())
            self.books[kind] = ShapeBook(kind, tuple(sorted(axes)), context)
            always = {"trace_id", "span_id"} | ({"parent_span_id"} if kind != "request" else set())
            raw = {name for name in names if name in NUMBERS or name in TEXTS} | always
            self._raw[kind] = sorted(raw - {"start_time", "end_time", "instance_id"})

    def frames(self, exchanges: Exchanges) -> list[Frame]:
        """A frame for each table: requests, operations, attempts."""
        return [self._frame(kind, exchanges) for kind in columns.TABLES]

    def _frame(self, kind: str, exchanges: Exchanges) -> Frame:
        rows = Rows(kind, exchanges, self.context)
        sampled = {"sampled": rows.of_request("sampled")} if self._sampling else {}
        return Frame(
            kind,
            self.books[kind].codes(rows),
            rows.of_request("instance"),
            rows.of_request("due_ns"),
            columns.start_ns(rows),
            rows.own("end_ns"),
            {
                name: NUMBERS[name].read(rows) if name in NUMBERS else TEXTS[name].read(rows)
                for name in self._raw[kind]
            }
            | sampled,
        )
