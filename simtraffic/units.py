"""Quantities as people write them (``30s``, ``50/s``, ``5%``, ``2KB``, ``4k``) and back.

Inside the program durations are integer nanoseconds, rates floats per second, shares floats from
0 to 1, sizes and counts integers. Every reader raises :class:`UnitError`, never anything else.
"""

from __future__ import annotations

import re

NS_PER_SECOND = 1_000_000_000

_DURATIONS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": NS_PER_SECOND,
    "m": 60 * NS_PER_SECOND,
    "h": 3_600 * NS_PER_SECOND,
    "d": 86_400 * NS_PER_SECOND,
}
_RATES = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_SIZES = {
    "B": 1,
    "KB": 1_000,
    "MB": 1_000_000,
    "GB": 1_000_000_000,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
}
_COUNTS = {"": 1, "k": 1_000, "M": 1_000_000, "G": 1_000_000_000}

MAX_DURATION_NS = 3_650 * _DURATIONS["d"]
"""Ten years, far inside what 64-bit nanoseconds hold."""

_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,9})?"

DURATION_PATTERN = rf"^(?:{_NUMBER}(?:ns|us|ms|s|m|h|d))+$"
RATE_PATTERN = rf"^{_NUMBER}/[smhd]$"
SHARE_PATTERN = rf"^{_NUMBER}%$"
SIZE_PATTERN = rf"^{_NUMBER}(?:B|[KMG]i?B)$"
COUNT_PATTERN = rf"^{_NUMBER}[kMG]?$"

_DURATION = re.compile(DURATION_PATTERN)
_DURATION_PART = re.compile(rf"({_NUMBER})(ns|us|ms|s|m|h|d)")
_RATE = re.compile(rf"({_NUMBER})/([smhd])")
_SHARE = re.compile(rf"({_NUMBER})%")
_SIZE = re.compile(rf"({_NUMBER})(B|[KMG]i?B)")
_COUNT = re.compile(rf"({_NUMBER})([kMG]?)")
_BARE = re.compile(_NUMBER)


class UnitError(ValueError):
    """A quantity cannot be read; ``problem`` says why and ``hint`` how to write it."""

    def __init__(self, problem: str, hint: str) -> None:
        self.problem = problem
        self.hint = hint
        super().__init__(f"{problem}; {hint}")


def parse_duration(text: str) -> int:
    """Nanoseconds of ``250ms``, ``30s``, ``1h30m``: numbers with units, largest unit first.

    Raises:
        UnitError: No unit, an unknown one, one given twice or out of order, or over ten years.
    """
    if _DURATION.fullmatch(text) is None:
        if _BARE.fullmatch(text):
            raise UnitError("duration without a unit", f"write {text}s or {text}ms")
        raise UnitError("not a duration", "write it like 250ms, 30s, 2m, 1h30m or 7d")
    total = 0
    previous = MAX_DURATION_NS
    for number, unit in _DURATION_PART.findall(text):
        if _DURATIONS[unit] >= previous:
            raise UnitError("duration with its units out of order", "write it like 1h30m")
        previous = _DURATIONS[unit]
        total += _scaled(number, previous)
    if total > MAX_DURATION_NS:
        raise UnitError("duration too long", "at most 3650d")
    return total


def parse_rate(text: str) -> float:
    """Events a second of ``50/s``, ``3000/m``, ``10/h`` or ``1/d``.

    Raises:
        UnitError: Anything else.
    """
    match = _RATE.fullmatch(text)
    if match is None:
        if _BARE.fullmatch(text):
            raise UnitError("rate without a unit", f"write {text}/s")
        raise UnitError("not a rate", "write it like 50/s, 3000/m or 0.2/s")
    return float(match[1]) / _RATES[match[2]]


def parse_share(text: str) -> float:
    """The ratio, 0 to 1, of a percentage such as ``5%``.

    Raises:
        UnitError: Not a percentage, or more than 100 %.
    """
    match = _SHARE.fullmatch(text)
    if match is None:
        if _BARE.fullmatch(text):
            raise UnitError("share without a percent sign", f"write {text}%")
        raise UnitError("not a share", "write it like 5% or 0.05")
    ratio = float(match[1]) / 100
    if ratio > 1:
        raise UnitError("share over 100%", "write 0% to 100%")
    return ratio


def parse_size(text: str) -> int:
    """Bytes of ``2KB`` (1,000 each), ``2KiB`` (1,024 each), ``512B``.

    Raises:
        UnitError: Anything else.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        if _BARE.fullmatch(text):
            raise UnitError("size without a unit", f"write {text}B or {text}KB")
        raise UnitError("not a size", "write it like 512B, 2KB, 64MB or 1GiB")
    return _scaled(match[1], _SIZES[match[2]])


def parse_count(text: str) -> int:
    """The whole number of ``900``, ``4k``, ``1.5M``.

    Raises:
        UnitError: Anything else, and fractions such as ``1.5`` or ``0.0001k``.
    """
    match = _COUNT.fullmatch(text)
    if match is None:
        raise UnitError("not a count", "write it like 900, 4k or 2M")
    count = _scaled(match[1], _COUNTS[match[2]])
    if count * 10**9 != _scaled(match[1], _COUNTS[match[2]] * 10**9):
        raise UnitError("not a whole number", "write it like 900, 4k or 2M")
    return count


def format_duration(duration_ns: int) -> str:
    """The shortest exact spelling that :func:`parse_duration` reads, such as ``2m30s``."""
    if duration_ns == 0:
        return "0s"
    parts = []
    rest = duration_ns
    for unit in ("d", "h", "m"):
        whole, rest = divmod(rest, _DURATIONS[unit])
        if whole:
            parts.append(f"{whole}{unit}")
    if rest:
        unit = next(u for u in ("s", "ms", "us", "ns") if rest >= _DURATIONS[u])
        whole, fraction = divmod(rest, _DURATIONS[unit])
        digits = len(str(_DURATIONS[unit])) - 1
        tail = f".{fraction:0{digits}d}".rstrip("0") if fraction else ""
        parts.append(f"{whole}{tail}{unit}")
    return "".join(parts)


def format_rate(per_second: float) -> str:
    """A rate for people, such as ``50/s`` or ``0.2/s``, to six digits."""
    return f"{per_second:.6g}/s"


def format_share(ratio: float) -> str:
    """A ratio for people, such as ``5%``, to six digits."""
    return f"{ratio * 100:.6g}%"


def _scaled(number: str, unit: int) -> int:
    """``number`` times ``unit`` in integers, so that 0.3 s is exact; rounded down."""
    whole, _, fraction = number.partition(".")
    scale: int = 10 ** len(fraction)
    return int(whole) * unit + int(fraction or "0") * unit // scale
