"""One verdict and one exit code out of everything that may be wrong with a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simtraffic import figures
from simtraffic.errors import ExitCode
from simtraffic.signals import UNITS

if TYPE_CHECKING:
    from simtraffic.ledger import Ledger
    from simtraffic.result.result import ThresholdResult

_SEVERITY = (ExitCode.INTERRUPTED, ExitCode.UNEXPECTED, ExitCode.NOT_DELIVERED, ExitCode.FAILED)
"""Worst first."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a run ended."""

    word: str
    """``passed``, ``failed`` or ``interrupted``."""
    exit_code: ExitCode
    reasons: tuple[str, ...]
    """One line each, worst first; empty when the run passed."""


def judge(
    ledger: Ledger,
    thresholds: Sequence[ThresholdResult],
    *,
    interrupted: bool = False,
    undelivered: Sequence[str] = (),
) -> Verdict:
    """The verdict on a finished run.

    Args:
        ledger: its counts; a broken law is a bug (exit code 1), telemetry that was generated and
            not accepted makes the run undelivered (4).
        thresholds: judged; one that failed makes the run failed (5).
        interrupted: whether the user ended it early (130).
        undelivered: further reasons of 4, such as a refused credential or a worker that died.
    """
    found: list[tuple[ExitCode, str]] = []
    if interrupted:
        found.append((ExitCode.INTERRUPTED, "interrupted before the end of the scenario"))
    found += [
        (ExitCode.UNEXPECTED, f"the ledger does not balance: {law}") for law in ledger.imbalances()
    ]
    found += [(ExitCode.NOT_DELIVERED, reason) for reason in undelivered]
    found += [(ExitCode.NOT_DELIVERED, reason) for reason in _lost(ledger, undelivered)]
    found += [
        (ExitCode.FAILED, _not_met(threshold)) for threshold in thresholds if not threshold.passed
    ]
    code = worst(code for code, _ in found)
    words = {ExitCode.OK: "passed", ExitCode.INTERRUPTED: "interrupted"}
    return Verdict(words.get(code, "failed"), code, tuple(reason for _, reason in found))


def _lost(ledger: Ledger, told: Sequence[str]) -> list[str]:
    """What was not delivered, all signals in one sentence with its cause, unless that was told."""
    lost = [
        f"{entry.generated - entry.accepted:,} of {entry.generated:,} {UNITS[signal]}"
        for signal, entry in ledger.signals.items()
        if entry.accepted < entry.generated
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
