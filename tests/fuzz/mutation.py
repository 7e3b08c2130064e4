"""Seeded mutation of bytes; the same seed and number, the same input."""

from __future__ import annotations

from collections.abc import Callable, Sequence

_MASK = 2**64 - 1
MOST_BYTES = 48 << 10
"""Of an input: what a pair of sockets holds without a reader."""
MOST_CHANGES = 6

# What parsers stumble over: numbers at their ends, the words of JSON and of HTTP.
WORDS = (
    b"\x00",
    b"\xff",
    b"\x7f",
    b"\x80" * 9 + b"\x01",
    b"\xff" * 10,
    b"\x0a\x00",
    b"\x0b\x0c",
    b"\xff\xff\xff\xff\x0f",
    b"{",
    b"[" * 300,
    b'{"a":' * 300,
    b"}",
    b"null",
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"9" * 5_000,
    b'"\\ud800"',
    b'"\\u0000"',
    b"-1",
    b"18446744073709551616",
    b'"traceId":"zz"',
    b'"kind":"SPAN_KIND_CLIENT"',
    b'"intValue":[]',
    b"\r\n",
    b"\r\n\r\n",
    b"content-length: 18446744073709551616\r\n",
    b"content-length: -1\r\n",
    b"transfer-encoding: chunked\r\n",
    b"content-encoding: gzip\r\n",
    b"content-type: application/json\r\n",
    b"expect: 100-continue\r\n",
    b"connection: close\r\n",
    b"-5\r\n",
    b"ffffffffffffffff\r\n",
    b"0\r\n\r\n",
    b"\x1f\x8b\x08",
    b"HTTP/0.9",
    b"\xc3\x28",
    b"\xed\xa0\x80",
)


class Dice:
    """Chances of one input (SplitMix64; Steele, Lea and Flood, 2014)."""

    def __init__(self, seed: int, number: int) -> None:
        self._state = (seed * 0x9E3779B97F4A7C15 + number * 0xD1342543DE82EF95) & _MASK

    def below(self, end: int) -> int:
        """A whole number from 0 up to, not including, ``end``; 0 when that is 0."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return (mixed ^ (mixed >> 31)) % max(1, end)

    def bytes(self, count: int) -> bytes:
        """Any bytes."""
        return b"".join(self.below(2**64).to_bytes(8, "big") for _ in range(0, count, 8))[:count]


def mutated(dice: Dice, start: bytes, others: Sequence[bytes]) -> bytes:
    """``start`` after one to six changes; one input in sixteen is left as it was."""
    if not dice.below(16):
        return start
    data = start
    # Half of the inputs have one change only, as many would hardly pass the parser.
    for _ in range(1 + dice.below(2) * dice.below(MOST_CHANGES)):
        data = CHANGES[dice.below(len(CHANGES))](dice, data, others)
    return data[:MOST_BYTES]


def _flip(dice: Dice, data: bytes, _others: Sequence[bytes]) -> bytes:
    at = dice.below(len(data))
    return (
        data[:at]
        + bytes([byte ^ (1 << dice.below(8)) for byte in data[at : at + 1]])
        + (data[at + 1 :])
    )


def _overwrite(dice: Dice, data: bytes, _others: Sequence[bytes]) -> bytes:
    at, some = dice.below(len(data)), dice.bytes(1 + dice.below(8))
    return data[:at] + some + data[at + len(some) :]


def _insert(dice: Dice, data: bytes, _others: Sequence[bytes]) -> bytes:
    at = dice.below(len(data) + 1)
    return data[:at] + dice.bytes(1 + dice.below(40)) + data[at:]


def _word(dice: Dice, data: bytes, _others: Sequence[bytes]) -> bytes:
    at = dice.below(len(data) + 1)
    gone = dice.below(2) * dice.below(12)
    return data[:at] + WORDS[dice.below(len(WORDS))] + data[at + gone :]


def _header(dice: Dice, data: bytes, _others: Sequence[bytes]) -> bytes:
    """A word at the start of a line, where a header may stand."""
    at = data.find(b"\n", dice.below(len(data))) + 1
    return data[:at] + WORDS[dice.below(len(WORDS))] + data[at:]


def _delete(dice: Dice, data: bytes, _others: Sequence[bytes]) -> bytes:
    at = dice.below(len(data))
    return data[:at] + data[at + 1 + dice.below(64) :]


def _repeat(dice: Dice, data: bytes, _others: Sequence[bytes]) -> bytes:
    at = dice.below(len(data))
    piece = data[at : at + 1 + dice.below(200)]
    return data[:at] + piece * (1 + dice.below(8)) + data[at:]


def _cut(dice: Dice, data: bytes, _others: Sequence[bytes]) -> bytes:
    return data[: dice.below(len(data) + 1)]


def _graft(dice: Dice, data: bytes, others: Sequence[bytes]) -> bytes:
    other = others[dice.below(len(others))]
    at, start = dice.below(len(data) + 1), dice.below(len(other) + 1)
    return data[:at] + other[start : start + dice.below(600)] + data[at + dice.below(200) :]


def _digit(dice: Dice, data: bytes, _others: Sequence[bytes]) -> bytes:
    """Another number in a text: a length, a chunk's size, a time."""
    at = next(
        (at for at in range(dice.below(len(data)), len(data)) if data[at : at + 1].isdigit()), -1
    )
    if at < 0:
        return data
    return data[:at] + str(dice.below(10 ** (1 + dice.below(12)))).encode() + data[at + 1 :]


CHANGES: tuple[Callable[[Dice, bytes, Sequence[bytes]], bytes], ...] = (
    _flip,
    _flip,
    _overwrite,
    _insert,
    _word,
    _word,
    _header,
    _delete,
    _repeat,
    _cut,
    _graft,
    _digit,
)
