"""What waits to be sent, over all signals, and how many bytes are held.

Plain state. :class:`simtraffic.export.delivery.Delivery` guards it with its lock, which the
conditions share.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from simtraffic.export.lane import Batch, Lane
from simtraffic.export.presence import Presence
from simtraffic.signals import SIGNALS, Chunk

TROUBLE_AFTER_S = 2.0
"""So long without an answer is worth a word to whoever watches."""
_NO_ANSWER_YET = "no answer as yet"

# A request is emitted as spans and log records; a point sums up many.
_TOGETHER = ("traces", "logs")


@dataclass(eq=False)
class Queue:
    """The lanes of all signals under one bound."""

    lock: threading.RLock
    most_bytes: int
    """Bound on what is held, waiting and in flight."""
    batch_bytes: int
    """Batches are built up to this, until a receiver finds it too large."""
    concurrency: int
    """Batches in flight for traces and for logs; metrics have one, as points must keep order."""
    receivers: Mapping[str, str]
    """By signal; signals with an equal one go to the same receiver, as do those without any."""
    relief: float
    """Share of the bound that is freed at once when it is reached."""
    held: int = field(default=0, init=False)
    """Bytes held now, waiting and in flight."""
    order: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.changed = threading.Condition(self.lock)
        """Notified when bytes were let go of, and when waiting for a next try lost its point."""
        known = {name: Presence() for name in (*self.receivers.values(), "")}
        self.lanes = {
            signal: Lane(
                signal,
                workers=1 if signal == "metrics" else self.concurrency,
                wake=threading.Condition(self.lock),
                batch_bytes=self.batch_bytes,
                presence=known[self.receivers.get(signal, "")],
            )
            for signal in SIGNALS
        }

    def trouble(self, now: float) -> str:
        """Why nothing has got through to a receiver for a while, in a line; empty when it does."""
        for lane in self.lanes.values():
            since = lane.presence.unheard_since
            if since is not None and now - since >= TROUBLE_AFTER_S:
                said = lane.trouble or _NO_ANSWER_YET
                place = self.receivers.get(lane.signal, "")
                return said if place in said else f"{place}: {said}"
        return ""

    def fits(self, size: int) -> bool:
        """Whether so many bytes more are within the bound."""
        return self.held + size <= self.most_bytes

    def add(self, chunk: Chunk, now: float, *, at_once: bool) -> None:
        """Let a chunk travel with its lane's open batch, or begin one; ``at_once`` it may leave."""
        lane, size = self.lanes[chunk.signal], len(chunk.payload)
        if lane.open is not None and (
            lane.open.size + size > lane.sizes.most or lane.open.form != chunk.form
        ):
            self._seal(lane)
        if lane.open is None:
            self.order += 1
            lane.open = Batch(lane, self.order, now, form=chunk.form)
            # Someone has to watch its age.
            lane.wake.notify()
        lane.open.add(chunk, now)
        self.held += size
        if at_once or lane.open.size >= lane.sizes.most:
            self._seal(lane)

    def _seal(self, lane: Lane) -> None:
        """Seal a full batch, and with traces the log records of the same time, or the reverse.

        So that batches of both which lie side by side are of the same time.
        """
        for each in self.lanes.values():
            if each is lane or (lane.signal in _TOGETHER and each.signal in _TOGETHER):
                each.seal()
                each.wake.notify()

    def make_room(self, size: int) -> Iterator[Batch]:
        """Take out the oldest until so many bytes more fit, and some room beyond.

        Nothing is taken while they fit, and nothing that is in flight. Each one taken has to be
        let go of before the next is asked for.
        """
        if self.fits(size):
            return
        wanted = size + int(self.relief * self.most_bytes)
        while not self.fits(min(wanted, self.most_bytes)):
            window = self._oldest_window()
            if not window:
                return
            yield from window

    def _oldest_window(self) -> list[Batch]:
        """Take out the oldest waiting batch, and what is of the same requests at that time."""
        waiting = [
            (oldest.order, lane)
            for lane in self.lanes.values()
            if (oldest := lane.oldest()) is not None
        ]
        if not waiting:
            return []
        _, lane = min(waiting, key=lambda pair: pair[0])
        first = lane.pop_oldest()
        window = [first]
        if lane.signal not in _TOGETHER:
            return window
        for signal in _TOGETHER:
            other = self.lanes[signal]
            while (oldest := other.oldest()) is not None and oldest.since < first.until:
                window.append(other.pop_oldest())
        return window

    def waiting(self) -> Iterator[Batch]:
        """Take out everything that waits."""
        for lane in self.lanes.values():
            yield from lane.pop_all()

    def in_flight(self) -> Iterator[Batch]:
        """What workers have taken and nothing is known of yet."""
        for lane in self.lanes.values():
            yield from list(lane.in_flight)

    def let_go(self, batch: Batch) -> None:
        """Forget a batch whose end is known."""
        batch.settled = True
        batch.lane.in_flight.discard(batch)
        self.held -= batch.size
        self.changed.notify_all()

    def replace(self, batch: Batch, parts: Sequence[Chunk]) -> None:
        """Put the parts of a batch in its place, at the head of its lane."""
        lane = batch.lane
        for part in reversed(parts):
            smaller = Batch(lane, batch.order, batch.since, form=part.form, tries=batch.tries)
            smaller.add(part, batch.until)
            lane.ready.appendleft(smaller)
            self.held += smaller.size
        self.let_go(batch)
        lane.wake.notify_all()

    def flush(self) -> None:
        """Make everything ready to leave."""
        for lane in self.lanes.values():
            lane.seal()
        self.wake_all()

    def busy(self) -> bool:
        """Whether anything is held."""
        return any(lane.open or lane.ready or lane.in_flight for lane in self.lanes.values())

    def wake_all(self) -> None:
        """Let everyone look again."""
        for lane in self.lanes.values():
            lane.wake.notify_all()
        self.changed.notify_all()
