"""Wire templates: an official message, serialised once, with slots where rows differ.

A :class:`Slots` hands out sentinel values that stand in the message where a row's value belongs.
The message is serialised by the official class; where the sentinel's bytes are found is the slot.
Filling a template is one copy of the template and one strided copy per slot, for all rows at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from simtraffic.arrays import Array, Octets


class Slot(NamedTuple):
    """What fills a place: a column in one encoding.

    ``encoding`` is ``fixed64``, ``double``, ``varint``, ``id8``, ``id16`` or ``textN`` with the
    width N (``quotedN``: with quotes around it and blanks after it). Numbers are divided by
    ``divisor``; inside text they show this many ``decimals``.
    """

    column: str
    encoding: str
    divisor: int = 1
    decimals: int = 0


WIRE_DTYPES = {"fixed64": "<u8", "double": "<f8", "id8": "<u8", "id16": "V16"}
_WIDE = 10
_NARROW = 4


@dataclass(frozen=True, slots=True)
class Template:
    """The bytes of one shape with places for slots. All rows of a shape have the same length."""

    blank: np.void
    """The template's bytes, with nothing in its slots."""
    dtype: np.dtype[np.void]
    slots: tuple[tuple[str, Slot], ...]
    """Field of ``dtype`` and what fills it."""
    proto_length: int
    """Bytes of one row as protobuf."""

    @property
    def length(self) -> int:
        """Bytes of one row."""
        return self.dtype.itemsize

    def fill(self, out: Octets, columns: Mapping[Slot, Array], rows: slice) -> None:
        """Write these rows of the wire columns into ``out``, which holds exactly their bytes."""
        count = len(out) // self.dtype.itemsize
        # A structured array copies its fields alone, not what lies between them. Arrays are made
        # over the buffer because a view would check every field in Python.
        np.ndarray(count, self.blank.dtype, out)[:] = self.blank
        records = np.ndarray(count, self.dtype, out)
        for field, slot in self.slots:
            records[field] = columns[slot][rows]


class Slots:
    """Hands out sentinels for one template and finds them again in its bytes."""

    def __init__(self, *, wide: bool) -> None:
        """With ``wide`` integers take ten bytes, without four."""
        self.wide = wide
        self._int_width = _WIDE if wide else _NARROW
        self._taken: list[tuple[Slot, bytes]] = []

    def fixed64(self, column: str) -> int:
        """A sentinel for a 64-bit word, such as a time."""
        value = 0x5EA1_0000_0000_0000 | self._mark()
        self._take(Slot(column, "fixed64"), value.to_bytes(8, "little"))
        return value

    def double(self, column: str, divisor: int = 1) -> float:
        """A sentinel for a double."""
        octets = (0x4AB1_0000_0000_0000 | self._mark()).to_bytes(8, "little")
        self._take(Slot(column, "double", divisor), octets)
        return float(np.frombuffer(octets, dtype="<f8")[0])

    def integer(self, column: str) -> int:
        """A sentinel for a varint."""
        mark = self._mark()
        value = -(1 << 62) - mark if self._int_width == _WIDE else (0x7A << 21) | mark
        self._take(Slot(column, "varint"), _varint(value))
        return value

    def identity(self, column: str, size: int) -> bytes:
        """A sentinel for an id of 8 or 16 bytes."""
        octets = b"\xfb\xfa" * (size // 2 - 2) + self._mark().to_bytes(4, "little")
        self._take(Slot(column, f"id{size}"), octets)
        return octets

    def text(
        self, column: str, width: int, divisor: int = 1, decimals: int = 0, *, quoted: bool = False
    ) -> str:
        """A sentinel for text of this width (at least 4 bytes) inside a string."""
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"
        mark = self._mark()
        name = "".join(letters[mark >> shift & 31] for shift in (0, 5)) + "~"
        text = name + "|" * (width - len(name))
        kind = "quoted" if quoted else "text"
        self._take(Slot(column, f"{kind}{width}", divisor, decimals), text.encode())
        return text

    def json_needles(self) -> list[tuple[Slot, bytes]]:
        """Each slot and the text that its sentinel has in OTLP/JSON."""
        return [(slot, _json_needle(slot, octets)) for slot, octets in self._taken]

    def _mark(self) -> int:
        return 0x101 + len(self._taken)

    def _take(self, slot: Slot, octets: bytes) -> None:
        self._taken.append((slot, octets))

    def template(self, message: bytes) -> Template:
        """The template of these bytes, which hold every sentinel exactly once."""
        offsets = []
        for slot, octets in self._taken:
            offset = message.find(octets)
            if offset < 0 or message.find(octets, offset + 1) >= 0:
                raise AssertionError(f"the sentinel of {slot} is not in the template once")
            offsets.append(offset)
        names = [f"f{index}" for index in range(len(offsets))]
        dtype = np.dtype(
            {
                "names": names,
                "formats": [wire_dtype(slot, self._int_width) for slot, _ in self._taken],
                "offsets": offsets,
                "itemsize": len(message),
            }
        )
        slots = tuple(zip(names, (slot for slot, _ in self._taken), strict=True))
        return Template(np.void(message), dtype, slots, len(message))


def wire_dtype(slot: Slot, int_width: int) -> str:
    """The numpy type of a slot's items."""
    if slot.encoding == "varint":
        return "V10" if int_width == _WIDE else "<u4"
    if (width := text_width(slot)) is not None:
        return f"S{width}"
    return WIRE_DTYPES[slot.encoding]


def _json_needle(slot: Slot, octets: bytes) -> bytes:
    if slot.encoding == "fixed64":
        return str(int.from_bytes(octets, "little")).encode()
    if slot.encoding == "double":
        return repr(float(np.frombuffer(octets, dtype="<f8")[0])).encode()
    if slot.encoding == "varint":
        return str(_read_varint(octets)).encode()
    return octets.hex().encode() if slot.encoding.startswith("id") else octets


def _read_varint(octets: bytes) -> int:
    value = sum((octet & 0x7F) << 7 * index for index, octet in enumerate(octets))
    return value - (1 << 64) if value >= 1 << 63 else value


def text_width(slot: Slot) -> int | None:
    """Bytes of a text slot; None for other slots."""
    for kind in ("text", "quoted"):
        if slot.encoding.startswith(kind):
            return int(slot.encoding.removeprefix(kind))
    return None


def _varint(value: int) -> bytes:
    rest = value & 0xFFFF_FFFF_FFFF_FFFF
    octets = bytearray()
    while True:
        low, rest = rest & 0x7F, rest >> 7
        octets.append(low | (0x80 if rest else 0))
        if not rest:
            return bytes(octets)
