"""Whether a run still goes on, and whether its telemetry arrives."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simtraffic.result.watcher import Subject
    from simtraffic.self_telemetry.totals import Totals

STANDSTILL_S = 30.0
"""Real seconds without a sign of life after which a run counts as standing still."""

HOLD_UP_S = 60.0
"""What the receiver may add at full speed: so long a batch may wait for its next try."""

SILENCE_S = 30.0
"""Real seconds after which telemetry that is held or lost, with none accepted, does not arrive."""


class Pulse:
    """Hears a run's beats.

    A run with a clock beats with its loop. At full speed the loop waits for the receiver, which may
    take long and is no fault of the process: there, any count that changes is a beat as well, and
    a wait for the next try is granted. While it drains, a run has the time of its drain on top.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._run: Subject | None = None
        self._is_draining = False
        self._beat_at = now()
        self._counted = 0

    def begin(self, run: Subject) -> None:
        """A run starts, which counts as its first beat."""
        self._counted = 0
        self.beat(draining=False)
        self._run = run

    def beat(self, *, draining: bool) -> None:
        """The run's loop turned once more, or a delivery that is waited for goes on."""
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
        if silent_s <= STANDSTILL_S + self._granted_s(run):
            return None
        doing = "the drain" if self._is_draining else "the generating loop"
        return f"{doing} has stood still for {silent_s:.0f} s"

    def _granted_s(self, run: Subject) -> float:
        """What it may take longer, through no fault of the process."""
        if self._is_draining:
            return run.drain_s
        return 0.0 if run.is_timed else HOLD_UP_S


class Arrival:
    """Whether the receiver takes what is sent, judged whenever somebody asks.

    A quiet run is no trouble: only what waits, or was lost since something was last accepted, says
    that the receiver is gone.
    """

    def __init__(self, totals: Totals, now: Callable[[], float]) -> None:
        self._totals = totals
        self._now = now
        self._accepted = 0
        self._lost = 0
        self._good_at = now()

    def trouble(self) -> str | None:
        """Why telemetry cannot be said to arrive, in one line; None when it does."""
        # Their units differ, so only a change of all together means something.
        signals = self._totals.ledger().signals.values()
        accepted = sum(entry.accepted for entry in signals)
        if not accepted:
            calls = sum(entry.requests for entry in signals)
            return f"nothing was accepted yet; export calls so far: {calls}"
        lost = sum(entry.accounted for entry in signals) - accepted
        if accepted != self._accepted:
            self._accepted, self._lost, self._good_at = accepted, lost, self._now()
        elif lost == self._lost and not self._totals.held_bytes:
            self._good_at = self._now()
        silent_s = self._now() - self._good_at
        if silent_s <= SILENCE_S:
            return None
        return f"nothing was accepted for {silent_s:.0f} s, though there was something to send"


def _counts(run: Subject) -> int:
    """Grows with everything that the run counts."""
    made = sum(
        entry.generated + entry.accounted + entry.requests for entry in run.ledger.signals.values()
    )
    return made + run.ledger.generated
