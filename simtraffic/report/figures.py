"""Figures as people read them: short, with a unit, of a width that tables can rely on."""

from __future__ import annotations

_STEPS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_BYTES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
NOTHING = "–"
"""Stands where nothing was observed."""


def count(value: float) -> str:
    """A whole number with its thousands set apart: ``1,234,567``."""
    return f"{value:,.0f}"


def short(value: float) -> str:
    """A number in three or four figures: ``950``, ``12.3k``, ``4.56M``."""
    for step, letter in _STEPS:
        # 999,600 would round to 1000k.
        if abs(value) >= step * 0.9995:
            return f"{_three(value / step)}{letter}"
    return _three(value)


def size(value: float) -> str:
    """Bytes: ``512 B``, ``1.24 MB``."""
    for step, unit in _BYTES:
        if abs(value) >= step * 0.9995:
            return f"{_three(value / step)} {unit}"
    return f"{value:.0f} B"


def rate(value: float) -> str:
    """Events a second: ``49.8/s``."""
    return f"{short(value)}/s"


def share(value: float) -> str:
    """A ratio as a percentage; never rounded to a whole 0 or 100 % that it is not."""
    if value in (0, 1):
        return f"{value * 100:.0f} %"
    for digits in (2, 4):
        text = f"{value * 100:.{digits}f}"
        if float(text) not in (0, 100):
            return f"{text} %"
    return "> 99.9999 %" if value > 0.5 else "< 0.0001 %"


def seconds(value: float | None) -> str:
    """A measured duration in three figures: ``850 µs``, ``12.3 ms``, ``1.24 s``, ``2m05s``."""
    if value is None:
        return NOTHING
    if value >= 99.95:
        return clock(value)
    for step, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if value >= step * 0.9995:
            return f"{_three(value / step)} {unit}"
    return f"{value * 1e9:.0f} ns" if value else "0 s"


def clock(value: float) -> str:
    """A stretch of time to the second: ``45s``, ``2m05s``, ``1h02m``, ``3d04h``."""
    whole = round(value)
    for unit, part, (big, little) in ((86400, 3600, "dh"), (3600, 60, "hm"), (60, 1, "ms")):
        if whole >= unit:
            above, rest = divmod(whole, unit)
            below = rest // part
            return f"{above}{big}{below:02d}{little}" if below else f"{above}{big}"
    return f"{whole}s"


def usd(value: float) -> str:
    """US dollars; cents matter little, but a small sum is not nothing."""
    if value == 0 or value >= 0.995:
        return f"${value:,.2f}"
    return f"${value:.4f}" if value >= 0.00005 else "~$0"


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


def _three(value: float) -> str:
    """Three figures, with no zeros after the point that say nothing."""
    digits = 0 if abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
