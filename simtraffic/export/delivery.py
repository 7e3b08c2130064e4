"""Bounded, counted delivery: chunks in, one entry in the ledger for each item, whatever happens.

Chunks of a signal gather into batches by size and age; worker threads send them and retry. The
bytes held, waiting and in flight, are bounded. What was generated is counted by the caller; what
became of it, here and once: a batch is settled by the first of an answer, the end of the tries, an
overflow or the deadline of :meth:`Delivery.drain`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING

from simtraffic.clock import monotonic, unix_ns
from simtraffic.export import Batch, Outcome, SendResult
from simtraffic.export.queue import Queue
from simtraffic.export.retry import RetryPolicy
from simtraffic.export.settling import Settling
from simtraffic.export.sizes import MAX_REQUEST_BYTES, most_in_a_batch
from simtraffic.export.splitting import cut_between_chunks, cut_between_records, describe
from simtraffic.randomness import Streams

if TYPE_CHECKING:
    from simtraffic.clock import Flag
    from simtraffic.export import Transport
    from simtraffic.export.lane import Lane, Pending
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
            self.queue_bytes,
            self.max_batch_bytes or most_in_a_batch(self.queue_bytes),
            self.concurrency,
            self.receivers,
            self.relief,
        )
        self._settling = Settling(self.ledger, self._queue)
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

    def submit(self, chunk: Batch, *, block: bool = False, stop: Flag | None = None) -> None:
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
            self._queue.changed.wait(None if stop is None else _STOP_POLL_S)
            reason = self._unwelcome(size)
            if reason is not None:
                return reason
        return None

    def _make_room(self, size: int) -> str | None:
        for lane, pending in self._queue.make_room(size):
            self._settling.give_up(lane, pending, QUEUE_FULL)
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
        while (pending := self._next(lane)) is not None:
            self._deliver(lane, pending)

    def _next(self, lane: Lane) -> Pending | None:
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
                    pending = lane.ready.popleft()
                    lane.in_flight.add(pending)
                    return pending
                lane.wake.wait()
            return None

    def _may_send(self, lane: Lane) -> bool:
        """Whether the receiver has not asked to be left alone; if it has, wait a while."""
        left = lane.not_before - monotonic()
        if left <= 0:
            return True
        if left > self.retry.give_up_s:
            self._settling.give_up(lane, lane.ready.popleft(), TOO_LONG_A_WAIT)
        else:
            lane.wake.wait(left)
        return False

    def _deliver(self, lane: Lane, pending: Pending) -> None:
        batch = pending.batch(lane.signal)
        if self._cut_before_sending(lane, pending, batch):
            return
        give_up_at = monotonic() + self.retry.give_up_s
        doubtful = False
        while (timeout_s := self._begin_try(batch, pending, doubtful=doubtful)) is not None:
            result = self._send(lane, pending, batch, timeout_s)
            if result is None:
                return
            if result.outcome is Outcome.TOO_LARGE:
                self._cut_smaller(lane, pending, batch, result)
                return
            if result.outcome is not Outcome.RETRY:
                self._settle(lane, pending, result)
                return
            doubtful = doubtful or result.maybe_delivered
            if not self._wait_for_next_try(lane, pending, result, give_up_at):
                return

    def _cut_before_sending(self, lane: Lane, pending: Pending, batch: Batch) -> bool:
        """Split what is known to be too large; whether the batch is dealt with."""
        size = len(batch.payload)
        with self._lock:
            hopeless = size > self.max_request_bytes
            if not hopeless and not lane.sizes.surely_refused(size):
                return False
            target = min(lane.sizes.target(size), self.max_request_bytes)
        parts = self._parts(pending, batch, target)
        if len(parts) == 1 and not hopeless:
            # A single record; whether the receiver's mind has changed is for the receiver to say.
            return False
        own = f"larger than this client's limit of {self.max_request_bytes:,} bytes"
        self._replace(lane, pending, parts, own)
        return True

    def _cut_smaller(self, lane: Lane, pending: Pending, batch: Batch, result: SendResult) -> None:
        """Split what the receiver found too large; a single record is rejected and named."""
        with self._lock:
            target = lane.sizes.refuse(len(batch.payload), result.limit_bytes)
        self._replace(lane, pending, self._parts(pending, batch, target), result.message)

    @staticmethod
    def _parts(pending: Pending, batch: Batch, target: int) -> list[Batch]:
        parts = cut_between_chunks(batch, pending.cuts, target)
        return parts if len(parts) > 1 else cut_between_records(batch, target)

    def _replace(self, lane: Lane, pending: Pending, parts: list[Batch], message: str) -> None:
        named = f"{describe(parts[0])}: {message}" if len(parts) == 1 else ""
        with self._lock:
            if named:
                self._settling.reject(lane, pending, named)
            elif not pending.settled:
                self._queue.replace(lane, pending, parts)

    def _begin_try(self, batch: Batch, pending: Pending, *, doubtful: bool) -> float | None:
        """Book the try and say how long it may take; None when the batch was settled meanwhile."""
        with self._lock:
            if pending.settled:
                return None
            first = pending.tries == 0
            pending.tries += 1
            limit = self.timeouts_s.get(batch.signal, self.timeout_s)
            left = limit if self._deadline is None else self._deadline - monotonic()
            self._queue.lanes[batch.signal].receiver.ask(monotonic())
        self.ledger.add_try(
            batch.signal,
            first=first,
            payload_bytes=pending.proto_bytes,
            possible_duplicates=batch.count if doubtful else 0,
        )
        # A call with no time at all would not even try to connect.
        return max(0.001, min(limit, left))

    def _send(
        self, lane: Lane, pending: Pending, batch: Batch, timeout_s: float
    ) -> SendResult | None:
        settles = False
        try:
            result = self.transport.send(batch, timeout_s)
            settles = result.outcome is not Outcome.RETRY
        except Exception as error:  # noqa: BLE001 - the law holds whatever a transport does
            with self._lock:
                self._settling.fail(lane, pending, f"{type(error).__name__}: {error}")
            return None
        else:
            return result
        finally:
            with self._lock:
                lane.receiver.hear(monotonic(), settles=settles)

    def _wait_for_next_try(
        self, lane: Lane, pending: Pending, result: SendResult, give_up_at: float
    ) -> bool:
        told = result.retry_after_s
        with self._lock:
            now = monotonic()
            lane.trouble = result.message or "no answer"
            pending.refused_ns = pending.refused_ns or unix_ns()
            lane.receiver.failed(now)
            returns = lane.receiver.returns
            chance = float(self._chance.random())
            next_at = now + self.retry.wait_s(pending.tries, chance, told)
            if told is not None:
                # Obeyed by everything that goes the same way, not by this batch alone.
                lane.not_before = max(lane.not_before, now + told)
            while not pending.settled:
                if self.fatal is not None:
                    self._settling.fail(lane, pending, self.fatal)
                    break
                due = max(next_at, lane.not_before)
                if due > give_up_at:
                    self._settling.fail(lane, pending, lane.trouble)
                    break
                back = lane.receiver.returns != returns
                left = (lane.not_before if back else due) - monotonic()
                if left <= 0:
                    break
                self._queue.changed.wait(left)
            return not pending.settled

    def _settle(self, lane: Lane, pending: Pending, result: SendResult) -> None:
        with self._lock:
            if pending.settled:
                return
            if result.outcome is Outcome.ACCEPTED:
                self._settling.accept(lane, pending, result)
                return
            message = result.message or "refused without a reason"
            self._settling.reject(lane, pending, message)
            if result.outcome is Outcome.REFUSED and self.fatal is None:
                self.fatal = message
                self._settling.give_up_waiting(message)
                self._queue.wake_all()
