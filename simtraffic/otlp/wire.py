"""Whole columns in wire form, so that templates can be filled slot by slot without touching rows.

Every function takes one value per row and gives an array whose items are the bytes of a slot:
little-endian words for fixed64 and doubles, padded varints of four or ten bytes for integers,
fixed-width text for what stands inside strings. A padded varint carries continuation bits over
zero bits; every protobuf parser reads it as the same number.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simtraffic.arrays import Array, Ints, Octets

NARROW_LIMIT = 100_000_000
"""Integers from 0 to below this fit a varint of four bytes and eight digits; others take more."""

_U64 = np.uint64
_GROUP = 10_000
_DIGITS = np.array([b"%04d" % n for n in range(_GROUP)], dtype="S4").view(np.uint32)
_PADDED = np.array([b"%4d" % n for n in range(_GROUP)], dtype="S4").view(np.uint32)
_BLANK = np.frombuffer(b"    ", dtype=np.uint32)[0]
_HEX = np.array([b"%02x" % n for n in range(256)], dtype="S2").view(np.uint16)
_MILLISECONDS = np.array([b".%03dZ" % n for n in range(1000)], dtype="S5").view("V5")
_MAX_SECONDS = 4096


def is_narrow(values: Ints) -> bool:
    """Whether every value fits a varint of four bytes."""
    return not len(values) or (int(values.min()) >= 0 and int(values.max()) < NARROW_LIMIT)


def narrow_varints(values: Ints) -> NDArray[np.uint32]:
    """Varints of four bytes, as little-endian words. Values from 0 to below 2**28."""
    v = values.astype(np.uint32)
    word = v & np.uint32(0x7F)
    word |= (v & np.uint32(0x3F80)) << np.uint32(1)
    word |= (v & np.uint32(0x1FC000)) << np.uint32(2)
    word |= (v & np.uint32(0xFE00000)) << np.uint32(3)
    word |= np.uint32(0x00808080)
    return word


def wide_varints(values: Ints) -> Array:
    """Varints of ten bytes for any int64 (negative ones as two's complement), dtype ``V10``."""
    v = values.astype(np.int64).view(_U64)
    out = np.empty((len(v), 10), dtype=np.uint8)
    for index in range(9):
        out[:, index] = ((v >> _U64(7 * index)) & _U64(0x7F)) | _U64(0x80)
    out[:, 9] = v >> _U64(63)
    return out.view("V10")[:, 0]


def hex_text(ids: Array) -> Array:
    """Lower-case hexadecimal of ids: uint64 words in memory order, shape (n,) or (n, 2)."""
    octets = np.ascontiguousarray(ids).view(np.uint8).reshape(len(ids), -1)
    text = _HEX[octets]
    return text.view(f"S{2 * octets.shape[1]}")[:, 0]


def digits_text(values: Ints, width: int) -> Array:
    """Zero-padded decimal text of numbers below 10**width; width a multiple of four."""
    return _groups(values, width, pad=False).view(f"S{width}")[:, 0]


def number_text(values: Ints, width: int) -> Array:
    """Decimal text, padded with blanks on the left; width a multiple of four."""
    return _groups(values, width, pad=True).view(f"S{width}")[:, 0]


def _groups(values: Ints, width: int, *, pad: bool) -> NDArray[np.uint32]:
    count = width // 4
    out = np.empty((len(values), count), dtype=np.uint32)
    rest = values.astype(np.int64)
    for index in range(count - 1, -1, -1):
        quotient = rest // _GROUP
        group = rest - quotient * _GROUP
        if not pad:
            out[:, index] = _DIGITS[group]
        else:
            out[:, index] = np.where(quotient > 0, _DIGITS[group], _PADDED[group])
            if index < count - 1:
                out[:, index][rest == 0] = _BLANK
        rest = quotient
    return out


def decimal_text(values: Ints, decimals: int, width: int) -> Array:
    """Numbers as ``whole.fraction`` text padded on the left: value / 10**decimals.

    Width counts the point and is the whole part's width (a multiple of four) + 1 + decimals.
    """
    unit = 10**decimals
    whole = values // unit
    fraction = values - whole * unit
    whole_width = width - 1 - decimals
    padded = -(-decimals // 4) * 4
    out = np.empty((len(values), width), dtype=np.uint8)
    out[:, :whole_width] = _octets(number_text(whole, whole_width))
    out[:, whole_width] = ord(".")
    out[:, whole_width + 1 :] = _octets(digits_text(fraction, padded))[:, padded - decimals :]
    return out.view(f"S{width}")[:, 0]


def time_text(unix_ns: Ints) -> Array:
    """Instants as ``2026-01-01T00:00:00.000Z``, milliseconds cut off."""
    if not len(unix_ns):
        return np.empty(0, dtype="S24")
    ms = unix_ns // 1_000_000
    seconds = ms // 1000
    first = int(seconds.min())
    if int(seconds.max()) - first < _MAX_SECONDS:
        moments, which = np.arange(first, int(seconds.max()) + 1), seconds - first
    else:
        moments, which = np.unique(seconds, return_inverse=True)
    texts = np.datetime_as_string(moments.astype("M8[s]")).astype("S19")
    out = np.empty(len(ms), dtype=[("second", "V19"), ("rest", "V5")])
    out["second"] = texts.view("V19")[which]
    out["rest"] = _MILLISECONDS[ms - seconds * 1000]
    return out.view("S24")


def _octets(text: Array) -> Octets:
    return np.ascontiguousarray(text).view(np.uint8).reshape(len(text), -1)
