"""Frames to records: rows sorted by shape, every column put in wire form once, templates filled.

The result is pieces: runs of rows of one shape and one instance, as views into a buffer that the
next call uses again. Nothing here looks at single rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simtraffic.arrays import Array, Octets
from simtraffic.conventions.columns import TEXTS
from simtraffic.otlp import json_template, wire
from simtraffic.otlp.template import Slot, text_width

if TYPE_CHECKING:
    from simtraffic.conventions.context import Context
    from simtraffic.conventions.frames import Frame
    from simtraffic.otlp.records import TemplateBook
    from simtraffic.otlp.template import Template


class Piece(NamedTuple):
    """Records of one shape and one instance, one after the other in ``octets``.

    A tuple because there are thousands of them in every step.
    """

    signal: str
    instance: int
    octets: memoryview
    records: int
    width: int
    """Bytes of one record in ``octets``."""
    proto_width: int
    """Bytes of one record as protobuf."""


class Scratch:
    """One buffer, handed out in parts and used again: fresh pages cost more than the writing."""

    def __init__(self, size: int = 1 << 20) -> None:
        self._buffer = np.empty(size, dtype=np.uint8)
        self._used = 0

    def reset(self) -> None:
        """Everything handed out before is free again."""
        self._used = 0

    def take(self, size: int) -> Octets:
        """The next ``size`` bytes."""
        if self._used + size > len(self._buffer):
            # Parts handed out before keep the old buffer alive until they are dropped.
            self._buffer = np.empty(max(2 * len(self._buffer), size), dtype=np.uint8)
            self._used = 0
        part = self._buffer[self._used : self._used + size]
        self._used += size
        return part


@dataclass
class Encoder:
    """Encodes the frames of all tables of a run."""

    templates: Mapping[str, TemplateBook]
    context: Context
    integers: Mapping[str, frozenset[str]]
    """By table, the numbers that are written as integers and so may need wide varints."""
    form: str = "protobuf"
    scratch: Scratch = field(default_factory=Scratch)
    _instance_texts: Array | None = None

    def prepare(self, frame: Frame) -> WireRows:
        """The rows of a frame by shape and instance, with their columns in wire form."""
        instances = len(self.context.instance_ids)
        frame, keys = frame.sorted_by(frame.keys(instances))
        counts = np.bincount(keys)
        cells = np.flatnonzero(counts)
        runs: dict[int, list[tuple[int, int]]] = {}
        for cell, count in zip(cells.tolist(), counts[cells].tolist(), strict=True):
            shape, instance = divmod(cell, instances)
            runs.setdefault(shape, []).append((instance, count))
        return WireRows(frame, runs, self)

    def encode(self, rows: WireRows, signal: str, filler_bytes: int = 0) -> list[Piece]:
        """Spans or log records of these rows. The pieces hold until ``scratch`` is reset.

        Args:
            rows: Prepared rows of one table.
            signal: ``traces`` or ``logs``.
            filler_bytes: Of an attribute that makes each span large.
        """
        pieces: list[Piece] = []
        book = self.templates[rows.kind]
        first = 0
        for shape, runs in rows.runs.items():
            after = first + sum(count for _, count in runs)
            made = book.templates(shape, wide=rows.wide, form=self.form, filler_bytes=filler_bytes)
            for template in made[signal]:
                pieces += self._fill(signal, template, runs, slice(first, after), rows)
            first = after
        return pieces

    def _fill(
        self,
        signal: str,
        template: Template,
        runs: list[tuple[int, int]],
        rows: slice,
        columns: WireRows,
    ) -> Iterator[Piece]:
        width = template.length
        out = self.scratch.take(width * (rows.stop - rows.start))
        template.fill(out, columns, rows)
        view = out.data
        at = 0
        for instance, count in runs:
            part = view[at : at + count * width]
            at += count * width
            yield Piece(signal, instance, part, count, width, template.proto_length)

    def instance_texts(self, width: int) -> Array:
        """Each instance's id as a quoted JSON text, blanks after it up to this width."""
        if self._instance_texts is None:
            texts = [json.dumps(name).ljust(width) for name in self.context.instance_ids]
            if self.form == "json":
                texts = [json.dumps(text)[1:-1] for text in texts]
            self._instance_texts = np.array([text.encode() for text in texts])
        return self._instance_texts


_TIMES = ("start_ns", "end_ns", "start_time", "end_time")


class WireRows(dict[Slot, "Array"]):
    """Rows of one table by shape, and by instance within a shape; columns in wire form.

    A column is made when a template first asks for its slot.

    Attributes:
        kind: Name of the table.
        runs: Of each shape, in the rows' order: the instances and how many rows each has.
        wide: Whether some integer needs a varint of ten bytes.
    """

    def __init__(
        self, frame: Frame, runs: dict[int, list[tuple[int, int]]], encoder: Encoder
    ) -> None:
        super().__init__()
        self.kind = frame.kind
        self.runs = runs
        self._frame = frame
        self._encoder = encoder
        self._times: dict[str, Array] = {}
        self.wide = not all(
            wire.is_narrow(frame.raw[name]) for name in encoder.integers[frame.kind]
        )

    def raw(self, name: str) -> Array:
        """A column of the frame; times as Unix nanoseconds."""
        frame = self._frame
        if name in _TIMES:
            if name not in self._times:
                since_start = frame.start_ns if name.startswith("start") else frame.end_ns
                self._times[name] = since_start + self._encoder.context.start_unix_ns
            return self._times[name]
        return frame.instance if name == "instance_id" else frame.raw[name]

    def __missing__(self, slot: Slot) -> Array:
        column = self.raw(slot.column)
        if text_width(slot) is not None:
            made = self._text(slot, column)
        elif self._encoder.form == "json":
            made = _json_column(slot, column)
        else:
            made = _proto_column(slot, column, wide=self.wide)
        self[slot] = made
        return made

    def _text(self, slot: Slot, column: Array) -> Array:
        width = text_width(slot)
        assert width is not None
        if slot.encoding.startswith("quoted"):
            return self._encoder.instance_texts(width)[column]
        source = TEXTS[slot.column].source if slot.column in TEXTS else ""
        if source.startswith("hex"):
            return wire.hex_text(column)
        if source == "time":
            return wire.time_text(column)
        if source == "digits":
            return wire.digits_text(column, width)
        if slot.divisor == 1:
            return wire.number_text(column, width)
        scaled = column // (slot.divisor // 10**slot.decimals)
        return wire.decimal_text(scaled, slot.decimals, width)


def _proto_column(slot: Slot, column: Array, *, wide: bool) -> Array:
    if slot.encoding == "varint":
        return wire.wide_varints(column) if wide else wire.narrow_varints(column)
    if slot.encoding == "double":
        return _doubles(slot, column)
    if slot.encoding == "id16":
        return np.ascontiguousarray(column).view("V16")[:, 0]
    return column


def _json_column(slot: Slot, column: Array) -> Array:
    if slot.encoding in ("varint", "fixed64"):
        return json_template.decimal_integers(column)
    if slot.encoding == "double":
        return json_template.shortest_doubles(_doubles(slot, column))
    return wire.hex_text(column)


def _doubles(slot: Slot, column: Array) -> Array:
    values: Array = column / slot.divisor if slot.divisor != 1 else column.astype(np.float64)
    return values
