"""One verdict and one exit code out of everything that may be wrong with a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from simtraffic import figures
from simtraffic.errors import ExitCode

if TYPE_CHECKING:
    from simtraffic.ledger import Ledger
    from simtraffic.result.counts import RunCounts
    from simtraffic.result.result import ThresholdResult

_SEVERITY = (ExitCode.INTERRUPTED, ExitCode.UNEXPECTED, ExitCode.NOT_DELIVERED, ExitCode.FAILED)
"""Worst first."""


_WORDS = {ExitCode.OK: "passed", ExitCode.INTERRUPTED: "interrupted"}


def word(code: ExitCode) -> str:
    """The verdict that goes with an exit code: ``passed``, ``failed`` or ``interrupted``."""
    return _WORDS.get(code, "failed")


def judge(
    counts: RunCounts, thresholds: Sequence[ThresholdResult]
) -> tuple[ExitCode, tuple[str, ...]]:
    """How a finished run ended.

    Args:
        counts: a broken law of the ledger is a bug (exit code 1); telemetry that was generated and
            not accepted, or another reason such as a refused credential, makes the run undelivered
            (4); that the user ended it early is no failure (130).
        thresholds: judged; one that failed makes the run failed (5).

    Returns:
        The exit code and its reasons, one line each, worst first; none when the run passed.
    """
    ledger, told = counts.ledger, counts.undelivered
    found: list[tuple[ExitCode, str]] = []
    if counts.interrupted:
        found.append((ExitCode.INTERRUPTED, "interrupted before the end of the scenario"))
    found += [
        (ExitCode.UNEXPECTED, f"the ledger does not balance: {law}") for law in ledger.imbalances()
    ]
    found += [(ExitCode.NOT_DELIVERED, reason) for reason in (*told, *_lost(ledger, told))]
    found += [
        (ExitCode.FAILED, _not_met(threshold)) for threshold in thresholds if not threshold.passed
    ]
    return worst(code for code, _ in found), tuple(reason for _, reason in found)


def _lost(ledger: Ledger, told: Sequence[str]) -> list[str]:
    """What was not delivered, all signals in one sentence with its cause, unless that was told."""
    lost = [
        f"{entry.lost:,} of {entry.generated:,} {entry.unit}"
        for entry in ledger.signals.values()
        if entry.lost > 0
    ]
    if not lost:
        return []
    sentence = f"{figures.listed(lost).replace('_', ' ')} not delivered"
    causes = dict.fromkeys(loss.reason for loss in ledger.losses())
    new = [cause for cause in causes if not any(cause in reason for reason in told)]
    if new:
        others = len(causes) - 1
        sentence += f": {new[0]}"
        sentence += f" (and {others} other cause{'s' * (others > 1)})" if others else ""
    return [sentence]


def _not_met(threshold: ThresholdResult) -> str:
    """A threshold that failed, with what was found in its place."""
    found = figures.measured(threshold.value, threshold.measure)
    what = threshold.note if threshold.value is None else f"found {found}"
    return f"threshold not met: {threshold.expression}" + (f"; {what}" if what else "")


def worst(codes: Iterable[int]) -> ExitCode:
    """The worst of several exit codes, in the order 130, 1, 4, 5; others count as unexpected."""
    seen = {int(code) for code in codes} - {int(ExitCode.OK)}
    for code in _SEVERITY:
        if code in seen:
            return code
    return ExitCode.UNEXPECTED if seen else ExitCode.OK
