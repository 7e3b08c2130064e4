"""Who looks on while runs go: the live view, a page of figures, a test of somebody's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simtraffic.ledger import Ledger
    from simtraffic.result.plan import PlanResult
    from simtraffic.result.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A run, as those know it who look on."""

    run_id: str
    scenario: str
    seed: int
    shard: str
    ledger: Ledger
    """Read while the run goes on."""
    queued_bytes: Callable[[], int] | None = None
    """What is not sent yet, whenever it is asked; None for a file alone."""
    queue_bytes: int = 0
    """Bound on that."""
    drain_s: float
    """Real seconds that delivery may take after the last tick."""
    is_timed: bool
    """Whether the run follows a clock, or goes as fast as the receiver lets it."""


class Watcher:
    """Looks on and does nothing; whoever wants to know more overrides what they want to hear.

    All of it is called from the run's own thread, which waits meanwhile.
    """

    line: str = ""
    """Where it shows what it sees, for people; said before the first byte."""

    def consent(self, hosts: Sequence[str], expected: Callable[[], PlanResult]) -> None:
        """Asked before the first byte when receivers are not this machine; raises to refuse.

        Args:
            hosts: of the receivers that are not.
            expected: foresees the volume, which takes a while.
        """

    def say(self, line: str) -> None:
        """A line for people: where the telemetry goes, and warnings."""

    def begin(self, subject: Subject) -> None:
        """A run starts: everything is ready, and nothing has left."""

    def see(self, snapshot: Snapshot) -> None:
        """How it stands, about four times a second."""

    def end(self) -> None:
        """The run is over, one way or the other."""
