"""Looks at the receivers before the first byte, and waits for them where that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simtraffic.clock import SECOND_NS, monotonic
from simtraffic.export.look import look
from simtraffic.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from simtraffic.export.look import Finding
    from simtraffic.export.settings import ExportSettings
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
        return _judged(found)
    until = monotonic() + wait_ns / SECOND_NS
    waited = False
    while _is_worth_waiting(found) and (left := until - monotonic()) > 0:
        if not waited:
            waited = True
            said = "; ".join(_sentences(found.values()))
            note(f"waiting up to {format_duration(wait_ns)}: {said}")
        if stop.event.wait(min(_EVERY_S, left)):
            return Readiness(waited=True)
        found = look(settings)
    if not _is_worth_waiting(found):
        return _judged(found, waited=waited)
    refusals = (f"{said}; waited {format_duration(wait_ns)}" for said in _sentences(found.values()))
    return Readiness(tuple(refusals), waited=True)


def _is_worth_waiting(found: Mapping[str, Finding]) -> bool:
    if any(each.is_sure and not each.may_pass for each in found.values()):
        return False
    return any(each.sentence for each in found.values())


def _judged(found: Mapping[str, Finding], *, waited: bool = False) -> Readiness:
    sure = [each for each in found.values() if each.is_sure]
    if not sure:
        return Readiness(waited=waited)
    unknown = [signal for signal, each in found.items() if each.is_unknown_signal]
    if len(unknown) == len(sure) < len(found):
        # The rest arrives, and what does not is counted and told.
        return Readiness(remarks=_sentences(sure), waited=waited)
    if len(unknown) == len(found):
        # One of them tells of all: it is the address.
        sure = sure[:1]
    hint = " --wait-for-endpoint 30s waits for it"
    return Readiness(
        tuple(
            dict.fromkeys(
                each.sentence + (hint if each.may_pass and not each.is_unknown_signal else "")
                for each in sure
            )
        ),
        waited=waited,
    )


def _sentences(found: Iterable[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.sentence for each in found if each.sentence))
