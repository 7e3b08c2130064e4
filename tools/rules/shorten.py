"""Copies of rule files with shorter times, to watch an alert's whole life without the wait.

Ranges, offsets, `for`, `keep_firing_for` and intervals are divided; thresholds stay. What counts by
the second or is a share keeps its meaning; names such as `rate5m` stay as they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from simtraffic.units import parse_duration

if TYPE_CHECKING:
    from pathlib import Path

_DURATION = r"(?:\d+(?:ms|[smhdwy]))+"
_RANGE = re.compile(rf"\[({_DURATION})(?::({_DURATION}))?\]")
_OFFSET = re.compile(rf"\boffset\s+({_DURATION})")
LEAST_MS = 1000
"""No time becomes shorter: below it nothing is scraped or pushed."""


def shortened(duration: str, factor: float) -> str:
    """A duration divided by the factor, in milliseconds."""
    return f"{max(LEAST_MS, round(parse_duration(duration) / 1_000_000 / factor))}ms"


def shorten_expression(expression: str, factor: float) -> str:
    """A PromQL expression with its ranges and offsets divided."""

    def of_range(found: re.Match[str]) -> str:
        step = f":{shortened(found[2], factor)}" if found[2] else ""
        return f"[{shortened(found[1], factor)}{step}]"

    made = _RANGE.sub(of_range, expression)
    return _OFFSET.sub(lambda found: f"offset {shortened(found[1], factor)}", made)


def shorten(source: Path, target: Path, factor: float, interval: str) -> None:
    """Write a copy of a rule file whose groups are evaluated every ``interval``."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.width = 1000
    tree: dict[str, Any] = yaml.load(source.read_text(encoding="utf-8"))
    for group in tree["groups"]:
        group["interval"] = interval
        for rule in group["rules"]:
            rule["expr"] = shorten_expression(rule["expr"], factor)
            for key in ("for", "keep_firing_for"):
                if key in rule:
                    rule[key] = shortened(rule[key], factor)
    with target.open("w", encoding="utf-8") as file:
        yaml.dump(tree, file)
