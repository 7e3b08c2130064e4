"""How things look in a picture of a board: colours as Grafana has them, numbers with their unit."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterable
from typing import Any

from tools.dashboards.build import PROVIDER_COLOURS

GROUND, PANEL, GRID, INK, FAINT = "#111217", "#181b1f", "#2a2d33", "#ccccdc", "#7b7f8a"
COLOURS = ("#73bf69", "#5794f2", "#f2cc0c", "#ff9830", "#b877d9", "#e02f44", "#8ab8ff", "#ffa6b0")
NAMED = {
    "green": "#73bf69",
    "yellow": "#fade2a",
    "orange": "#ff9830",
    "red": "#f2495c",
    "blue": "#5794f2",
    "purple": "#b877d9",
    "text": INK,
    "transparent": "none",
}
_SHADES = (0.0, 0.16, -0.13, 0.28, -0.22)
"""How much lighter or darker each further series of one fixed colour is."""
_TAILS = {"reqps": " req/s", "ops": " ops/s", "ms": " ms"}


def colour_of(name: str) -> str:
    """A colour of Grafana's as one of the picture's."""
    return NAMED.get(name.removeprefix("dark-").removeprefix("light-"), name or INK)


def coloured(panel: dict[str, Any], names: Iterable[str]) -> dict[str, str]:
    """A colour for each series: its override's, in shades where it says so, or the palette's."""
    made: dict[str, str] = {}
    used: dict[str, int] = {}
    for number, name in enumerate(names):
        fixed = _fixed(panel, name)
        if fixed is None:
            made[name] = COLOURS[number % len(COLOURS)]
            continue
        mode, base = fixed
        nth = used[base] = used.get(base, -1) + 1
        made[name] = shade(base, nth) if mode == "shades" else base
    return made


def shade(base: str, nth: int) -> str:
    """The nth shade of a colour, the first of which is itself."""
    red, green, blue = (int(base[i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue, light, strength = colorsys.rgb_to_hls(red, green, blue)
    light = min(0.9, max(0.15, light + _SHADES[nth % len(_SHADES)]))
    mixed = colorsys.hls_to_rgb(hue, light, strength)
    return "#" + "".join(f"{round(255 * part):02x}" for part in mixed)


def _fixed(panel: dict[str, Any], name: str) -> tuple[str, str] | None:
    for override in panel.get("fieldConfig", {}).get("overrides", ()):
        if not _matches(override.get("matcher", {}), name):
            continue
        for each in override.get("properties", ()):
            value = each.get("value")
            if each.get("id") == "color" and isinstance(value, dict) and "fixedColor" in value:
                return value.get("mode", "fixed"), colour_of(value["fixedColor"])
    provider = PROVIDER_COLOURS.get(name)
    return ("fixed", provider) if provider else None


def _matches(matcher: dict[str, Any], name: str) -> bool:
    options = matcher.get("options")
    if matcher.get("id") == "byName":
        return bool(options == name)
    if matcher.get("id") == "byRegexp" and isinstance(options, str):
        try:
            return re.search(options.strip("/"), name) is not None
        except re.error:
            return False
    return False


def defaults(panel: dict[str, Any]) -> dict[str, Any]:
    """What its fields have in common; empty for a board that says nothing of them."""
    found: dict[str, Any] = panel.get("fieldConfig", {}).get("defaults", {})
    return found


def steps(panel: dict[str, Any]) -> list[tuple[float | None, str]]:
    """Thresholds as value and colour, the lowest first."""
    found = defaults(panel).get("thresholds", {}).get("steps", ())
    return [(each.get("value"), colour_of(str(each.get("color", "")))) for each in found]


def step_colour(panel: dict[str, Any], value: float) -> str | None:
    """The colour that the thresholds give to a value."""
    chosen = None
    for least, colour in steps(panel):
        if least is None or value >= least:
            chosen = colour
    return chosen


def written(value: float, unit: str) -> str:
    """A value with its unit, as short as Grafana writes it."""
    if unit == "percentunit":
        return f"{100 * value:.3g} %" if abs(value) < 10 else f"{100 * value:,.0f} %"
    if unit == "currencyUSD":
        return f"${_short(value)}" if abs(value) >= 0.1 or value == 0 else f"${value:.2g}"
    if unit == "s" and abs(value) < 1:
        return f"{1000 * value:.3g} ms"
    if unit == "bytes":
        return f"{value / 2**30:.3g} GiB" if value >= 2**30 else f"{value / 2**20:.3g} MiB"
    tail = " s" if unit == "s" else _TAILS.get(unit, "")
    return _short(value) + tail


def _short(value: float) -> str:
    for size, letter in ((1e9, " Bil"), (1e6, " Mil"), (1e3, " K")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"
