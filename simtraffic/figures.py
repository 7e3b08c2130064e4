"""Figures as people read them, by rules that tests hold it to.

- **Three figures** are kept, noughts included: ``6.80k`` under ``7.27k``, ``3.00 s`` under
  ``1.24 s``. What is rounded is off by half a unit of its last digit at most, and a unit is left
  before it comes to a thousand: ``1.00M``, never ``1000k``. Digits before the point are never
  rounded away in a column, so there ``41,235k`` may stand.
- **What was counted is exact**: whole numbers with their thousands set apart. Only counts that
  nobody reads to the last digit, such as tokens, are shortened, and below a thousand not even they.
- **A column has one unit**, the largest in which its smallest value still has a figure right after
  the point, and stands on the point. Of seconds and bytes the unit has a space before it.
- **Money** has cents; a sum below a dollar has three figures, and then so has the whole column, in
  as many decimals. Prices and context windows are told exactly as they are.
- **A share** is never rounded to a whole 0 or 100 % that it is not.
- **Nothing** observed is a dash, and never a zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Units = Sequence[tuple[float, str]]

_STEPS: Units = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
_BYTES: Units = ((1e12, " TB"), (1e9, " GB"), (1e6, " MB"), (1e3, " kB"), (1.0, " B"))
_SECONDS: Units = ((1.0, " s"), (1e-3, " ms"), (1e-6, " µs"), (1e-9, " ns"))
# What is smaller is told as less than this.
_MOST_DECIMALS = 7
_CENTS = 2
_MOST_CENTS = 5
_CONTEXT = ((1_000_000, "M"), (1_000, "k"), (1 << 20, "M"), (1 << 10, "k"))
NOTHING = "–"
"""Stands where nothing was observed."""


def count(value: float | None) -> str:
    """A whole number with its thousands set apart: ``1,234,567``."""
    return NOTHING if value is None else f"{value:,.0f}"


def short(value: float) -> str:
    """A count in three figures: ``950``, ``12.3k``, ``4.56M``; below a thousand as it is."""
    return shorts([value])[0]


def shorts(values: Sequence[float]) -> list[str]:
    """A column of counts in three figures, all in one unit."""
    return _column(values, _STEPS, are_counts=True)


def size(value: float) -> str:
    """Bytes: ``512 B``, ``1.24 MB``."""
    return sizes([value])[0]


def sizes(values: Sequence[float], each: str = "") -> list[str]:
    """A column of them; ``each`` follows the unit, as in ``117 kB/s``."""
    units = [(step, name + each) for step, name in _BYTES]
    return _column(values, units, are_counts=True)


def rate(value: float) -> str:
    """Events a second in three figures: ``49.8/s``."""
    return rates([value])[0]


def rates(values: Sequence[float]) -> list[str]:
    """A column of events a second, all in one unit."""
    return _column(values, [(step, f"{name}/s") for step, name in _STEPS])


def share(value: float) -> str:
    """A ratio as a percentage; never rounded to a whole 0 or 100 % that it is not."""
    if value in (0, 1):
        return f"{value * 100:.0f} %"
    percent = value * 100
    if percent < 0.0001:
        return "< 0.0001 %"
    fewest = _decimals(percent)
    for decimals in range(fewest, max(fewest, 4) + 1):
        text = f"{percent:.{decimals}f}"
        if float(text) != 100:
            return f"{text} %"
    return "> 99.9999 %" if value < 1 else f"{percent:,.0f} %"


def shares(values: Sequence[float]) -> list[str]:
    """A column of percentages, below one another by their points."""
    return on_the_point([share(value) for value in values])


def seconds(value: float | None) -> str:
    """A measured duration in three figures: ``850 µs``, ``12.3 ms``, ``1.24 s``, ``2m05s``."""
    if value is not None and value >= 99.95:
        return clock(value)
    return durations([value])[0]


def durations(values: Sequence[float | None]) -> list[str]:
    """A column of them, in one unit however long they are."""
    return _column(values, _SECONDS)


def clock(value: float) -> str:
    """Time by the second, in two units at most: ``45s``, ``2m05s``, ``1h02m``, ``3d04h``."""
    for unit, part, (big, little) in ((60, 1, "ms"), (3600, 60, "hm"), (86400, 3600, "dh")):
        whole = int(value / part + 0.5)
        if part == 1 and whole < unit:
            return f"{whole}s"
        # Sixty minutes are an hour, and however many days are days.
        if whole * part < unit * (60 if part == 1 else 24) or little == "h":
            above, below = divmod(whole, unit // part)
            return f"{above}{big}{below:02d}{little}" if below else f"{above}{big}"
    raise AssertionError


def stretch(value: float) -> str:
    """How long something is: as a clock, but a tenth under ten seconds and a part of a second."""
    if 0 < value < 0.9995:
        return durations([value])[0]
    if value < 9.95 and round(value, 1) % 1:
        return f"{value:.1f}s"
    return clock(value)


def usd(value: float) -> str:
    """US dollars, to the cent or in three figures: ``$2.88``, ``$0.626``."""
    return dollars([value])[0]


def dollars(values: Sequence[float]) -> list[str]:
    """A column of them, all with the decimals that the smallest sum needs."""
    small = [_decimals(value) for value in values if 0 < value < 0.9995]
    decimals = min(_MOST_CENTS, max([_CENTS, *small]))
    least: float = 10**-decimals
    return [
        f"< ${least:.{decimals}f}" if 0 < value < least / 2 else f"${value:,.{decimals}f}"
        for value in values
    ]


def prices(values: Sequence[float]) -> list[str]:
    """A column of prices, exact and on the point: ``2.50``, ``0.075``."""
    texts = []
    for value in values:
        whole, _, decimals = f"{value:,.6f}".rstrip("0").partition(".")
        texts.append(f"{whole}.{decimals:<02}")
    return on_the_point(texts)


def context(tokens: int) -> str:
    """A context window as its provider says it, if that is exact: ``8k``, ``128k``, ``1M``.

    ``k`` is 1,000 or 1,024, whichever divides it; others are told in full.
    """
    for step, letter in _CONTEXT:
        if tokens and tokens % step == 0:
            return f"{tokens // step:,}{letter}"
    return count(tokens)


def measured(value: float | None, measure: str) -> str:
    """The value of a threshold's measure in the measure's own unit."""
    if value is None:
        return NOTHING
    if measure in ("delivered", "error_share"):
        return share(value)
    if measure in ("lateness", "time_to_first_token", "duration"):
        return seconds(value)
    if measure == "rate":
        return rate(value)
    return usd(value) if measure == "cost_usd" else count(value)


def listed(parts: Sequence[str]) -> str:
    """Things in a sentence: ``a, b and c``."""
    return " and ".join([*([", ".join(parts[:-1])] if parts[1:] else []), *parts[-1:]])


def on_the_point(texts: Sequence[str]) -> list[str]:
    """The texts made equally long, their decimal points below one another."""
    pairs = [(text[:at], text[at:]) for text in texts for at in [_point(text)]]
    left = max((len(before) for before, _ in pairs), default=0)
    right = max((len(after) for _, after in pairs), default=0)
    return [f"{before:>{left}}{after:<{right}}" for before, after in pairs]


def _point(text: str) -> int:
    """Where the point is, or would be: behind the last digit."""
    at = text.find(".")
    if at >= 0:
        return at
    digits = [number for number, sign in enumerate(text) if sign.isdigit()]
    return digits[-1] + 1 if digits else len(text)


def _column(values: Sequence[float | None], units: Units, *, are_counts: bool = False) -> list[str]:
    unit = _unit([abs(value) for value in values if value], units)
    # A nought has no thousands.
    nought = unit[1] if unit[1].startswith(" ") else _plain(units)[1]
    is_exact = are_counts and unit[0] == 1.0 and not any(value % 1 for value in values if value)
    return on_the_point(
        [
            NOTHING
            if value is None
            else _figure(value, *unit, is_exact=is_exact)
            if value
            else f"0{nought}"
            for value in values
        ]
    )


def _plain(units: Units) -> tuple[float, str]:
    """The unit without a prefix."""
    return next(unit for unit in units if unit[0] == 1.0)


def _figure(value: float, step: float, name: str, *, is_exact: bool) -> str:
    if is_exact:
        return f"{value:,.0f}{name}"
    # The smaller units are fractions, by which dividing is less exact.
    scaled = value / step if step >= 1 else value * round(1 / step)
    decimals = _decimals(scaled)
    if decimals > _MOST_DECIMALS:
        return f"< {10**-_MOST_DECIMALS:.{_MOST_DECIMALS}f}{name}"
    return f"{scaled:,.{decimals}f}{name}"


def _unit(values: Sequence[float], units: Units) -> tuple[float, str]:
    """The unit for a column of values above zero."""
    if not values:
        return _plain(units)
    smallest, largest = _rounded(min(values)), _rounded(max(values))
    for step, name in units:
        if largest >= step and smallest >= step / 10:
            return step, name
    return units[-1]


def _rounded(value: float) -> float:
    """To three figures."""
    return float(f"{value:.2e}")


def _decimals(value: float) -> int:
    """How many keep three figures of a value above zero."""
    return max(0, 2 - int(f"{abs(value):.2e}".partition("e")[2]))
