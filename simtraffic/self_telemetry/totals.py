"""What all runs of a process have added up to, and how the one under way stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simtraffic.ledger import Ledger

if TYPE_CHECKING:
    from simtraffic.result.snapshot import Snapshot
    from simtraffic.result.watcher import Subject


class Totals:
    """The counts of all runs of this process, which never go down, and the latest state."""

    def __init__(self) -> None:
        # Replaced as a whole: a reader never sees a run twice or not at all.
        self._stand: tuple[Ledger, Subject | None] = (Ledger(), None)
        self.snapshot: Snapshot | None = None
        """How the run under way stands, or how the last one ended."""

    def begin(self, subject: Subject) -> None:
        """Take a run up; the one before it is through."""
        before = self.ledger()
        self.snapshot = None
        self._stand = (before, subject)

    @property
    def subject(self) -> Subject | None:
        """The run under way, or the last one; None before the first."""
        return self._stand[1]

    def ledger(self) -> Ledger:
        """Everything so far, in a ledger of its own."""
        before, subject = self._stand
        total = Ledger()
        total.merge(before)
        if subject is not None:
            total.merge(subject.ledger)
            total.planned = before.planned + self._planned(subject.ledger)
        return total

    @property
    def held_bytes(self) -> int:
        """Telemetry that is not sent yet."""
        subject = self.subject
        ask = None if subject is None else subject.queued_bytes
        return ask() if ask is not None else 0

    def _planned(self, ledger: Ledger) -> int:
        """Of this run: a ledger learns it at the end, and snapshots are a little old."""
        drawn = self.snapshot.planned if self.snapshot else 0
        return max(ledger.planned, drawn, ledger.generated)
