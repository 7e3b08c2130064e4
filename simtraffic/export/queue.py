"""What waits to be sent: chunks gather in batches, batches wait in the lane of their signal.

Plain state. :class:`simtraffic.export.delivery.Delivery` guards it with its lock, which the
conditions share.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field

from simtraffic.export.presence import Presence
from simtraffic.signals import SIGNALS, Chunk, Form

TROUBLE_AFTER_S = 2.0
"""So long without an answer is worth a word to whoever watches."""
_NO_ANSWER_YET = "no answer as yet"

# A request is emitted as spans and log records; a point sums up many.
_TOGETHER = ("traces", "logs")


@dataclass(slots=True)
class LearntSize:
    """How large the batches of one signal may be, after what its receiver has said.

    Sizes are those of payloads before compression, in bytes.
    """

    most: int
    """Batches are built up to this; only ever lowered."""
    passed: int = 0
    """The largest that was taken."""
    refused: int | None = None
    """The smallest that was found too large: nothing of this size need be sent any more."""

    def take(self, size: int) -> None:
        """A batch of this size was taken."""
        self.passed = max(self.passed, size)

    def refuse(self, size: int, named: int | None) -> int:
        """A batch of this size was too large; the size to cut it to."""
        self.refused = size if self.refused is None else min(self.refused, size)
        target = self.target(size)
        if named is not None and 0 < named < size:
            target = named
            self.refused = min(self.refused, named + 1)
        self.most = max(1, min(self.most, target))
        return target

    def target(self, size: int) -> int:
        """What to cut a batch of this size to: half of it, or what is known to pass."""
        if self.most < size and self.refused is not None:
            return self.most
        return max(size // 2, self.passed if self.passed < size else 0)

    def surely_refused(self, size: int) -> bool:
        """Whether the receiver has refused as much before."""
        return self.refused is not None and size >= self.refused


@dataclass(slots=True, eq=False)
class Batch:
    """Chunks that will travel together, from the first one handed over until they are settled."""

    lane: Lane
    """Where it waits, for good: its signal, its receiver and whoever sends it are the lane's."""
    order: int
    """Counts up over all signals: the smaller, the older."""
    since: float
    """When the first chunk came, monotonic seconds."""
    until: float = 0.0
    """When the last chunk came."""
    chunks: list[Chunk] = field(default_factory=list)
    """Until they are joined."""
    cuts: list[tuple[int, int]] = field(default_factory=list)
    """Size and count of each chunk that was joined, in order: where the batch may be split."""
    form: Form = "protobuf"
    size: int = 0
    """Bytes of the chunks."""
    proto_bytes: int = 0
    count: int = 0
    tries: int = 0
    refused_ns: int = 0
    """When the first try got no for an answer, Unix nanoseconds; 0 before."""
    settled: bool = False
    """Whether the ledger knows what became of it; set once, under the lock."""

    @property
    def signal(self) -> str:
        """Of every record inside, as the lane has it."""
        return self.lane.signal

    def add(self, chunk: Chunk, now: float) -> None:
        """Take a chunk along."""
        self.until = max(self.until, now)
        self.chunks.append(chunk)
        self.size += len(chunk.payload)
        self.proto_bytes += chunk.proto_bytes
        self.count += chunk.count

    def join(self) -> Chunk:
        """All of it as one chunk, the request to send; its own chunks are let go of for that."""
        chunks, self.chunks = self.chunks, []
        self.cuts = [(len(chunk.payload), chunk.count) for chunk in chunks]
        if len(chunks) == 1:
            return chunks[0]
        payload = (b"," if self.form == "json" else b"").join(chunk.payload for chunk in chunks)
        return Chunk(self.signal, payload, self.count, self.proto_bytes, self.form)


@dataclass(slots=True, eq=False)
class Lane:
    """The queue of one signal and who works on it."""

    signal: str
    workers: int
    wake: threading.Condition
    """Notified when there may be something to do; shares the delivery's lock."""
    batch_bytes: InitVar[int]
    """Batches are built up to this, until the receiver finds it too large."""
    presence: Presence
    sizes: LearntSize = field(init=False)
    not_before: float = 0.0
    """Until when the receiver asked to be left alone, monotonic seconds."""
    open: Batch | None = None
    ready: deque[Batch] = field(default_factory=deque)
    in_flight: set[Batch] = field(default_factory=set)
    threads: list[threading.Thread] = field(default_factory=list)
    trouble: str = ""
    """The last answer, when it was not a success: why what waits behind it is not sent."""

    def __post_init__(self, batch_bytes: int) -> None:
        self.sizes = LearntSize(batch_bytes)

    def seal(self) -> None:
        """Make the open batch ready to leave."""
        if self.open is not None:
            self.ready.append(self.open)
            self.open = None

    def oldest(self) -> Batch | None:
        """The oldest batch that was not taken yet."""
        return self.ready[0] if self.ready else self.open

    def pop_oldest(self) -> Batch:
        """Take the oldest batch out; there must be one."""
        if not self.ready:
            self.seal()
        return self.ready.popleft()

    def pop_all(self) -> list[Batch]:
        """Take every waiting batch out."""
        self.seal()
        waiting = list(self.ready)
        self.ready.clear()
        return waiting


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
