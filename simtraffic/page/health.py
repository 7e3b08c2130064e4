"""Whether a run still goes on, judged by the signs of life that it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from simtraffic.page.subject import Subject

STANDSTILL_S = 30.0
"""Real seconds without a sign of life after which a run counts as standing still."""


class Pulse:
    """Hears a run's beats.

    A run with a clock beats with its loop. At full speed the loop waits for the receiver, which may
    take long and is no fault of the process: there, any count that changes is a beat as well. While
    it drains, a run has the time of its drain on top.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._run: Subject | None = None
        self._is_draining = False
        self._beat_at = now()
        self._counted = 0

    def begin(self, run: Subject) -> None:
        """A run starts."""
        self._counted = 0
        self.beat(draining=False)
        self._run = run

    def beat(self, *, draining: bool) -> None:
        """The run's loop turned."""
        self._is_draining = draining
        self._beat_at = self._now()

    def end(self) -> None:
        """Nothing to expect any more."""
        self._run = None

    def trouble(self) -> str | None:
        """Why the run is not well, in one line; None when it is, and between runs."""
        run = self._run
        if run is None:
            return None
        if not run.is_timed and (counted := _counts(run)) != self._counted:
            self._counted = counted
            self._beat_at = self._now()
        silent_s = self._now() - self._beat_at
        if silent_s <= STANDSTILL_S + (run.drain_s if self._is_draining else 0.0):
            return None
        doing = "the drain" if self._is_draining else "the generating loop"
        return f"{doing} has stood still for {silent_s:.0f} s"


def _counts(run: Subject) -> int:
    """Grows with everything that the run counts."""
    made = sum(
        entry.generated + entry.accounted + entry.requests for entry in run.ledger.signals.values()
    )
    return made + run.ledger.generated
