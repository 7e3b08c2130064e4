"""Thresholds of a scenario, judged over what a run counted.

``error_share`` is failed requests over requests. With ``where provider`` or ``where model`` it is
failed operations over operations there: when a fallback cured a request, the provider that failed
still shows it. The same holds for ``requests``, ``rate`` and ``cost_usd``. A threshold that selects
nothing fails with no value: silence proves nothing.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simtraffic.result.result import ThresholdResult
from simtraffic.result.selection import SKETCHED
from simtraffic.result.tally import selection_key

if TYPE_CHECKING:
    from simtraffic.ledger import Ledger
    from simtraffic.result.sketch import QuantileSketch
    from simtraffic.result.tally import SelectionTally, Tally
    from simtraffic.scenario import Threshold

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_NANOSECOND_MEASURES = ("lateness", "time_to_first_token", "duration")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What thresholds are judged by."""

    tally: Tally
    ledger: Ledger
    lateness: QuantileSketch
    """Nanoseconds, over records and points."""
    elapsed_ns: int
    """How far the arrivals came; rates are over the part of their window before this."""
    is_share: bool = False
    """Whether the run is one shard of several, which may hold nothing of what is selected."""
    is_interrupted: bool = False
    """Whether somebody ended the arrivals before the schedule did."""


def evaluate(threshold: Threshold, evidence: Evidence) -> ThresholdResult:
    """Judge one threshold."""
    if _is_outside(threshold, evidence):
        ends = "was interrupted" if evidence.is_interrupted else "ends"
        note = f"not judged: this run {ends} before {threshold.during}"
        return ThresholdResult(threshold.text, None, True, threshold.measure, note)
    value = _value(threshold, evidence)
    if value is None and evidence.is_share:
        note = f"not judged: this shard has none; {_nothing(threshold)}"
        return ThresholdResult(threshold.text, None, True, threshold.measure, note)
    passed = value is not None and _COMPARE[threshold.operator](value, threshold.limit)
    note = _nothing(threshold) if value is None else ""
    return ThresholdResult(threshold.text, value, passed, threshold.measure, note)


def _is_outside(threshold: Threshold, evidence: Evidence) -> bool:
    """Whether a run cut short by its duration or by hand never comes to the threshold's window."""
    if threshold.during is None:
        return False
    window = evidence.tally.window(threshold.during)
    if window is None or window.end_ns <= window.start_ns:
        return True
    return evidence.is_interrupted and window.start_ns >= evidence.elapsed_ns


def _value(threshold: Threshold, evidence: Evidence) -> float | None:
    measure, ledger = threshold.measure, evidence.ledger
    if measure == "delivered":
        generated = any(entry.generated for entry in ledger.signals.values())
        return ledger.delivered if generated else None
    if measure in ("planned", "generated", "skipped"):
        return float(getattr(ledger, measure))
    if measure == "lateness":
        return _aggregate(threshold, evidence.lateness)
    selection = evidence.tally.selections[selection_key(threshold)]
    if measure in SKETCHED:
        return _aggregate(threshold, selection.sketches[measure])
    return _counted(measure, selection, evidence)


def _counted(measure: str, selection: SelectionTally, evidence: Evidence) -> float | None:
    if measure == "requests":
        return float(selection.requests)
    if measure == "rate":
        return _rate(selection, evidence)
    if not selection.requests:
        return None
    if measure == "cost_usd":
        return selection.cost_pusd / 1e12
    return selection.failed / selection.requests


def _rate(selection: SelectionTally, evidence: Evidence) -> float | None:
    window = selection.choice.window
    start_ns, end_ns = (
        (0, evidence.tally.end_ns) if window is None else (window.start_ns, window.end_ns)
    )
    length_ns = min(end_ns, evidence.elapsed_ns) - start_ns
    return selection.requests / (length_ns / 1e9) if length_ns > 0 else None


def _aggregate(threshold: Threshold, sketch: QuantileSketch) -> float | None:
    aggregation = threshold.aggregation or ""
    if aggregation == "max":
        value = float(sketch.maximum) if sketch.count else None
    elif aggregation == "avg":
        value = sketch.mean
    else:
        value = sketch.quantile(float(aggregation.removeprefix("p")) / 100)
    if value is not None and threshold.measure in _NANOSECOND_MEASURES:
        return value / 1e9
    return value


def _nothing(threshold: Threshold) -> str:
    """What was looked for, in words."""
    words = [
        {
            "time_to_first_token": "no streamed operation produced a token",
            "lateness": "nothing was handed over",
            "delivered": "no telemetry was generated",
            "rate": "no time passed",
        }.get(threshold.measure, "no request matched")
    ]
    if threshold.during:
        words.append(f"during {threshold.during}")
    words += [f"where {key}={value}" for key, value in threshold.where.items()]
    return " ".join(words)
