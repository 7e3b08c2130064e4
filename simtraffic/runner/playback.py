"""A run under way: how far its blocks have come, and what is still to be emitted of them.

:mod:`simtraffic.runner.full_speed` and :mod:`simtraffic.runner.real_time` drive it, one after the
other if need be: they share its cursor over the blocks, so that what one has done the other never
does again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from simtraffic.clock import SECOND_NS, monotonic
from simtraffic.runner.counts import blank_counts
from simtraffic.runner.emission import emitter_of
from simtraffic.runner.outlets import Outlets
from simtraffic.runner.setup import DEFAULT_DRAIN_NS, within
from simtraffic.runner.stop import StopSignal

if TYPE_CHECKING:
    from simtraffic.conventions.frames import Frame
    from simtraffic.ledger import Ledger
    from simtraffic.otlp.emitter import Emitter
    from simtraffic.result.counts import RunCounts
    from simtraffic.runner.cap import Cap
    from simtraffic.runner.outlets import Outlet
    from simtraffic.runner.setup import Setup
    from simtraffic.simulation.tables import Exchanges

GIVE_UP_NS = 30 * SECOND_NS
"""A run that is this late (real time) takes no more arrivals: the rest is skipped."""


@dataclass(kw_only=True)
class Playback:
    """A run, or a shard of one, between its first block and its last record."""

    setup: Setup
    emitter: Emitter
    outlets: Outlets
    counts: RunCounts
    """Written into while it goes."""
    stop: StopSignal
    drain_ns: int
    """Requests that would end later than this after the last arrival never take place."""
    watch: Callable[[], None] = lambda: None
    """Called every now and then from the run's own thread."""
    give_up_ns: int = GIVE_UP_NS
    position: int = field(default=0, init=False)
    """How many of the shard's blocks were simulated."""
    held: list[tuple[int, Frame]] = field(default_factory=list, init=False)
    """Rows of these blocks that are emitted later, and when the last of each frame is."""
    is_collected: bool = field(default=False, init=False)
    """Whether the last collection is through."""

    @classmethod
    def of(
        cls,
        setup: Setup,
        outlets: Sequence[Outlet],
        *,
        ledger: Ledger | None = None,
        stop: StopSignal | None = None,
        drain_ns: int = DEFAULT_DRAIN_NS,
        cap: Cap | None = None,
        **others: Any,
    ) -> Self:
        """A playback at its beginning, for what is emitted into these outlets.

        Args:
            setup: what is played.
            outlets: take what is emitted; the ledger's figures are those of the first.
            ledger: shared with a delivery.
            stop: ends the arrivals early.
            drain_ns: how long after the last arrival spans may end.
            cap: bound on what may leave.
            others: ``watch`` and ``give_up_ns``.
        """
        stop, counts = stop or StopSignal(), blank_counts(setup)
        counts.ledger = counts.ledger if ledger is None else ledger
        signals = setup.scenario.telemetry.signals
        through = Outlets(outlets, counts.ledger, stop.event, signals, cap)
        return cls(
            setup=setup,
            emitter=emitter_of(setup, through.forms, drain_ns),
            outlets=through,
            counts=counts,
            stop=stop,
            drain_ns=drain_ns,
            **others,
        )

    @property
    def is_over(self) -> bool:
        """Whether to take no more arrivals."""
        return self.stop.requested or self.outlets.fatal is not None

    @property
    def next_start_ns(self) -> int | None:
        """When the next block begins; None after the last one."""
        blocks = self.setup.blocks()
        if self.position == len(blocks):
            return None
        return self.setup.schedule.block_window(blocks[self.position])[0]

    def simulate(self, count: int = 1) -> Exchanges:
        """The next blocks, without the requests that would end after the drain."""
        blocks = self.setup.blocks()[self.position : self.position + count]
        exchanges = self.setup.simulator.simulate_blocks(list(blocks))
        self.position += len(blocks)
        self.counts.plan(exchanges.requests.due_ns)
        return within(exchanges, self.setup.schedule.duration_ns + self.drain_ns)

    def emit(self, frames: list[Frame], *, block: bool) -> int:
        """Encode and hand over; the number of records. With ``block`` wait for room."""
        records = 0
        for form in self.outlets.forms:
            records = 0
            for chunk in self.emitter.records(frames, form):
                self.outlets.submit(chunk, block=block)
                records += chunk.count
        self.emitter.book(frames)
        return records

    def collect(self, at_ns: int, *, block: bool) -> int:
        """Emit the data points of this moment; their number."""
        points = 0
        for chunk in self.emitter.collect(at_ns):
            self.outlets.submit(chunk, block=block)
            points += chunk.count
        return points

    def collect_until(self, until_ns: int, *, block: bool) -> int:
        """The collections that are due before this time; the number of data points."""
        points = 0
        while self.emitter.metrics.next_ns() < until_ns:
            points += self.collect(self.emitter.metrics.next_ns(), block=block)
        return points

    def finish(self, *, block: bool) -> int:
        """The collections that are left, once; the last is at the end of the run."""
        if self.is_collected:
            return 0
        self.is_collected = True
        end_ns = max(1, self.counts.end_ns)
        points = self.collect_until(end_ns, block=block)
        points += self.collect(end_ns, block=block)
        for chunk in self.emitter.metrics.rest():
            self.outlets.submit(chunk, block=block)
            points += chunk.count
        return points

    def turned(self, began: float) -> None:
        """A turn of the loop that began then, by the monotonic clock, is through."""
        self.counts.loop.add_repeated(int((monotonic() - began) * SECOND_NS), 1)
