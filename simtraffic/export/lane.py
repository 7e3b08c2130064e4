"""The queue of one signal: chunks gather in an open batch, full or old batches are ready to leave.

A lane is plain state. :class:`simtraffic.export.delivery.Delivery` guards it with its lock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import InitVar, dataclass, field
from typing import TYPE_CHECKING

from simtraffic.export import Batch
from simtraffic.export.sizes import LearntSize
from simtraffic.signals import Form

if TYPE_CHECKING:
    import threading

    from simtraffic.export.receiver import Receiver


@dataclass(frozen=True, slots=True)
class Cut:
    """Where one chunk ends and the next begins in the joined bytes of a batch."""

    size: int
    proto_bytes: int
    count: int


@dataclass(slots=True, eq=False)
class Pending:
    """Chunks that will travel together, from the first one handed over until they are settled."""

    order: int
    """Counts up over all signals: the smaller, the older."""
    since: float
    """When the first chunk came, monotonic seconds."""
    until: float = 0.0
    """When the last chunk came."""
    chunks: list[bytes] = field(default_factory=list)
    cuts: list[Cut] = field(default_factory=list)
    """Of each chunk, in order: where the batch may be split."""
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

    def add(self, chunk: Batch, now: float) -> None:
        """Take a chunk along."""
        self.until = max(self.until, now)
        size = len(chunk.payload)
        proto_bytes = size if chunk.proto_bytes is None else chunk.proto_bytes
        self.chunks.append(chunk.payload)
        self.cuts.append(Cut(size, proto_bytes, chunk.count))
        self.size += size
        self.proto_bytes += proto_bytes
        self.count += chunk.count

    def batch(self, signal: str) -> Batch:
        """The request to send; lets go of the chunks, as the joined bytes replace them."""
        glue = b"," if self.form == "json" else b""
        payload = self.chunks[0] if len(self.chunks) == 1 else glue.join(self.chunks)
        self.chunks = []
        return Batch(signal, payload, self.count, self.proto_bytes, self.form)


@dataclass(slots=True, eq=False)
class Lane:
    """The queue of one signal and who works on it."""

    signal: str
    workers: int
    wake: threading.Condition
    """Told when there may be something to do; shares the delivery's lock."""
    batch_bytes: InitVar[int]
    """Batches are built up to this, until the receiver finds it too large."""
    receiver: Receiver
    sizes: LearntSize = field(init=False)
    not_before: float = 0.0
    """Until when the receiver asked to be left alone, monotonic seconds."""
    open: Pending | None = None
    ready: deque[Pending] = field(default_factory=deque)
    in_flight: set[Pending] = field(default_factory=set)
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

    def oldest(self) -> Pending | None:
        """The oldest batch that was not taken yet."""
        return self.ready[0] if self.ready else self.open

    def pop_oldest(self) -> Pending:
        """Take the oldest batch out; there must be one."""
        if not self.ready:
            self.seal()
        return self.ready.popleft()

    def pop_all(self) -> list[Pending]:
        """Take every waiting batch out."""
        self.seal()
        waiting = list(self.ready)
        self.ready.clear()
        return waiting
