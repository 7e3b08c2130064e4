"""What a process has counted of a run, up to a moment or to its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np

from simtraffic.arrays import Ints
from simtraffic.clock import unix_ns
from simtraffic.ledger import Ledger
from simtraffic.result.sketch import QuantileSketch
from simtraffic.result.tally import Tally

if TYPE_CHECKING:
    from simtraffic.runner.setup import Setup

_MOST_COUNTED = 2_000_000
"""Requests that are counted in a quarter of a second."""


@dataclass
class Account:
    """Counts of one process, which add up with those of the others.

    Quantiles are kept as sketches, so that merged ones are what one process would have had.
    """

    ledger: Ledger
    tally: Tally
    lateness: QuantileSketch
    """Nanoseconds of real time, one entry per record or point."""
    stage_planned: list[int]
    """Arrivals of each stage in the blocks so far."""
    planned: int = 0
    """Arrivals of the blocks so far; the ledger learns at the end."""
    elapsed_ns: int = 0
    """How far the arrivals have come."""
    end_ns: int = 1
    """End of the last span, or of the arrivals."""
    loop: QuantileSketch = field(default_factory=QuantileSketch)
    """Nanoseconds of real time, one entry per turn of the generating loop."""
    queued_bytes: int = 0
    draining: bool = False
    overloaded: bool = False
    """Whether it was given up because it could not keep up with the clock."""
    fatal: str | None = None
    """Why nothing more could be delivered."""
    trouble: str = ""
    """Why nothing gets through at the moment."""
    cpu_seconds: float = 0.0
    peak_rss_bytes: int = 0
    imperfections: dict[str, int] = field(default_factory=dict)
    """What was told wrong on purpose, by kind."""
    undelivered: list[str] = field(default_factory=list)
    """Further reasons why telemetry was not fully delivered."""

    @classmethod
    def blank(cls, setup: Setup) -> Self:
        """Nothing counted yet."""
        return cls(Ledger(), blank_tally(setup), QuantileSketch(), [0] * len(setup.schedule.stages))

    def merge(self, other: Account) -> None:
        """Add what another process counted."""
        self.ledger.merge(other.ledger)
        self.tally.merge(other.tally)
        self.lateness.merge(other.lateness)
        self.loop.merge(other.loop)
        self.stage_planned = [
            mine + more for mine, more in zip(self.stage_planned, other.stage_planned, strict=True)
        ]
        self.planned += other.planned
        self.elapsed_ns = max(self.elapsed_ns, other.elapsed_ns)
        self.end_ns = max(self.end_ns, other.end_ns)
        self.queued_bytes += other.queued_bytes
        self.overloaded |= other.overloaded
        self.fatal = self.fatal or other.fatal
        self.trouble = self.trouble or other.trouble
        self.cpu_seconds += other.cpu_seconds
        self.peak_rss_bytes += other.peak_rss_bytes
        self.undelivered += other.undelivered
        for kind, count in other.imperfections.items():
            self.imperfections[kind] = self.imperfections.get(kind, 0) + count

    def close_without(self, setup: Setup, reason: str) -> None:
        """Balance what a process that is gone had told last.

        What it had made and not settled is failed: it may have been sent, and nobody can say.

        Args:
            setup: Of its shard, whose whole plan is counted.
            reason: Told with what failed.
        """
        for signal, entry in self.ledger.signals.items():
            # A copy taken between two counts may be ahead on one side.
            entry.generated = max(entry.generated, entry.accounted)
            self.ledger.fail(signal, entry.generated - entry.accounted, reason, unix_ns())
        self.stage_planned = planned_by_stage(setup)
        self.planned = sum(self.stage_planned)
        generated = self.ledger.generated
        self.ledger.planned, self.ledger.skipped = self.planned, self.planned - generated
        skipped = f"; {self.ledger.skipped:,} requests were never simulated"
        self.undelivered.append(reason + (skipped if self.ledger.skipped else ""))


def blank_tally(setup: Setup) -> Tally:
    """A tally of this run's stages, in which nothing is counted."""
    bounds = [(stage.name, stage.start_ns, stage.end_ns) for stage in setup.schedule.stages]
    return Tally(setup.scenario, setup.simulator.vocabulary, bounds)


def count_by_stage(due_ns: Ints, stage_ends_ns: Ints) -> list[int]:
    """How many arrivals are due in each stage; those at the very end belong to the last."""
    last = len(stage_ends_ns) - 1
    stages = np.minimum(np.searchsorted(stage_ends_ns, due_ns, side="right"), last)
    return [int(count) for count in np.bincount(stages, minlength=last + 1)]


def planned_at_once(setup: Setup) -> list[int]:
    """The same for a run that did not begin: of a very long one it is what the curve expects.

    Counting a day of thousands a second takes as long as simulating some of it, and nobody waits
    for that to hear that the receiver is not there.
    """
    if setup.schedule.total_expected <= _MOST_COUNTED:
        return planned_by_stage(setup)
    return [round(stage.expected / setup.shard.count) for stage in setup.schedule.stages]


def planned_by_stage(setup: Setup) -> list[int]:
    """Arrivals of this setup's shard in each stage."""
    ends = np.array([stage.end_ns for stage in setup.schedule.stages], dtype=np.int64)
    total = np.zeros(len(ends), dtype=np.int64)
    for block in setup.blocks():
        total += count_by_stage(setup.schedule.arrivals(block), ends)
    return [int(count) for count in total]
