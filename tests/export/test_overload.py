"""A queue that is full, a receiver that is away, busy, or back."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Iterator

import pytest

from simtraffic.clock import Flag, monotonic
from simtraffic.export import Outcome, SendResult, presence
from simtraffic.export.delivery import DRAIN_DEADLINE, QUEUE_FULL, TOO_LONG_A_WAIT, Delivery
from simtraffic.export.queue import Queue
from simtraffic.export.retry import RetryPolicy
from simtraffic.ledger import Ledger
from simtraffic.signals import Chunk
from tests.export.test_delivery import (
    ACCEPTED,
    BUSY,
    HANG,
    LONG_S,
    ScriptedTransport,
    losses,
    submit,
)
from tests.export.test_splitting import batch_of, request_of

# Waits that only an end of them from elsewhere can end within the patience of a test.
FOR_EVER = RetryPolicy(first_s=1e6, most_s=1e6, jitter=0.0, give_up_s=1e9)


class Calls(ScriptedTransport):
    """Lets a test wait for a number of calls."""

    def wait_for(self, number: int) -> None:
        pause = threading.Event()
        for _ in range(int(LONG_S / 0.001)):
            if len(self.sent) >= number:
                return
            pause.wait(0.001)
        pytest.fail(f"{len(self.sent)} calls instead of {number}")


# What a full queue gives up.


@pytest.fixture
def queue() -> Iterator[Queue]:
    lock = threading.RLock()
    with lock:
        yield Queue(lock, 100, 10, 1, {}, 0.0)


def fill(queue: Queue, *chunks: tuple[float, str, int]) -> None:
    for at, signal, size in chunks:
        queue.add(Chunk.of(signal, bytes([int(at)]) * size, 1), at, at_once=False)


def given_up(queue: Queue, size: int) -> list[tuple[str, list[int]]]:
    found = []
    for batch in queue.make_room(size):
        found.append((batch.signal, [chunk.payload[0] for chunk in batch.chunks]))
        queue.let_go(batch)
    return found


def test_spans_and_log_records_of_the_same_time_are_given_up_together(queue: Queue) -> None:
    fill(
        queue,
        *((1, "traces", 5), (1, "logs", 2), (2, "traces", 5), (2, "logs", 2)),
        *((3, "traces", 10), (3, "logs", 2), (4, "traces", 10), (4, "logs", 2)),
    )

    assert given_up(queue, 70) == [("traces", [1, 2]), ("logs", [1])]
    assert given_up(queue, 80) == [("logs", [2]), ("traces", [3])]


def test_batches_of_spans_and_log_records_begin_and_end_at_the_same_times(queue: Queue) -> None:
    for at in range(1, 9):
        fill(queue, (at, "logs", 1), (at, "traces", 5))

    told = {
        signal: [
            [chunk.payload[0] for chunk in batch.chunks] for batch in queue.lanes[signal].ready
        ]
        for signal in ("traces", "logs")
    }
    assert told["traces"] == [[1, 2], [3, 4], [5, 6], [7, 8]]
    assert told["logs"] == told["traces"]


def test_points_are_given_up_by_age_alone(queue: Queue) -> None:
    fill(queue, (1, "metrics", 10), (1, "traces", 10), (1, "logs", 10), (2, "metrics", 10))

    assert given_up(queue, 70) == [("metrics", [1])]
    assert given_up(queue, 80) == [("traces", [1])]


def test_nothing_is_given_up_while_there_is_room(queue: Queue) -> None:
    queue.relief = 0.5
    fill(queue, (1, "traces", 10))

    assert given_up(queue, 90) == []


def test_a_full_queue_frees_more_than_it_must_so_that_the_loss_is_in_one_piece(
    queue: Queue,
) -> None:
    queue.relief = 0.25
    fill(queue, *((at, "traces", 10) for at in range(1, 11)))

    assert given_up(queue, 5) == [("traces", [1]), ("traces", [2]), ("traces", [3])]


def test_what_is_given_up_is_the_oldest_and_every_record_of_it_is_counted() -> None:
    transport = Calls([HANG])
    delivery = Delivery(transport, Ledger(), queue_bytes=1_600, concurrency=1)
    submit(delivery, b"\x00" * 100)
    transport.wait_for(1)

    for number in range(1, 101):
        submit(delivery, bytes([number]) * 50, signal="traces")
        submit(delivery, bytes([number]) * 50, signal="logs")
    dropped = losses(delivery.ledger)
    transport.released.set()
    assert delivery.drain(LONG_S)
    delivery.close()

    assert delivery.ledger.balanced()
    assert set(dropped) == {("dropped", QUEUE_FULL)}
    arrived = {
        signal: sorted(
            {byte for batch in transport.sent if batch.signal == signal for byte in batch.payload}
        )
        for signal in ("traces", "logs")
    }
    # The newest are there without a gap, and what was in flight from the start.
    newest = arrived["traces"][1:]
    assert newest == list(range(newest[0], 101))
    assert arrived["logs"][-len(newest) :] == newest


@pytest.mark.parametrize("answer", [HANG, BUSY])
def test_memory_stays_within_the_bound_however_much_is_handed_over(
    answer: SendResult | str,
) -> None:
    bound = 4 << 20
    delivery = Delivery(Calls([answer], sent=Forgetful()), Ledger(), queue_bytes=bound)
    tracemalloc.start()
    try:
        for number in range(1_000):
            # Ten times the bound, in chunks as large as a tick's.
            submit(delivery, bytes([number % 256]) * 40_000, signal=("traces", "logs")[number % 2])
            assert delivery.queued_bytes <= bound
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        delivery.close()

    # A batch is held twice while its chunks are joined; there are eight workers.
    assert peak < bound * 1.5
    assert delivery.ledger.balanced()


@pytest.mark.parametrize("form", ["protobuf", "json"])
def test_a_chunk_larger_than_the_whole_queue_goes_through_it_in_parts(form: str) -> None:
    chunk = batch_of("traces", request_of("traces", [[200]]), form)
    delivery = Delivery(Calls(), Ledger(), queue_bytes=len(chunk.payload) // 5)
    delivery.ledger.add_generated("traces", 200)

    delivery.submit(chunk, block=True)
    assert delivery.drain(LONG_S)
    delivery.close()

    assert delivery.ledger.delivered == 1.0


class Forgetful(list[Chunk]):
    """A list that keeps nothing, so that a test's own notes are not measured."""

    def append(self, item: Chunk) -> None:
        pass


# A receiver that comes back.


def test_a_receiver_that_comes_back_is_used_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "OUTAGE_S", 0.0)
    transport = Calls([BUSY, BUSY, BUSY, ACCEPTED])
    delivery = Delivery(transport, Ledger(), max_batch_bytes=1, concurrency=4, retry=FOR_EVER)
    for _ in range(3):
        submit(delivery, b"x")
    transport.wait_for(3)

    # Of another signal: what matters is that it is the same receiver.
    submit(delivery, b"x", signal="metrics")

    assert delivery.drain(LONG_S)
    delivery.close()
    assert delivery.ledger.delivered == 1.0


def test_a_receiver_that_is_only_busy_is_not_hurried() -> None:
    transport = Calls([BUSY, ACCEPTED])
    delivery = Delivery(transport, Ledger(), max_batch_bytes=1, concurrency=2, retry=FOR_EVER)
    submit(delivery, b"x")
    transport.wait_for(1)
    submit(delivery, b"y")
    transport.wait_for(2)

    # Within a second of the first refusal, so no outage has ended; the backoff stands.
    assert not delivery.drain(0.1)
    delivery.close()

    assert len(transport.sent) == 2
    assert delivery.ledger.signals["traces"].failed == 1


def test_another_receiver_coming_back_says_nothing_of_this_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(presence, "OUTAGE_S", 0.0)
    transport = Calls([BUSY, BUSY, ACCEPTED])
    delivery = Delivery(
        transport,
        Ledger(),
        max_batch_bytes=1,
        retry=FOR_EVER,
        receivers={"traces": "http://a", "logs": "http://b", "metrics": "http://b"},
    )
    submit(delivery, b"x")
    transport.wait_for(1)
    submit(delivery, b"y", signal="logs")
    transport.wait_for(2)
    submit(delivery, b"z", signal="metrics")
    transport.wait_for(4)

    assert not delivery.drain(0.1)
    delivery.close()

    assert [batch.signal for batch in transport.sent] == ["traces", "logs", "metrics", "logs"]
    assert delivery.ledger.signals["traces"].failed == 1


# A receiver that asks to be left alone.


def test_a_wait_that_the_receiver_asks_for_holds_everything_that_goes_the_same_way() -> None:
    asked = SendResult(Outcome.RETRY, message="slow down", retry_after_s=30.0)
    transport = Calls([asked, ACCEPTED])
    delivery = Delivery(transport, Ledger(), max_batch_bytes=1, concurrency=4)
    submit(delivery, b"x")
    transport.wait_for(1)
    # The answer is booked a moment after it is given.
    booked = monotonic() + 20.0
    while not delivery._queue.lanes["traces"].not_before and monotonic() < booked:
        Flag().wait(0.001)
    submit(delivery, b"y", 3)
    submit(delivery, b"z", signal="logs")
    transport.wait_for(2)

    assert not delivery.drain(0.1)
    delivery.close()

    assert [batch.signal for batch in transport.sent] == ["traces", "logs"]
    assert losses(delivery.ledger) == {
        ("failed", f"{DRAIN_DEADLINE}; last answer: slow down"): 1,
        ("dropped", f"{DRAIN_DEADLINE}; last answer: slow down"): 3,
    }


def test_a_return_does_not_undercut_what_the_receiver_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(presence, "OUTAGE_S", 0.0)
    asked = SendResult(Outcome.RETRY, message="slow down", retry_after_s=30.0)
    transport = Calls([BUSY, asked, ACCEPTED])
    delivery = Delivery(transport, Ledger(), max_batch_bytes=1, concurrency=2)
    submit(delivery, b"x", signal="metrics")
    transport.wait_for(1)
    submit(delivery, b"y")
    transport.wait_for(2)
    submit(delivery, b"z", signal="logs")
    transport.wait_for(3)

    delivery.drain(0.1)
    delivery.close()

    assert [batch.signal for batch in transport.sent].count("traces") == 1


def test_after_the_wait_everything_arrives() -> None:
    asked = SendResult(Outcome.RETRY, message="slow down", retry_after_s=0.02)
    transport = Calls([asked, ACCEPTED])
    delivery = Delivery(transport, Ledger(), max_batch_bytes=1)
    for _ in range(20):
        submit(delivery, b"x")

    assert delivery.drain(LONG_S)
    delivery.close()
    assert delivery.ledger.delivered == 1.0


def test_a_wait_beyond_all_patience_gives_up_what_waits_without_sending_it() -> None:
    hour = SendResult(Outcome.RETRY, message="later", retry_after_s=3600.0)
    transport = Calls([hour])
    delivery = Delivery(transport, Ledger(), max_batch_bytes=1, concurrency=1)
    submit(delivery, b"x")
    transport.wait_for(1)
    submit(delivery, b"y", 3)

    assert delivery.drain(LONG_S)
    delivery.close()

    assert len(transport.sent) == 1
    assert losses(delivery.ledger) == {
        ("failed", "later"): 1,
        ("dropped", f"{TOO_LONG_A_WAIT}; last answer: later"): 3,
    }
