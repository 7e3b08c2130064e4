"""The two ways through a run: as fast as possible, or tick by tick with the clock.

Both feed the same telemetry with the same rows. At full speed a step of blocks is told at once and
delivery holds the simulation back. With a clock, a record leaves in the tick in which its span
ends, whatever the receiver does, and its lateness against the end of the tick is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from simtraffic.clock import SECOND_NS, monotonic
from simtraffic.conventions.frames import join_frames
from simtraffic.result.sketch import QuantileSketch
from simtraffic.runner.setup import within

if TYPE_CHECKING:
    from simtraffic.clock import RealClock
    from simtraffic.conventions.frames import Frame
    from simtraffic.ledger import Ledger
    from simtraffic.otlp.telemetry import Telemetry
    from simtraffic.result.tally import Tally
    from simtraffic.runner.outlets import Outlets
    from simtraffic.runner.setup import Setup
    from simtraffic.runner.stop import StopSignal
    from simtraffic.simulation.tables import Exchanges

TICK_NS = 100_000_000
"""Length of a tick in real time."""

GIVE_UP_NS = 30 * SECOND_NS
"""A run that is this late (real time) takes no more arrivals: the rest is skipped."""

LOOK_AHEAD_NS = 2 * SECOND_NS
"""Blocks are simulated this long (real time) before their first arrival."""

MAX_OPEN_INTERVALS = 64
"""Collections that one step may span, so that sparse traffic does not fill memory with them."""


@dataclass
class Playback:
    """A run under way."""

    setup: Setup
    telemetry: Telemetry
    outlets: Outlets
    ledger: Ledger
    tally: Tally
    lateness: QuantileSketch
    """Nanoseconds of real time, one entry per record or point; at full speed a single zero."""
    stop: StopSignal
    drain_ns: int
    watch: Callable[[Playback], None] = lambda _playback: None
    """Called every now and then from the run's own thread."""
    give_up_ns: int = GIVE_UP_NS
    loop: QuantileSketch = field(default_factory=QuantileSketch, init=False)
    """Nanoseconds of real time, one entry per turn of the loop; waiting for the tick left out."""
    overloaded: bool = field(default=False, init=False)
    """Whether the run was given up because it could not keep up with the clock."""
    elapsed_ns: int = field(default=0, init=False)
    """How far the arrivals have come."""
    last_end_ns: int = field(default=0, init=False)
    """End of the last span so far."""
    simulated_blocks: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Nothing has happened yet."""
        schedule = self.setup.schedule
        self._limit_ns = schedule.duration_ns + self.drain_ns
        self._held: list[tuple[int, Frame]] = []
        """Rows to be told late on purpose, and when."""
        self._is_collected = False
        self._told_ns = 0
        """Rows that ended by then were told, but for those late on purpose."""

    @property
    def is_over(self) -> bool:
        """Whether to take no more arrivals."""
        return self.stop.requested or self.outlets.fatal is not None

    def simulate(self, blocks: list[int]) -> Exchanges:
        """The next blocks, without the requests that would end after the drain."""
        exchanges = self.setup.simulator.simulate_blocks(blocks)
        self.simulated_blocks += len(blocks)
        self.tally.plan(exchanges.requests.due_ns)
        return within(exchanges, self._limit_ns)

    def count(self, exchanges: Exchanges) -> None:
        """Book requests that have arrived."""
        self.tally.add(exchanges)
        self.ledger.add_requests(generated=len(exchanges))
        if len(exchanges):
            self.last_end_ns = max(self.last_end_ns, int(exchanges.requests.end_ns.max()))

    def _tell(self, frames: list[Frame], *, block: bool) -> int:
        """Encode and hand over; the number of records."""
        records = 0
        for form in self.outlets.forms:
            records = 0
            for chunk in self.telemetry.records(frames, form):
                self.outlets.records(chunk, form, block=block)
                records += chunk.count
        return records

    def _collect(self, at_ns: int, *, block: bool) -> int:
        points = 0
        for chunk in self.telemetry.collect(at_ns):
            self.outlets.points(chunk, block=block)
            points += chunk.count
        return points

    def fast(self) -> None:
        """Run through simulated time; delivery makes the simulation wait when it is full."""
        every = self.setup.blocks()
        # In simulated time nothing is ever late but on purpose, whatever the signal.
        self.lateness.add_repeated(0, 1)
        for blocks in self.setup.steps(self.outlets.forms):
            if self.is_over:
                break
            began = monotonic()
            exchanges = self.simulate(blocks)
            for part in self._parts(exchanges):
                self.count(part)
                frames = self.telemetry.ordered(self.telemetry.frames(part))
                if len(part):
                    self._collect_until(int(part.requests.due_ns[0]))
                self.telemetry.measure(frames)
                self._tell(self._hold(frames), block=True)
            self.elapsed_ns = self.setup.schedule.duration_ns
            if self.simulated_blocks < len(every):
                follows = every[self.simulated_blocks]
                self.elapsed_ns = self.setup.schedule.block_window(follows)[0]
            self._collect_until(self.elapsed_ns)
            self._let_go(self.elapsed_ns)
            self.loop.add_repeated(int((monotonic() - began) * SECOND_NS), 1)
            self.watch(self)
        self._let_go(None)
        self._finish(block=True)

    def _hold(self, frames: list[Frame]) -> list[Frame]:
        """The rows that are told now; those to be told late on purpose are kept."""
        imperfect = self.telemetry.imperfect
        if imperfect is None or not imperfect.delays:
            return frames
        now = []
        for frame in frames:
            tell_ns = imperfect.tell_ns(frame)
            late = tell_ns > frame.end_ns
            if late.any():
                self._held.append((int(tell_ns[late].max()), frame.take(late)))
            now.append(frame.take(~late))
        return now

    def _let_go(self, until_ns: int | None) -> None:
        """Tell what was kept until this time, or all of it."""
        due = [each for each in self._held if until_ns is None or each[0] <= until_ns]
        if due:
            self._held = [
                each for each in self._held if until_ns is not None and each[0] > until_ns
            ]
            self._tell([frame for _, frame in due], block=True)

    def _parts(self, exchanges: Exchanges) -> Iterator[Exchanges]:
        """Exchanges in parts whose arrivals span a bounded number of collections."""
        due = exchanges.requests.due_ns
        span = MAX_OPEN_INTERVALS * self.setup.scenario.telemetry.metrics.interval_ns
        if not len(due) or due[-1] - due[0] <= span:
            yield exchanges
            return
        edges = np.arange(due[0] + span, due[-1] + span, span)
        cuts = np.unique([0, *np.searchsorted(due, edges), len(due)])
        for low, high in pairwise(cuts):
            wanted = np.zeros(len(due), dtype=bool)
            wanted[low:high] = True
            yield exchanges.keep(wanted)

    def _collect_until(self, at_ns: int) -> None:
        while self.telemetry.metrics.next_ns() < at_ns:
            self._collect(self.telemetry.metrics.next_ns(), block=True)

    def _finish(self, *, block: bool) -> int:
        """The collections that are left, once; the last is at the end of the run."""
        if self._is_collected:
            return 0
        self._is_collected = True
        end_ns = self.end_ns
        points = 0
        while self.telemetry.metrics.next_ns() < end_ns:
            points += self._collect(self.telemetry.metrics.next_ns(), block=block)
        points += self._collect(end_ns, block=block)
        for chunk in self.telemetry.metrics.rest():
            self.outlets.points(chunk, block=block)
            points += chunk.count
        return points

    @property
    def end_ns(self) -> int:
        """End of the run: of the last stage (or where it was stopped) or of the last span."""
        return max(self.elapsed_ns, self.last_end_ns, 1)

    def timed(self, clock: RealClock) -> None:
        """Run with the clock; what is due in a tick leaves at its end, full queue or not."""
        tick_ns = int(TICK_NS * clock.factor)
        ahead = _Ahead(self, int(LOOK_AHEAD_NS * clock.factor) + tick_ns)
        ahead.prepare(0)
        # Templates are built when a shape is first met: meet most of them before the clock runs.
        first = [frame for group in ahead.groups for frame in group.by_end]
        for form in self.outlets.forms:
            self.telemetry.warm_up(first, form)
        clock.restart()
        tick_end = 0
        while not self._is_through(ahead, tick_end):
            tick_end += tick_ns
            ahead.prepare(tick_end)
            clock.wait_until(tick_end, self.stop.event)
            if self.is_over:
                self._break_off(ahead, min(clock.elapsed_ns(), tick_end))
                return
            began = monotonic()
            self._tick(ahead, tick_end, clock)
            self.loop.add_repeated(int((monotonic() - began) * SECOND_NS), 1)
            self.watch(self)
            if clock.elapsed_ns() - tick_end > self.give_up_ns * clock.factor:
                self.overloaded = True
                self._break_off(ahead, tick_end)
                return

    def _is_through(self, ahead: _Ahead, tick_end: int) -> bool:
        over = tick_end >= self.setup.schedule.duration_ns
        return over and ahead.is_empty and tick_end >= self.last_end_ns

    def _tick(self, ahead: _Ahead, tick_end: int, clock: RealClock) -> None:
        self.elapsed_ns = min(tick_end, self.setup.schedule.duration_ns)
        ahead.arrive(tick_end)
        frames = ahead.due(tick_end)
        self._told_ns = tick_end
        self._late(self._tell(frames, block=False) if frames else 0, tick_end, clock)
        # The end of the run has a collection of its own.
        end_ns = max(self.setup.schedule.duration_ns, self.last_end_ns)
        while (at_ns := self.telemetry.metrics.next_ns()) <= tick_end and at_ns < end_ns:
            self._late(self._collect(at_ns, block=False), tick_end, clock)
        if tick_end >= end_ns:
            # All have arrived. The last points do not wait for spans that are late on purpose.
            self._late(self._finish(block=False), tick_end, clock)

    def _late(self, records: int, tick_end: int, clock: RealClock) -> None:
        if records:
            late = max(0, clock.elapsed_ns() - tick_end) / clock.factor
            self.lateness.add_repeated(int(late), records)

    def _break_off(self, ahead: _Ahead, now_ns: int) -> None:
        """Whatever has arrived is told to its end at once, the rest was never asked for."""
        self.elapsed_ns = min(now_ns, self.setup.schedule.duration_ns)
        ahead.arrive(self.elapsed_ns)
        frames = ahead.rest(self.elapsed_ns)
        if self.telemetry.imperfect is not None:
            self.telemetry.imperfect.cut_ns = self._told_ns
        if frames:
            self._tell(frames, block=False)
        self._finish(block=False)


@dataclass
class _Group:
    """A step of blocks, simulated before its arrivals are due."""

    exchanges: Exchanges
    by_due: list[Frame]
    """Each table's rows by arrival of their request."""
    by_end: list[Frame]
    """Each table's rows by the time at which they are told."""
    tell_ns: list[np.ndarray]
    """When each row of ``by_end`` is told, which is at its end but for what is late on purpose."""
    arrived: int = 0
    """Requests that have arrived."""
    measured: list[int] = field(default_factory=lambda: [0, 0, 0])
    told: list[int] = field(default_factory=lambda: [0, 0, 0])


class _Ahead:
    """Blocks simulated ahead of the clock, and what of them is still to come."""

    def __init__(self, playback: Playback, distance_ns: int) -> None:
        self._playback = playback
        self._distance_ns = distance_ns
        self._blocks = playback.setup.blocks()
        self._next = 0
        self.groups: list[_Group] = []

    @property
    def is_empty(self) -> bool:
        """Whether everything was told."""
        return self._next == len(self._blocks) and not self.groups

    def prepare(self, now_ns: int) -> None:
        """Simulate the blocks that begin soon."""
        playback = self._playback
        while self._next < len(self._blocks):
            block = self._blocks[self._next]
            if playback.setup.schedule.block_window(block)[0] > now_ns + self._distance_ns:
                return
            self._next += 1
            exchanges = playback.simulate([block])
            frames = playback.telemetry.frames(exchanges)
            imperfect = playback.telemetry.imperfect
            tell_ns = [imperfect.tell_ns(f) if imperfect else f.end_ns for f in frames]
            orders = [np.argsort(each, kind="stable") for each in tell_ns]
            self.groups.append(
                _Group(
                    exchanges,
                    [f.take(np.argsort(f.due_ns, kind="stable")) for f in frames],
                    [f.take(order) for f, order in zip(frames, orders, strict=True)],
                    [each[order] for each, order in zip(tell_ns, orders, strict=True)],
                )
            )

    def arrive(self, until_ns: int) -> None:
        """Count and measure the requests that are due before this time."""
        playback = self._playback
        for group in self.groups:
            due = group.exchanges.requests.due_ns
            upto = int(np.searchsorted(due, until_ns, side="left"))
            if upto == group.arrived:
                continue
            wanted = np.zeros(len(due), dtype=bool)
            wanted[group.arrived : upto] = True
            playback.count(group.exchanges.keep(wanted))
            group.arrived = upto
            parts = []
            for table, frame in enumerate(group.by_due):
                low = group.measured[table]
                high = int(np.searchsorted(frame.due_ns, until_ns, side="left"))
                group.measured[table] = high
                parts.append(frame.take(slice(low, high)))
            playback.telemetry.measure(parts)

    def due(self, until_ns: int) -> list[Frame]:
        """Rows whose span ends by this time, each once."""
        found: list[list[Frame]] = [[], [], []]
        for group in self.groups:
            for table, frame in enumerate(group.by_end):
                low = group.told[table]
                high = int(np.searchsorted(group.tell_ns[table], until_ns, side="right"))
                if high > low:
                    group.told[table] = high
                    found[table].append(frame.take(slice(low, high)))
        self.groups = [
            group
            for group in self.groups
            if any(at < len(f) for at, f in zip(group.told, group.by_end, strict=True))
        ]
        return [join_frames(parts) for parts in found if parts]

    def rest(self, arrived_ns: int) -> list[Frame]:
        """Rows not told yet of the requests that arrived before this time."""
        found: list[list[Frame]] = [[], [], []]
        for group in self.groups:
            for table, frame in enumerate(group.by_end):
                left = frame.take(slice(group.told[table], None))
                left = left.take(left.due_ns < arrived_ns)
                if len(left):
                    found[table].append(left)
        return [join_frames(parts) for parts in found if parts]
