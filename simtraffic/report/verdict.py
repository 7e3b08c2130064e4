"""One verdict and one exit code out of everything that may be wrong with a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simtraffic.errors import ExitCode
from simtraffic.ledger import UNITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from simtraffic.ledger import Ledger
    from simtraffic.report.result import ThresholdResult

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
    found += [
        (
            ExitCode.NOT_DELIVERED,
            f"{entry.generated - entry.accepted:,} of {entry.generated:,}"
            f" {UNITS[signal].replace('_', ' ')} not delivered",
        )
        for signal, entry in ledger.signals.items()
        if entry.accepted < entry.generated
    ]
    found += [
        (ExitCode.FAILED, f"threshold not met: {threshold.expression}")
        for threshold in thresholds
        if not threshold.passed
    ]
    code = worst(code for code, _ in found)
    words = {ExitCode.OK: "passed", ExitCode.INTERRUPTED: "interrupted"}
    return Verdict(words.get(code, "failed"), code, tuple(reason for _, reason in found))


def worst(codes: Iterable[int]) -> ExitCode:
    """The worst of several exit codes, in the order 130, 1, 4, 5; others count as unexpected."""
    seen = {int(code) for code in codes} - {int(ExitCode.OK)}
    for code in _SEVERITY:
        if code in seen:
            return code
    return ExitCode.UNEXPECTED if seen else ExitCode.OK
