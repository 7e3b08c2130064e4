"""OTLP/JSON templates: the same shapes as JSON text, numbers written without padding.

A slot holds the longest text its column can have; what a row does not need is filled with zero
bytes, which cannot occur in JSON and are taken out at the end.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import numpy as np
from google.protobuf.json_format import MessageToDict

from simtraffic.arrays import Array, Floats, Ints
from simtraffic.otlp.template import Slot, Slots, Template, text_width

if TYPE_CHECKING:
    from google.protobuf.message import Message

FILLER = b"\0"
_IDS = ("traceId", "spanId", "parentSpanId")
_WIDTHS = {"fixed64": 20, "varint": 20, "double": 25, "id8": 16, "id16": 32}


def slot_width(slot: Slot) -> int:
    """Bytes that the longest text of this slot takes."""
    width = text_width(slot)
    if width is not None and slot.encoding.startswith("quoted"):
        return 3 * width  # escaped once more inside the body's string
    return _WIDTHS[slot.encoding] if width is None else width


def otlp_dict(message: Message) -> object:
    """A message as OTLP/JSON has it: hexadecimal ids, enums as numbers, 64-bit integers as text."""
    tree = MessageToDict(message, use_integers_for_enums=True)
    _hex_ids(tree)
    return tree


def _hex_ids(node: object) -> None:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in _IDS and isinstance(value, str):
                node[key] = base64.b64decode(value).hex()
            else:
                _hex_ids(value)
    elif isinstance(node, list):
        for item in node:
            _hex_ids(item)


def json_text(tree: object) -> bytes:
    """A tree as JSON without blanks, in UTF-8."""
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()


def json_template(slots: Slots, message: Message, proto_length: int) -> Template:
    """A template of this message's JSON; each row ends in a comma."""
    text = json_text(otlp_dict(message)) + b","
    places = sorted(
        (_find(text, needle, slot), slot, needle) for slot, needle in slots.json_needles()
    )
    octets = bytearray()
    position = 0
    names: list[str] = []
    formats: list[str] = []
    offsets: list[int] = []
    for offset, slot, needle in places:
        octets += text[position:offset]
        names.append(f"f{len(names)}")
        formats.append(f"S{slot_width(slot)}")
        offsets.append(len(octets))
        octets += FILLER * slot_width(slot)
        position = offset + len(needle)
    octets += text[position:]
    dtype = np.dtype(
        {"names": names, "formats": formats, "offsets": offsets, "itemsize": len(octets)}
    )
    blank = np.void(bytes(octets))
    filled = tuple(zip(names, (slot for _, slot, _ in places), strict=True))
    return Template(blank, dtype, filled, proto_length)


def _find(text: bytes, needle: bytes, slot: Slot) -> int:
    offset = text.find(needle)
    if offset < 0 or text.find(needle, offset + 1) >= 0:
        raise AssertionError(f"the sentinel of {slot} is not in the template once")
    return offset


def decimal_integers(values: Ints) -> Array:
    """Integers as decimal text of up to 20 bytes, zero bytes after it."""
    return values.astype("S20")


def shortest_doubles(values: Floats) -> Array:
    """Doubles as the shortest JSON text that reads back the same, zero bytes after it."""
    return values.astype("S25")
