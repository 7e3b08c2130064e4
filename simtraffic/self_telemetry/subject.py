"""What a page tells of: the run under way, and what the runs before it added up to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simtraffic.ledger import Ledger

if TYPE_CHECKING:
    from simtraffic.result.snapshot import Snapshot
    from simtraffic.result.watcher import Subject

_NOTHING = Ledger().as_dict()


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts at one moment: of requests, and of each signal by the ledger's own names."""

    planned: int = 0
    generated: int = 0
    skipped: int = 0
    signals: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def of(self, *parts: str) -> int:
        """Counts of all signals together; their units differ, so only a change means something."""
        return sum(entry[part] for entry in self.signals.values() for part in parts)

    def __add__(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(
            self.planned + other.planned,
            self.generated + other.generated,
            self.skipped + other.skipped,
            {
                signal: {
                    part: count + self.signals.get(signal, {}).get(part, 0)
                    for part, count in entry.items()
                }
                for signal, entry in other.signals.items()
            },
        )


@dataclass(slots=True)
class _Run:
    subject: Subject
    snapshot: Snapshot | None = None

    def counts(self) -> Counts:
        ledger, drawn = self.subject.ledger, self.snapshot.planned if self.snapshot else 0
        generated = ledger.generated
        # The ledger learns at the end of the run what was planned, and snapshots are a little old.
        planned = max(ledger.planned, drawn, generated)
        return Counts(planned, generated, ledger.skipped, ledger.as_dict())


class Account:
    """The counts of all runs of this process, which never go down, and the latest state."""

    def __init__(self) -> None:
        # Replaced as a whole: a reader never sees a run twice or not at all.
        self._stand: tuple[Counts, _Run | None] = (Counts(), None)

    def begin(self, subject: Subject) -> None:
        """Take a run up; the one before it is through."""
        self._stand = (self.total(), _Run(subject))

    def see(self, snapshot: Snapshot) -> None:
        """Keep the state of the run under way."""
        run = self._stand[1]
        if run is not None:
            run.snapshot = snapshot

    @property
    def subject(self) -> Subject | None:
        """The run under way, or the last one; None before the first."""
        run = self._stand[1]
        return None if run is None else run.subject

    @property
    def snapshot(self) -> Snapshot | None:
        """Its latest state."""
        run = self._stand[1]
        return None if run is None else run.snapshot

    def total(self) -> Counts:
        """Everything so far."""
        before, run = self._stand
        return before + (Counts(signals=_NOTHING) if run is None else run.counts())

    @property
    def held_bytes(self) -> int:
        """Telemetry that is not sent yet."""
        subject = self.subject
        return 0 if subject is None or subject.queue is None else subject.queue.queued_bytes
