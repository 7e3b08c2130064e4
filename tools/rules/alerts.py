"""What the rule files say, for those who show the same: dashboards, runbooks, tests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

CONFIG = Path(__file__).resolve().parents[2] / "config"
RULES = CONFIG / "prometheus/rules"
# The comparison that decides comes first; guards such as a minimum of traffic come after it.
_COMPARISON = re.compile(r"[^=!<>](?:>=?|<=?)\s*([0-9.]+(?:e[0-9]+)?)\b")


@dataclass(frozen=True, slots=True)
class Alert:
    """An alerting rule."""

    name: str
    expression: str
    pending: str
    """Its ``for``; empty when it fires at once."""
    kept: str
    """Its ``keep_firing_for``; empty when it ends with its expression."""
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    file: str

    @property
    def threshold(self) -> float | None:
        """The number that its expression compares with first; None when there is none."""
        found = [float(number) for number in _COMPARISON.findall(self.expression)]
        # A comparison with 0 only asks whether there is anything.
        return next((number for number in found if number), found[0] if found else None)

    @property
    def bounds(self) -> dict[str, float]:
        """Its threshold by the model's tier; that of ordinary models under an empty name."""
        found = re.findall(r'tier(!?=)"(\w*)"}\s*[<>]=?\s*([0-9.]+)', self.expression)
        return {"" if how == "!=" else tier: float(number) for how, tier, number in found}


def rules(folder: Path = RULES) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every rule with the name of its file, as the files have them."""
    reader = YAML(typ="safe", pure=True)
    for path in sorted(folder.glob("*.yml")):
        for group in reader.load(path.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                yield path.name, rule


def alerts(folder: Path = RULES) -> list[Alert]:
    """The alerting rules in the order of the files; a name may come twice, by severity."""
    return [
        Alert(
            str(rule["alert"]),
            str(rule["expr"]),
            str(rule.get("for", "")),
            str(rule.get("keep_firing_for", "")),
            dict(rule.get("labels", {})),
            dict(rule.get("annotations", {})),
            file,
        )
        for file, rule in rules(folder)
        if "alert" in rule
    ]


def thresholds(folder: Path = RULES) -> dict[str, float]:
    """The number that each alert compares with; of two severities the lesser one's."""
    found: dict[str, float] = {}
    for alert in alerts(folder):
        if alert.threshold is not None:
            found.setdefault(alert.name, alert.threshold)
    return found


@cache
def _as_shipped() -> tuple[Alert, ...]:
    """Boards ask for one bound after the other, and reading the rules takes half a second."""
    return tuple(alerts())


def bounds_of(name: str, unit: str) -> str:
    """A sentence on an alert's bounds by tier, for those who show one line alone."""
    ordinary, *others = next(alert for alert in _as_shipped() if alert.name == name).bounds.items()
    of_tiers = ", ".join(f"{tier} {bound:g} {unit}".strip() for tier, bound in others)
    return f"The line is the alert's bound for ordinary models, {ordinary[1]:g} {unit}".strip() + (
        f"; by tier: {of_tiers}."
    )
