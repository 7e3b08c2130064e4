"""Bounded, counted delivery: chunks in, one entry in the ledger for each item, whatever happens.

Chunks of a signal gather into batches by size and age; worker threads send them and retry. The
bytes held, waiting and in flight, are bounded. What was generated is counted by the caller; what
became of it, here and once: a batch is settled by the first of an answer, the end of the tries, an
overflow or the deadline of :meth:`Delivery.drain`.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING

from simtraffic.clock import monotonic, unix_ns
from simtraffic.export import Outcome, SendResult
from simtraffic.export.heap import tidy_heap
from simtraffic.export.queue import Queue
from simtraffic.export.retry import RetryPolicy
from simtraffic.export.settling import Settling
from simtraffic.export.sizes import MAX_REQUEST_BYTES, most_in_a_batch
from simtraffic.export.splitting import cut_between_chunks, cut_between_records, describe
from simtraffic.randomness import Streams
from simtraffic.signals import Chunk, Form

if TYPE_CHECKING:
    from simtraffic.clock import Flag
    from simtraffic.export import Transport
    from simtraffic.export.queue import Batch, Lane
    from simtraffic.ledger import Ledger

DEFAULT_QUEUE_BYTES = 64 << 20

# Measured by benchmarks/overload.py: less splits more requests, more loses whole ones in vain.
DEFAULT_RELIEF = 0.125

QUEUE_FULL = "queue full"
LARGER_THAN_QUEUE = "a single record larger than the whole queue"
INTERRUPTED = "interrupted while the queue was full"
CLOSED = "delivery closed"
DRAIN_DEADLINE = "drain deadline"
TOO_LONG_A_WAIT = "the receiver asks for a longer wait than a batch is kept"

# A blocked hand-over looks this often whether the run was interrupted, in seconds.
_STOP_POLL_S = 0.1
# A drain lets whoever looks on have a look this often, in seconds.
_TURN_S = 0.25
# Threads that close() leaves behind would hang in a call that ignores its own timeout.
_JOIN_S = 2.0


@dataclass(eq=False)
class Delivery:
    """Sends chunks through a transport and books every item into the ledger."""

    transport: Transport
    ledger: Ledger
    _: KW_ONLY
    queue_bytes: int = DEFAULT_QUEUE_BYTES
    """Bound on bytes held over all signals, in flight included."""
    max_batch_bytes: int | None = None
    """Chunks gather up to this, 3.5 MB or a sixteenth of a small queue when left out, and to less
    when the receiver finds it too large; a single larger chunk travels alone."""
    max_request_bytes: int = MAX_REQUEST_BYTES
    """Nothing larger is ever sent; a single record above it is rejected."""
    max_age_s: float = 0.2
    """A batch that is not full leaves after this."""
    concurrency: int = 4
    """Batches in flight for traces and for logs; metrics have one, as points must keep order."""
    timeout_s: float = 10.0
    """For one export call."""
    timeouts_s: Mapping[str, float] = field(default_factory=dict)
    """By signal, where it differs."""
    forms: Mapping[str, Form] = field(default_factory=dict)
    """By signal, where chunks are not wanted as protobuf: what the transport takes as it is."""
    receivers: Mapping[str, str] = field(default_factory=dict)
    """By signal, where they are not all the same: which receiver it goes to."""
    relief: float = DEFAULT_RELIEF
    """Share of the bound that a full queue frees at once, so that whole requests are given up."""
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    seed: int = 0
    """Of the jitter."""
    fatal: str | None = field(default=None, init=False)
    """Why nothing more can be delivered (a refused credential), in one line."""

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._queue = Queue(
            self._lock,
            most_bytes=self.queue_bytes,
            batch_bytes=self.max_batch_bytes or most_in_a_batch(self.queue_bytes),
            concurrency=self.concurrency,
            receivers=self.receivers,
            relief=self.relief,
        )
        self._settling = Settling(self.ledger, self._queue)
        self._tidied_at = -math.inf
        self._deadline: float | None = None
        self._draining = False
        self._closed = False
        self._chance = Streams(self.seed).block("delivery jitter", 0)

    @property
    def queued_bytes(self) -> int:
        """Bytes held now, waiting and in flight."""
        return self._queue.held

    def trouble(self) -> str:
        """Why nothing has got through to a receiver for a while, in a line; empty when it does."""
        with self._lock:
            return self._queue.trouble(monotonic())

    def form(self, signal: str) -> Form:
        """How chunks of a signal are wanted; in another form they are sent at a higher cost."""
        return self.forms.get(signal, "protobuf")

    def submit(self, chunk: Chunk, *, block: bool = False, stop: Flag | None = None) -> None:
        """Hand a chunk over; it is split when it or the receiver's limit makes it necessary.

        Args:
            chunk: Part of a request or a whole one; already counted as generated.
            block: When the queue is full, wait for room (simulated time) instead of dropping the
                oldest waiting batches.
            stop: Ends such a wait; the chunk is then dropped and counted.
        """
        size = len(chunk.payload)
        if size > self.queue_bytes:
            parts = cut_between_records(chunk, self.queue_bytes // 2)
            if len(parts) > 1:
                for part in parts:
                    self.submit(part, block=block, stop=stop)
                return
        with self._lock:
            reason = self._unwelcome(size)
            if reason is None and not self._queue.fits(size):
                reason = self._wait_for_room(size, stop) if block else self._make_room(size)
            if reason is not None:
                self.ledger.drop(chunk.signal, chunk.count, reason, unix_ns())
                return
            self._start(self._queue.lanes[chunk.signal])
            self._queue.add(chunk, monotonic(), at_once=self._draining)

    def drain(self, deadline_s: float, turn: Callable[[], None] | None = None) -> bool:
        """Send everything held; what is left after ``deadline_s`` seconds is given up and counted.

        Args:
            deadline_s: Real seconds.
            turn: Called about four times a second meanwhile, for whoever looks on.

        Returns:
            Whether everything was settled in time.
        """
        with self._lock:
            self._deadline = monotonic() + deadline_s
            self._draining = True
            self._queue.flush()
        try:
            while (left := self._deadline - monotonic()) > 0 and self._is_busy_for(left):
                if turn is not None:
                    turn()
        finally:
            with self._lock:
                given_up = self._settling.give_up_all(DRAIN_DEADLINE)
                self._draining = False
                self._deadline = None
        return given_up == 0

    def _is_busy_for(self, left_s: float) -> bool:
        """Wait a turn, or until nothing is held; whether something still is."""
        until = monotonic() + min(left_s, _TURN_S)
        with self._lock:
            while self._queue.busy() and (left := until - monotonic()) > 0:
                self._queue.changed.wait(left)
            return self._queue.busy()

    def close(self) -> None:
        """End the threads and the transport; what is still held is given up and counted."""
        with self._lock:
            already = self._closed
            self._closed = True
            self._settling.give_up_all(CLOSED)
            threads = [thread for lane in self._queue.lanes.values() for thread in lane.threads]
            self._queue.wake_all()
        if already:
            return
        self.transport.close()
        for thread in threads:
            thread.join(_JOIN_S)

    # Handing over, under the lock.

    def _unwelcome(self, size: int) -> str | None:
        if self.fatal is not None:
            return self.fatal
        if self._closed:
            return CLOSED
        return LARGER_THAN_QUEUE if size > self.queue_bytes else None

    def _wait_for_room(self, size: int, stop: Flag | None) -> str | None:
        while not self._queue.fits(size):
            if stop is not None and stop.is_set():
                return INTERRUPTED
            # Nothing more can gather while the only writer waits.
            self._queue.flush()
            if not self._queue.changed.wait(_STOP_POLL_S):
                # The receiver is slow: there is time, and a full queue is when memory counts.
                self._tidied_at = tidy_heap(self._tidied_at)
            reason = self._unwelcome(size)
            if reason is not None:
                return reason
        return None

    def _make_room(self, size: int) -> str | None:
        for batch in self._queue.make_room(size):
            self._settling.give_up(batch, QUEUE_FULL)
        return None if self._queue.fits(size) else QUEUE_FULL

    def _start(self, lane: Lane) -> None:
        if lane.threads:
            return
        lane.threads = [
            threading.Thread(
                target=self._work, args=(lane,), name=f"deliver-{lane.signal}-{n}", daemon=True
            )
            for n in range(1, lane.workers + 1)
        ]
        for thread in lane.threads:
            thread.start()

    # Sending, in the workers.

    def _work(self, lane: Lane) -> None:
        while (batch := self._next(lane)) is not None:
            self._deliver(batch)

    def _next(self, lane: Lane) -> Batch | None:
        with self._lock:
            while not self._closed:
                if lane.open is not None and not lane.ready:
                    left = lane.open.since + self.max_age_s - monotonic()
                    if left <= 0:
                        lane.seal()
                    else:
                        lane.wake.wait(left)
                        continue
                if lane.ready:
                    if not self._may_send(lane):
                        continue
                    batch = lane.ready.popleft()
                    lane.in_flight.add(batch)
                    return batch
                lane.wake.wait()
            return None

    def _may_send(self, lane: Lane) -> bool:
        """Whether the receiver has not asked to be left alone; if it has, wait a while."""
        left = lane.not_before - monotonic()
        if left <= 0:
            return True
        if left > self.retry.give_up_s:
            self._settling.give_up(lane.ready.popleft(), TOO_LONG_A_WAIT)
        else:
            lane.wake.wait(left)
        return False

    def _deliver(self, batch: Batch) -> None:
        chunk = batch.join()
        if self._cut_before_sending(batch, chunk):
            return
        give_up_at = monotonic() + self.retry.give_up_s
        doubtful = False
        while (timeout_s := self._begin_try(batch, doubtful=doubtful)) is not None:
            result = self._send(batch, chunk, timeout_s)
            if result is None:
                return
            if result.outcome is Outcome.TOO_LARGE:
                self._cut_smaller(batch, chunk, result)
                return
            if result.outcome is not Outcome.RETRY:
                self._settle(batch, result)
                return
            doubtful = doubtful or result.maybe_delivered
            if not self._wait_for_next_try(batch, result, give_up_at):
                return

    def _cut_before_sending(self, batch: Batch, chunk: Chunk) -> bool:
        """Split what is known to be too large; whether the batch is dealt with."""
        size, sizes = len(chunk.payload), batch.lane.sizes
        with self._lock:
            hopeless = size > self.max_request_bytes
            if not hopeless and not sizes.surely_refused(size):
                return False
            target = min(sizes.target(size), self.max_request_bytes)
        parts = self._parts(batch, chunk, target)
        if len(parts) == 1 and not hopeless:
            # A single record; whether the receiver's mind has changed is for the receiver to say.
            return False
        own = f"larger than this client's limit of {self.max_request_bytes:,} bytes"
        self._replace(batch, parts, own)
        return True

    def _cut_smaller(self, batch: Batch, chunk: Chunk, result: SendResult) -> None:
        """Split what the receiver found too large; a single record is rejected and named."""
        with self._lock:
            target = batch.lane.sizes.refuse(len(chunk.payload), result.limit_bytes)
        self._replace(batch, self._parts(batch, chunk, target), result.message)

    @staticmethod
    def _parts(batch: Batch, chunk: Chunk, target: int) -> list[Chunk]:
        parts = cut_between_chunks(chunk, batch.cuts, target)
        return parts if len(parts) > 1 else cut_between_records(chunk, target)

    def _replace(self, batch: Batch, parts: list[Chunk], message: str) -> None:
        named = f"{describe(parts[0])}: {message}" if len(parts) == 1 else ""
        with self._lock:
            if named:
                self._settling.reject(batch, named)
            elif not batch.settled:
                self._queue.replace(batch, parts)

    def _begin_try(self, batch: Batch, *, doubtful: bool) -> float | None:
        """Book the try and say how long it may take; None when the batch was settled meanwhile."""
        with self._lock:
            if batch.settled:
                return None
            first = batch.tries == 0
            batch.tries += 1
            limit = self.timeouts_s.get(batch.signal, self.timeout_s)
            left = limit if self._deadline is None else self._deadline - monotonic()
            batch.lane.presence.ask(monotonic())
        self.ledger.add_try(
            batch.signal,
            first=first,
            payload_bytes=batch.proto_bytes,
            possible_duplicates=batch.count if doubtful else 0,
        )
        # A call with no time at all would not even try to connect.
        return max(0.001, min(limit, left))

    def _send(self, batch: Batch, chunk: Chunk, timeout_s: float) -> SendResult | None:
        settles = False
        try:
            result = self.transport.send(chunk, timeout_s)
            settles = result.outcome is not Outcome.RETRY
        except Exception as error:  # noqa: BLE001 - the law holds whatever a transport does
            with self._lock:
                self._settling.fail(batch, f"{type(error).__name__}: {error}")
            return None
        else:
            return result
        finally:
            with self._lock:
                batch.lane.presence.hear(monotonic(), settles=settles)

    def _wait_for_next_try(self, batch: Batch, result: SendResult, give_up_at: float) -> bool:
        lane, asked_s = batch.lane, result.retry_after_s
        with self._lock:
            now = monotonic()
            lane.trouble = result.message or "no answer"
            batch.refused_ns = batch.refused_ns or unix_ns()
            lane.presence.failed(now)
            returns = lane.presence.returns
            chance = float(self._chance.random())
            next_at = now + self.retry.wait_s(batch.tries, chance, asked_s)
            if asked_s is not None:
                # Obeyed by everything that goes the same way, not by this batch alone.
                lane.not_before = max(lane.not_before, now + asked_s)
            while not batch.settled:
                if self.fatal is not None:
                    self._settling.fail(batch, self.fatal)
                    break
                due = max(next_at, lane.not_before)
                if due > give_up_at:
                    self._settling.fail(batch, lane.trouble)
                    break
                back = lane.presence.returns != returns
                left = (lane.not_before if back else due) - monotonic()
                if left <= 0:
                    break
                self._queue.changed.wait(left)
            return not batch.settled

    def _settle(self, batch: Batch, result: SendResult) -> None:
        with self._lock:
            if batch.settled:
                return
            if result.outcome is Outcome.ACCEPTED:
                self._settling.accept(batch, result)
                return
            message = result.message or "refused without a reason"
            self._settling.reject(batch, message)
            if result.outcome is Outcome.REFUSED and self.fatal is None:
                self.fatal = message
                self._settling.give_up_waiting(message)
                self._queue.wake_all()
