"""Thresholds of a scenario, judged over what a run counted.

``error_share`` is failed requests over requests. With ``where provider`` or ``where model`` it is
failed operations over operations there: when a fallback cured a request, the provider that failed
still shows it. The same holds for ``requests``, ``rate`` and ``cost_usd``. A threshold that selects
nothing fails with no value: silence proves nothing.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING

from simtraffic.result.result import ThresholdResult
from simtraffic.result.selection import SKETCHED
from simtraffic.result.tally import selection_key

if TYPE_CHECKING:
    from simtraffic.result.counts import RunCounts
    from simtraffic.result.sketch import QuantileSketch
    from simtraffic.result.tally import SelectionTally
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


def evaluate(threshold: Threshold, counts: RunCounts, *, is_share: bool = False) -> ThresholdResult:
    """Judge one threshold.

    Args:
        threshold: Of the scenario.
        counts: Of the run; rates are over the part of their window before ``elapsed_ns``.
        is_share: Whether the run is one shard of several, which may hold nothing of what is
            selected.
    """
    if _is_outside(threshold, counts):
        ends = "was interrupted" if counts.interrupted else "ends"
        return _unjudged(threshold, f"this run {ends} before {threshold.during}")
    value = _value(threshold, counts)
    if value is None and is_share:
        return _unjudged(threshold, f"this shard has none; {_nothing(threshold)}")
    passed = value is not None and _COMPARE[threshold.operator](value, threshold.limit)
    note = _nothing(threshold) if value is None else ""
    return ThresholdResult(threshold.text, value, passed, measure=threshold.measure, note=note)


def _unjudged(threshold: Threshold, why: str) -> ThresholdResult:
    note = f"not judged: {why}"
    return ThresholdResult(threshold.text, None, passed=True, measure=threshold.measure, note=note)


def _is_outside(threshold: Threshold, counts: RunCounts) -> bool:
    """Whether a run cut short by its duration or by hand never comes to the threshold's window."""
    if threshold.during is None:
        return False
    window = counts.tally.window(threshold.during)
    if window is None or window.end_ns <= window.start_ns:
        return True
    return counts.interrupted and window.start_ns >= counts.elapsed_ns


def _value(threshold: Threshold, counts: RunCounts) -> float | None:
    measure, ledger = threshold.measure, counts.ledger
    if measure == "delivered":
        generated = any(entry.generated for entry in ledger.signals.values())
        return ledger.delivered if generated else None
    if measure in ("planned", "generated", "skipped"):
        return float(getattr(ledger, measure))
    if measure == "lateness":
        return _aggregate(threshold, counts.lateness)
    selection = counts.tally.selections[selection_key(threshold)]
    if measure in SKETCHED:
        return _aggregate(threshold, selection.sketches[measure])
    return _counted(measure, selection, counts)


def _counted(measure: str, selection: SelectionTally, counts: RunCounts) -> float | None:
    if measure == "requests":
        return float(selection.requests)
    if measure == "rate":
        return _rate(selection, counts)
    if not selection.requests:
        return None
    if measure == "cost_usd":
        return selection.cost_pusd / 1e12
    return selection.failed / selection.requests


def _rate(selection: SelectionTally, counts: RunCounts) -> float | None:
    window = selection.choice.window
    start_ns, end_ns = (
        (0, counts.tally.end_ns) if window is None else (window.start_ns, window.end_ns)
    )
    length_ns = min(end_ns, counts.elapsed_ns) - start_ns
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
