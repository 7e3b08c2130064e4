"""Looks at the receivers before the first byte, and waits for them where that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simtraffic.clock import SECOND_NS, monotonic
from simtraffic.export.causes import is_unknown_signal
from simtraffic.export.look import look
from simtraffic.units import format_duration

if TYPE_CHECKING:
    from simtraffic.export.look import Finding
    from simtraffic.export.settings import ExportSettings
    from simtraffic.ledger import Ledger
    from simtraffic.runner.stop import StopSignal

_EVERY_S = 0.25
"""Real seconds between two looks."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a run may begin."""

    refusals: tuple[str, ...] = ()
    """Why it may not, a sentence for each cause."""
    remarks: tuple[str, ...] = ()
    """What people should know if it begins."""
    waited: bool = False


def await_receivers(
    settings: Mapping[str, ExportSettings],
    wait_ns: int | None,
    stop: StopSignal,
    note: Callable[[str], None],
) -> Readiness:
    """Look, and go on looking while waiting may cure what is wrong.

    Args:
        settings: How each signal is sent.
        wait_ns: How long to wait, in real nanoseconds; None looks once.
        stop: Ends the wait.
        note: Told once that it waits, and for what.

    Raises:
        UsageError: A certificate or key file cannot be used.
    """
    found = look(settings)
    if wait_ns is None:
        return _judged(found, waited=False)
    until = monotonic() + wait_ns / SECOND_NS
    waited = False
    while _is_worth_waiting(found) and (left := until - monotonic()) > 0:
        if not waited:
            waited = True
            why = "; ".join(_sentences(_first_unknown(found.values())))
            note(f"waiting up to {format_duration(wait_ns)}: {why}")
        if stop.event.wait(min(_EVERY_S, left)):
            return Readiness(waited=True)
        found = look(settings)
    if not _is_worth_waiting(found):
        return _judged(found, waited=waited)
    said = _sentences(_first_unknown(found.values()))
    return Readiness(
        tuple(f"{each}; waited {format_duration(wait_ns)}" for each in said), waited=True
    )


def unknown_signals(ledger: Ledger) -> list[str]:
    """What to do where a receiver takes some signals and knows nothing of others; in a sentence."""
    taken = [signal for signal, entry in ledger.signals.items() if entry.accepted]
    unknown = {loss.signal for loss in ledger.losses() if is_unknown_signal(loss.reason)}
    unknown -= set(taken)
    if not (taken and unknown):
        return []
    left_out = " and ".join(signal for signal in ledger.signals if signal in unknown)
    return [
        f"the receiver does not take {left_out}; leave out what it does not take:"
        f" --signals {','.join(taken)}"
    ]


def _is_worth_waiting(found: Mapping[str, Finding]) -> bool:
    troubled = [each for each in found.values() if each.sentence]
    if not troubled or any(each.is_sure and not each.may_pass for each in troubled):
        return False
    return not _is_partly_unknown(found)


def _is_partly_unknown(found: Mapping[str, Finding]) -> bool:
    """Whether all that is wrong is that some signals are not taken, and others are."""
    wrong = [each for each in found.values() if each.sentence]
    return all(each.is_unknown_signal for each in wrong) and 0 < len(wrong) < len(found)


def _judged(found: Mapping[str, Finding], *, waited: bool) -> Readiness:
    if _is_partly_unknown(found):
        # The rest arrives, and what does not is counted and told.
        return Readiness(remarks=_sentences(found.values()), waited=waited)
    sure = [each for each in found.values() if each.is_sure]
    return Readiness(tuple(dict.fromkeys(map(_advised, _first_unknown(sure)))), waited=waited)


def _first_unknown(found: Iterable[Finding]) -> list[Finding]:
    """Without those that only say again that the address is none of a receiver."""
    listed = list(found)
    unknown = [each for each in listed if each.is_unknown_signal]
    return [each for each in listed if each not in unknown[1:]]


def _advised(finding: Finding) -> str:
    if finding.may_pass and not finding.is_unknown_signal:
        return f"{finding.sentence} --wait-for-endpoint 30s waits for it"
    return finding.sentence


def _sentences(found: Iterable[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.sentence for each in found if each.sentence))
