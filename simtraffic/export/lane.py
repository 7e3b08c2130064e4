"""The queue of one signal: chunks gather in an open batch, full or old batches are ready to leave.

A lane is plain state. :class:`simtraffic.export.delivery.Delivery` guards it with its lock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import InitVar, dataclass, field
from typing import TYPE_CHECKING

from simtraffic.export.sizes import LearntSize
from simtraffic.signals import Chunk, Form

if TYPE_CHECKING:
    import threading

    from simtraffic.export.presence import Presence


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
