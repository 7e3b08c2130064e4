"""What a page tells of: the run under way, and what the runs before it added up to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from simtraffic.ledger import Ledger

if TYPE_CHECKING:
    from simtraffic.report.snapshot import Snapshot


class Queue(Protocol):
    """Telemetry that is held until the receiver has it."""

    @property
    def queued_bytes(self) -> int:
        """Bytes held now."""
        ...

    @property
    def queue_bytes(self) -> int:
        """Bound on them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A run, as its page knows it. The ledger and the queue are read while the run goes on."""

    run_id: str
    scenario: str
    seed: int
    shard: str
    ledger: Ledger
    queue: Queue | None
    """None for a file alone."""
    drain_s: float
    """Real seconds that delivery may take after the last tick."""
    is_timed: bool
    """Whether the run follows a clock, or goes as fast as the receiver lets it."""


class Account:
    """The counts of all runs of this process, which never go down, and the latest state."""

    def __init__(self) -> None:
        # One tuple, replaced as a whole: a reader never sees a run twice or not at all.
        self._stand: tuple[Ledger, Subject | None] = (Ledger(), None)
        self.snapshot: Snapshot | None = None
        """Of the run under way; the last one after it."""

    def begin(self, subject: Subject) -> None:
        """Take a run up; the one before it is through."""
        before, last = self._stand
        finished = Ledger()
        for ledger in (before, last.ledger if last else Ledger()):
            finished.merge(ledger)
        self.snapshot = None
        self._stand = (finished, subject)

    @property
    def subject(self) -> Subject | None:
        """The run under way, or the last one; None before the first."""
        return self._stand[1]

    def total(self) -> Ledger:
        """A ledger of everything so far."""
        finished, subject = self._stand
        snapshot = self.snapshot
        total = Ledger()
        total.merge(finished)
        if subject is not None:
            total.merge(subject.ledger)
            # The run's own ledger learns at the end what was planned.
            if not subject.ledger.planned and snapshot is not None:
                total.planned += snapshot.planned
        return total

    def not_ready(self) -> str | None:
        """Why telemetry cannot be said to arrive, in one line; None once some was accepted."""
        signals = self.total().signals
        if any(entry.accepted for entry in signals.values()):
            return None
        tries = sum(entry.requests for entry in signals.values())
        return f"nothing was accepted yet; {tries} export calls were made"
