"""A table made ready to be emitted: each row's shape, and the columns that slots and metrics read.

A *shape* is everything about a row that is not a number or an id: which model, whether it failed
and how, and so on. Rows of one shape share a template and their metric series.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simtraffic.arrays import Array, Codes, Ints
from simtraffic.conventions.columns import AXES, CATEGORIES, NUMBERS, TEXTS
from simtraffic.conventions.needs import axes_of, columns_of
from simtraffic.conventions.rows import TABLES, Rows

if TYPE_CHECKING:
    from simtraffic.conventions.context import Context
    from simtraffic.conventions.model import Convention, Scalar
    from simtraffic.simulation.tables import Exchanges

_MAX_TABLE = 1 << 22
"""Largest table from axis codes to shapes; beyond it distinct codes are looked up one by one."""


@dataclass(slots=True)
class Frame:
    """Rows of one table, ready to be emitted. All arrays have one item per row."""

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
            kind=self.kind,
            shape=self.shape[rows],
            instance=self.instance[rows],
            due_ns=self.due_ns[rows],
            start_ns=self.start_ns[rows],
            end_ns=self.end_ns[rows],
            raw={name: column[rows] for name, column in self.raw.items()},
        )

    def keys(self, instances: int, intervals: Ints | None = None) -> Ints:
        """A number a row, by which rows of one shape, instance and interval come together.

        Args:
            instances: How many there are.
            intervals: Number of each row's interval, from 0; left out, only shape and instance
                count.
        """
        keys = self.shape.astype(np.int64)
        keys *= instances
        keys += self.instance
        if intervals is not None:
            keys *= int(intervals.max()) + 1
            keys += intervals
        return keys

    def sorted_by(self, keys: Ints) -> tuple[Frame, Ints]:
        """The rows and their keys such that those grow; as they are where they do already."""
        if not (keys[1:] < keys[:-1]).any():
            return self, keys
        # Sorting sixteen bits is done by counting, in a fraction of the time.
        small = keys.astype(np.uint16) if keys.max() < 1 << 16 else keys
        order = np.argsort(small, kind="stable")
        return self.take(order), keys[order]

    def in_order(self, instances: int, interval_ns: int) -> Frame:
        """The rows by shape, instance and interval of their end, as metrics and spans want them."""
        if not len(self):
            return self
        intervals = self.end_ns // interval_ns
        intervals -= intervals.min()
        return self.sorted_by(self.keys(instances, intervals))[0]


def join_frames(frames: Sequence[Frame]) -> Frame:
    """The rows of all, one frame after the other."""
    if len(frames) == 1:
        return frames[0]
    first = frames[0]
    return Frame(
        kind=first.kind,
        shape=np.concatenate([frame.shape for frame in frames]),
        instance=np.concatenate([frame.instance for frame in frames]),
        due_ns=np.concatenate([frame.due_ns for frame in frames]),
        start_ns=np.concatenate([frame.start_ns for frame in frames]),
        end_ns=np.concatenate([frame.end_ns for frame in frames]),
        raw={name: np.concatenate([frame.raw[name] for frame in frames]) for name in first.raw},
    )


@dataclass
class ShapeBook:
    """Makes the frames of one table, and numbers its shapes in the order of their appearance."""

    kind: str
    axes: tuple[str, ...]
    context: Context
    columns: tuple[str, ...] = ()
    """Numbers and texts that a frame holds."""
    is_sampling: bool = False
    """Whether some traces are left out, so that a frame knows which rows are sampled."""
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

    def frame(self, exchanges: Exchanges) -> Frame:
        """The table's rows of these exchanges."""
        rows = Rows(self.kind, exchanges, self.context)
        raw = {
            name: NUMBERS[name].read(rows) if name in NUMBERS else TEXTS[name].read(rows)
            for name in self.columns
        }
        if self.is_sampling:
            raw["sampled"] = rows.of_request("sampled")
        return Frame(
            kind=self.kind,
            shape=self.codes(rows),
            instance=rows.of_request("instance"),
            due_ns=rows.of_request("due_ns"),
            start_ns=rows.start_ns(),
            end_ns=rows.own("end_ns"),
            raw=raw,
        )

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


def shape_books(
    conventions: Sequence[Convention], context: Context, *, sampling: bool
) -> dict[str, ShapeBook]:
    """The books of all tables, whose frames hold what these conventions read.

    Args:
        conventions: Of the run.
        context: What the shapes are built from.
        sampling: Whether some traces are left out, so that shapes keep sampled rows apart.
    """
    books = {}
    for kind in TABLES:
        names = columns_of(conventions, kind)
        axes = axes_of(names) | ({"sampled"} if sampling else set())
        always = {"trace_id", "span_id"} | ({"parent_span_id"} if kind != "request" else set())
        raw = {name for name in names if name in NUMBERS or name in TEXTS} | always
        raw -= {"start_time", "end_time", "instance_id"}
        books[kind] = ShapeBook(
            kind=kind,
            axes=tuple(sorted(axes)),
            context=context,
            columns=tuple(sorted(raw)),
            is_sampling=sampling,
        )
    return books
