"""SLO definitions, and the multi-window burn-rate rules that follow from them.

Windows and factors are those of the Google SRE workbook, chapter 5, for a period of 30 days: an
alert wants both a long window, so that enough of the budget is gone, and a short one, so that it
ends soon after the trouble does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from simtraffic.errors import SimtrafficError
from tools.rules.recording import SERVICE, of_tier, unless_gen_ai

FOLDER = Path(__file__).resolve().parents[2] / "config/slo"
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
BURNS = (
    ("critical", (("5m", "1h", 14.4), ("30m", "6h", 6))),
    ("warning", (("2h", "1d", 3), ("6h", "3d", 1))),
)
RUNBOOKS = "https://github.com/simtraffic/simtraffic/blob/main/docs/runbooks"
_REQUIRED = ("slo", "alert", "objective", "period", "description", "total", "dashboard")
_KEYS = (*_REQUIRED, "bad", "good", "instead")
_TIER = re.compile(r"tier:(\w+)")
"""Within a matcher: the models of this tier of the catalogue."""


class SloError(SimtrafficError):
    """An SLO file is wrong."""


@dataclass(frozen=True, slots=True)
class Series:
    """What is counted: all events, and those that are bad (or those that are good)."""

    total: str
    bad: str = ""
    good: str = ""

    def ratio(self, window: str) -> str:
        """Share of bad events in the window, by service."""

        def rate(selector: str) -> str:
            return f"sum by ({SERVICE}) (rate({selector}[{window}]))"

        total = f"({rate(self.total)} > 0)"
        if self.good:
            return f"1 - {rate(self.good)} / {total}"
        return f"({rate(self.bad)} or 0 * {rate(self.total)}) / {total}"


@dataclass(frozen=True, slots=True)
class Slo:
    """An objective over a period."""

    name: str
    alert: str
    objective: float
    description: str
    dashboard: str
    series: Series
    instead: Series | None
    """Where a service tells llm alone."""

    @property
    def budget(self) -> float:
        """Share of events that may be bad."""
        return round(1 - self.objective, 9)


def load_slos(folder: Path = FOLDER) -> list[Slo]:
    """The definitions of a folder, by name of file.

    Raises:
        SloError: a file is wrong; the message has the file, what is wrong and what to do.
    """
    return [_load(path) for path in sorted(folder.glob("*.yaml"))]


def _load(path: Path) -> Slo:
    try:
        tree = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except YAMLError as error:
        raise SloError(f"{path}: not YAML; found {str(error).splitlines()[0]}") from error
    if not isinstance(tree, dict):
        raise SloError(f"{path}: a mapping is wanted; found {type(tree).__name__}")
    unknown = [key for key in tree if key not in _KEYS]
    missing = [key for key in _REQUIRED if key not in tree]
    if unknown or missing:
        raise SloError(
            f"{path}: wrong keys; unknown {unknown}, missing {missing}; known: {', '.join(_KEYS)}"
        )
    if tree["period"] != "30d":
        raise SloError(f"{path}: period: the factors fit 30d alone; found {tree['period']!r}")
    if ("bad" in tree) == ("good" in tree):
        raise SloError(f"{path}: one of bad and good is wanted; found both or neither")
    series = _series(path, tree)
    instead = tree.get("instead")
    return Slo(
        name=tree["slo"],
        alert=tree["alert"],
        objective=_share(path, tree["objective"]),
        description=tree["description"],
        dashboard=tree["dashboard"],
        series=series,
        instead=_series(path, instead) if instead else None,
    )


def _series(path: Path, tree: dict[str, str]) -> Series:
    def models(found: re.Match[str]) -> str:
        names = of_tier(found[1])
        if not names:
            raise SloError(f"{path}: no model is of this tier; found {found[0]!r}")
        return names

    counted = (tree.get(key, "") for key in ("total", "bad", "good"))
    return Series(*(_TIER.sub(models, selector) for selector in counted))


def _share(path: Path, written: object) -> float:
    text = str(written)
    try:
        value = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1:
        raise SloError(f"{path}: objective: a share is wanted; found {text!r}; write 99.9%")
    return value


def slo_rules(slos: list[Slo]) -> list[dict[str, object]]:
    """Groups of rules: ratios by window, what is left of the budget, alerts."""
    return [{"name": f"slo-{slo.name}", "rules": [*_ratios(slo), *_alerts(slo)]} for slo in slos]


def _ratios(slo: Slo) -> list[dict[str, object]]:
    made: list[dict[str, object]] = []
    for window in WINDOWS:
        expression = slo.series.ratio(window)
        if slo.instead is not None:
            expression = f"({expression}) or ({unless_gen_ai(slo.instead.ratio(window))})"
        made.append(
            {
                "record": f"slo:error_ratio:rate{window}",
                "expr": expression,
                "labels": {"slo": slo.name},
            }
        )
    spent = f'slo:error_ratio:rate3d{{slo="{slo.name}"}} / {slo.budget:g}'
    made.append(
        {
            "record": "slo:error_budget_left:ratio3d",
            "expr": f"1 - {spent}",
            "labels": {"slo": slo.name},
        }
    )
    made.append(
        {
            "record": "slo:burn_rate:rate1h",
            "expr": f'slo:error_ratio:rate1h{{slo="{slo.name}"}} / {slo.budget:g}',
            "labels": {"slo": slo.name},
        }
    )
    return made


def _alerts(slo: Slo) -> list[dict[str, object]]:
    made: list[dict[str, object]] = []
    for severity, burns in BURNS:
        pairs = [
            " and ".join(
                f'(slo:error_ratio:rate{window}{{slo="{slo.name}"}} > {factor * slo.budget:.6g})'
                for window in (long, short)
            )
            for short, long, factor in burns
        ]
        (_, first, factor), (_, second, slower) = burns
        made.append(
            {
                "alert": slo.alert,
                "expr": " or ".join(f"({pair})" for pair in pairs),
                "for": "2m" if severity == "critical" else "15m",
                "labels": {"severity": severity, "team": "ai-platform", "slo": slo.name},
                "annotations": {
                    "summary": f"{{{{ $labels.service_name }}}} burns its {slo.name} budget",
                    "description": (
                        f"{{{{ $value | humanizePercentage }}}} of events are bad; objective:"
                        f" {slo.objective:.4g} of {slo.description}. Burning at {factor:g} times"
                        f" the even pace over {first}, or {slower:g} times over {second}."
                    ),
                    "runbook_url": f"{RUNBOOKS}/{slo.alert}.md",
                    "dashboard": slo.dashboard,
                },
            }
        )
    return made
