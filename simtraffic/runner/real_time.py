"""Tick by tick with the clock: a record leaves in the tick in which its span ends.

It does so whatever the receiver does, and its lateness against the end of the tick is measured.
Blocks are simulated a little ahead of their arrivals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simtraffic.arrays import Ints
from simtraffic.clock import SECOND_NS, monotonic
from simtraffic.conventions.frames import join_frames
from simtraffic.conventions.rows import TABLES

if TYPE_CHECKING:
    from simtraffic.clock import RealClock
    from simtraffic.conventions.frames import Frame
    from simtraffic.runner.playback import Playback
    from simtraffic.simulation.tables import Exchanges

TICK_NS = 100_000_000
"""Length of a tick in real time."""

LOOK_AHEAD_NS = 2 * SECOND_NS
"""Blocks are simulated this long (real time) before their first arrival."""


def real_time(playback: Playback, clock: RealClock) -> None:
    """Run with the clock, from where the playback stands.

    What is due in a tick leaves at its end, full queue or not.
    """
    _Clocked(playback, clock).through()


@dataclass(slots=True)
class _Arriving:
    """A block that was simulated before its arrivals are due."""

    exchanges: Exchanges
    by_due: list[Frame]
    """Each table's rows by arrival of their request."""
    arrived: int = 0
    """Requests that have arrived."""

    @property
    def is_through(self) -> bool:
        """Whether all have."""
        return self.arrived == len(self.exchanges)


@dataclass(slots=True)
class _Waiting:
    """Rows of one table that are emitted at a time of their own."""

    rows: Frame
    """By the time at which they are emitted."""
    emit_ns: Ints
    """That time, which is their end but for what is late on purpose."""
    emitted: int = 0

    def due(self, until_ns: int) -> Frame | None:
        """Those that are emitted by this time and were not yet; None without any."""
        low, high = self.emitted, int(np.searchsorted(self.emit_ns, until_ns, side="right"))
        self.emitted = max(low, high)
        return self.rows.take(slice(low, high)) if high > low else None

    def rest(self, arrived_ns: int) -> Frame | None:
        """What is left of the requests that arrived before this time; None without any."""
        left = self.rows.take(slice(self.emitted, None))
        left = left.take(left.due_ns < arrived_ns)
        return left if len(left) else None


class _Clocked:
    """A playback tied to a clock, with what was simulated ahead."""

    def __init__(self, playback: Playback, clock: RealClock) -> None:
        self._playback = playback
        self._clock = clock
        self._began_ns = playback.counts.elapsed_ns
        """Where the run stood when the clock started."""
        self._tick_ns = int(TICK_NS * clock.factor)
        self._ahead_ns = int(LOOK_AHEAD_NS * clock.factor) + self._tick_ns
        self._arriving: list[_Arriving] = []
        self._waiting: list[_Waiting] = []
        self._emitted_ns = self._began_ns
        """Rows that ended by then were emitted, but for those late on purpose."""
        for _, frame in playback.held:
            self._wait([frame])
        playback.held = []

    def through(self) -> None:
        playback, clock = self._playback, self._clock
        self._prepare(self._began_ns)
        # Templates are built when a shape is first met: meet most of them before the clock runs.
        first = [waiting.rows for waiting in self._waiting]
        for form in playback.outlets.forms:
            playback.emitter.warm_up(first, form)
        clock.restart()
        tick_end = self._began_ns
        while not self._is_through(tick_end):
            tick_end += self._tick_ns
            self._prepare(tick_end)
            clock.wait_until(tick_end - self._began_ns, playback.stop.event)
            if playback.is_over:
                self._break_off(min(self._now_ns(), tick_end))
                return
            began = monotonic()
            self._tick(tick_end)
            playback.turned(began)
            playback.watch()
            if self._now_ns() - tick_end > playback.give_up_ns * clock.factor:
                playback.counts.overloaded = True
                self._break_off(tick_end)
                return

    def _now_ns(self) -> int:
        """How far the clock is, as a time of the run."""
        return self._began_ns + self._clock.elapsed_ns()

    def _is_through(self, tick_end: int) -> bool:
        playback = self._playback
        over = tick_end >= playback.setup.schedule.duration_ns
        is_empty = playback.next_start_ns is None and not self._arriving and not self._waiting
        return over and is_empty and tick_end >= playback.counts.last_end_ns

    def _prepare(self, now_ns: int) -> None:
        """Simulate the blocks that begin soon."""
        playback = self._playback
        while (start_ns := playback.next_start_ns) is not None:
            if start_ns > now_ns + self._ahead_ns:
                return
            exchanges = playback.simulate()
            frames = playback.emitter.frames(exchanges)
            by_due = [f.take(np.argsort(f.due_ns, kind="stable")) for f in frames]
            self._arriving.append(_Arriving(exchanges, by_due))
            self._wait(frames)

    def _wait(self, frames: list[Frame]) -> None:
        """Keep these rows until they are to be emitted."""
        imperfect = self._playback.emitter.imperfect
        for frame in frames:
            emit_ns = imperfect.emit_ns(frame) if imperfect else frame.end_ns
            order = np.argsort(emit_ns, kind="stable")
            if len(order):
                self._waiting.append(_Waiting(frame.take(order), emit_ns[order]))

    def _tick(self, tick_end: int) -> None:
        playback, counts = self._playback, self._playback.counts
        duration_ns = playback.setup.schedule.duration_ns
        counts.elapsed_ns = min(tick_end, duration_ns)
        self._arrive(tick_end)
        frames = self._due(tick_end)
        self._emitted_ns = tick_end
        self._late(playback.emit(frames, block=False) if frames else 0, tick_end)
        # The end of the run has a collection of its own.
        end_ns = max(duration_ns, counts.last_end_ns)
        while (at_ns := playback.emitter.metrics.next_ns()) <= tick_end and at_ns < end_ns:
            self._late(playback.collect(at_ns, block=False), tick_end)
        if tick_end >= end_ns:
            # All have arrived. The last points do not wait for spans that are late on purpose.
            self._late(playback.finish(block=False), tick_end)

    def _late(self, records: int, tick_end: int) -> None:
        if records:
            late = max(0, self._now_ns() - tick_end) / self._clock.factor
            self._playback.counts.lateness.add_repeated(int(late), records)

    def _break_off(self, now_ns: int) -> None:
        """Whatever has arrived is emitted to its end at once, the rest was never asked for."""
        playback, counts = self._playback, self._playback.counts
        counts.elapsed_ns = min(now_ns, playback.setup.schedule.duration_ns)
        self._arrive(counts.elapsed_ns)
        frames = self._rest(counts.elapsed_ns)
        if playback.emitter.imperfect is not None:
            playback.emitter.imperfect.cut_ns = self._emitted_ns
        if frames:
            playback.emit(frames, block=False)
        playback.finish(block=False)

    def _arrive(self, until_ns: int) -> None:
        """Count and measure the requests that are due before this time."""
        playback = self._playback
        for group in self._arriving:
            due = group.exchanges.requests.due_ns
            upto = int(np.searchsorted(due, until_ns, side="left"))
            if upto == group.arrived:
                continue
            wanted = np.zeros(len(due), dtype=bool)
            wanted[group.arrived : upto] = True
            playback.counts.add(group.exchanges.keep(wanted))
            since_ns = int(due[group.arrived])
            group.arrived = upto
            parts = []
            for frame in group.by_due:
                low, high = np.searchsorted(frame.due_ns, (since_ns, until_ns), side="left")
                parts.append(frame.take(slice(int(low), int(high))))
            playback.emitter.measure(parts)
        self._arriving = [group for group in self._arriving if not group.is_through]

    def _due(self, until_ns: int) -> list[Frame]:
        """Rows that are emitted by this time, each once."""
        found: dict[str, list[Frame]] = {}
        for waiting in self._waiting:
            rows = waiting.due(until_ns)
            if rows is not None:
                found.setdefault(waiting.rows.kind, []).append(rows)
        self._waiting = [each for each in self._waiting if each.emitted < len(each.rows)]
        return _joined(found)

    def _rest(self, arrived_ns: int) -> list[Frame]:
        """Rows not emitted yet of the requests that arrived before this time."""
        found: dict[str, list[Frame]] = {}
        for waiting in self._waiting:
            rows = waiting.rest(arrived_ns)
            if rows is not None:
                found.setdefault(waiting.rows.kind, []).append(rows)
        return _joined(found)


def _joined(found: dict[str, list[Frame]]) -> list[Frame]:
    """One frame for each table, in their order."""
    return [join_frames(found[kind]) for kind in TABLES if kind in found]
