"""What a run has counted, up to a moment or to its end: one noun from the loop to the verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simtraffic.arrays import Ints
from simtraffic.clock import unix_ns
from simtraffic.ledger import Ledger
from simtraffic.result.sketch import QuantileSketch

if TYPE_CHECKING:
    from simtraffic.result.tally import Tally
    from simtraffic.simulation.tables import Exchanges


@dataclass(eq=False)
class RunCounts:
    """Counts of one process, which the loop writes into and which add up with those of others.

    Quantiles are kept as sketches, so that merged ones are what one process would have had.
    """

    tally: Tally
    """Of the traffic, and of what each stage planned."""
    ledger: Ledger = field(default_factory=Ledger)
    """Of the telemetry; of the requests it learns at the end what was planned."""
    lateness: QuantileSketch = field(default_factory=QuantileSketch)
    """Nanoseconds of real time, one entry per record or point; at full speed a single zero."""
    loop: QuantileSketch = field(default_factory=QuantileSketch)
    """Nanoseconds of real time, one entry per turn of the loop; waiting for the tick left out."""
    elapsed_ns: int = 0
    """How far the arrivals have come."""
    last_end_ns: int = 0
    """End of the last span so far."""
    overloaded: bool = False
    """Whether it was given up because it could not keep up with the clock."""
    interrupted: bool = False
    """Whether somebody ended the arrivals before the schedule did."""
    draining: bool = False
    """Whether all has arrived, and only delivery goes on."""
    queued_bytes: int = 0
    """Telemetry that is not sent yet."""
    fatal: str | None = None
    """Why nothing more could be delivered."""
    trouble: str = ""
    """Why nothing gets through at the moment."""
    wall_seconds: float = 0.0
    """Real time from the first arrival to the last answer; known at the end."""
    cpu_seconds: float = 0.0
    peak_rss_bytes: int = 0
    imperfections: dict[str, int] = field(default_factory=dict)
    """What was emitted wrong on purpose, by kind."""
    undelivered: list[str] = field(default_factory=list)
    """Further reasons why telemetry was not fully delivered."""

    @property
    def planned(self) -> int:
        """Arrivals of the blocks so far."""
        return self.tally.planned

    @property
    def end_ns(self) -> int:
        """End of the run: of the last stage (or where it was stopped) or of the last span."""
        return max(self.elapsed_ns, self.last_end_ns)

    def plan(self, due_ns: Ints) -> None:
        """Count the arrivals of a block, before any of them takes place."""
        self.tally.plan(due_ns)

    def add(self, exchanges: Exchanges) -> None:
        """Book requests that have arrived."""
        self.tally.add(exchanges)
        self.ledger.add_requests(generated=len(exchanges))
        if len(exchanges):
            self.last_end_ns = max(self.last_end_ns, int(exchanges.requests.end_ns.max()))

    def skip_rest(self) -> None:
        """Settle the plan at the end of a run: what was planned and not generated is skipped."""
        planned = self.planned
        self.ledger.add_requests(planned=planned, skipped=planned - self.ledger.generated)

    def merge(self, other: RunCounts) -> None:
        """Add what another process counted."""
        self.ledger.merge(other.ledger)
        self.tally.merge(other.tally)
        self.lateness.merge(other.lateness)
        self.loop.merge(other.loop)
        self.elapsed_ns = max(self.elapsed_ns, other.elapsed_ns)
        self.last_end_ns = max(self.last_end_ns, other.last_end_ns)
        self.queued_bytes += other.queued_bytes
        self.overloaded |= other.overloaded
        self.interrupted |= other.interrupted
        self.fatal = self.fatal or other.fatal
        self.trouble = self.trouble or other.trouble
        self.cpu_seconds += other.cpu_seconds
        self.peak_rss_bytes += other.peak_rss_bytes
        self.undelivered += other.undelivered
        for kind, count in other.imperfections.items():
            self.imperfections[kind] = self.imperfections.get(kind, 0) + count

    def close_without(self, reason: str) -> None:
        """Balance what a process that is gone had reported last; its whole plan is counted.

        What it had made and not settled is failed: it may have been sent, and nobody can say.

        Args:
            reason: Stands with what failed.
        """
        for signal, entry in self.ledger.signals.items():
            # A copy taken between two counts may be ahead on one side.
            entry.generated = max(entry.generated, entry.accounted)
            self.ledger.fail(signal, entry.generated - entry.accounted, reason, unix_ns())
        generated = self.ledger.generated
        self.ledger.planned, self.ledger.skipped = self.planned, self.planned - generated
        skipped = f"; {self.ledger.skipped:,} requests were never simulated"
        self.undelivered.append(reason + (skipped if self.ledger.skipped else ""))
