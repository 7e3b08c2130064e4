from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simtraffic.clock import Flag
from simtraffic.export import Outcome, SendResult
from simtraffic.export.delivery import (
    CLOSED,
    DRAIN_DEADLINE,
    INTERRUPTED,
    LARGER_THAN_QUEUE,
    QUEUE_FULL,
    Delivery,
)
from simtraffic.export.retry import RetryPolicy
from simtraffic.ledger import Ledger
from simtraffic.signals import SIGNALS, Chunk
from tests.examples import examples

ACCEPTED = SendResult(Outcome.ACCEPTED)
BUSY = SendResult(Outcome.RETRY, message="busy")
LOST = SendResult(Outcome.RETRY, message="no answer", maybe_delivered=True)
HANG = "hang"
RAISE = "raise"
AT_ONCE = RetryPolicy(first_s=0.0, most_s=0.0)
# Long enough for anything that ends by itself; only a test that fails waits for it.
LONG_S = 20.0


@dataclass
class ScriptedTransport:
    """Answers from a list, the last answer for ever."""

    answers: list[SendResult | str] = field(default_factory=lambda: [ACCEPTED])
    sent: list[Chunk] = field(default_factory=list)
    most_at_once: dict[str, int] = field(default_factory=dict)
    called: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    after_hang: SendResult = ACCEPTED
    closed: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, int] = dict.fromkeys(SIGNALS, 0)

    def send(self, batch: Chunk, timeout_s: float) -> SendResult:
        assert timeout_s > 0
        with self._lock:
            self.sent.append(batch)
            self._running[batch.signal] += 1
            running = self._running[batch.signal]
            self.most_at_once[batch.signal] = max(running, self.most_at_once.get(batch.signal, 0))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.called.set()
        try:
            if answer == HANG:
                assert self.released.wait(LONG_S)
                return self.after_hang
            if answer == RAISE:
                raise RuntimeError("the transport broke")
            assert isinstance(answer, SendResult)
            return answer
        finally:
            with self._lock:
                self._running[batch.signal] -= 1

    def close(self) -> None:
        self.closed += 1
        self.released.set()


def submit(delivery: Delivery, payload: bytes, count: int = 1, signal: str = "traces") -> None:
    delivery.ledger.add_generated(signal, count)
    delivery.submit(Chunk.of(signal, payload, count))


def losses(ledger: Ledger) -> dict[tuple[str, str], int]:
    return {(loss.outcome, loss.reason): loss.count for loss in ledger.losses()}


def deliver_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("deliver-")]


RESULTS = st.one_of(
    st.builds(
        SendResult,
        st.sampled_from(Outcome),
        rejected=st.integers(-2, 8),
        message=st.sampled_from(["", "said"]),
        retry_after_s=st.sampled_from([None, None, 0.0, 1e9]),
        maybe_delivered=st.booleans(),
    ),
    st.sampled_from([ACCEPTED, BUSY, HANG, RAISE]),
)
CHUNKS = st.builds(
    Chunk, st.sampled_from(SIGNALS), st.integers(0, 60).map(bytes), st.integers(0, 5)
)


@examples(150)
@given(
    chunks=st.lists(CHUNKS, max_size=25),
    answers=st.lists(RESULTS, min_size=1, max_size=12),
    queue_bytes=st.integers(1, 150),
    max_batch_bytes=st.integers(1, 100),
    block=st.booleans(),
    give_up_s=st.sampled_from([0.0, 60.0]),
    drain_s=st.sampled_from([0.0, 0.02]),
    drains=st.booleans(),
)
def test_every_item_is_accounted_for_whatever_happens(
    chunks: list[Chunk],
    answers: list[SendResult | str],
    queue_bytes: int,
    max_batch_bytes: int,
    block: bool,
    give_up_s: float,
    drain_s: float,
    drains: bool,
) -> None:
    transport = ScriptedTransport(answers)
    ledger = Ledger()
    delivery = Delivery(
        transport,
        ledger,
        queue_bytes=queue_bytes,
        max_batch_bytes=max_batch_bytes,
        max_age_s=0.0,
        concurrency=2,
        retry=RetryPolicy(first_s=0.0, most_s=0.0, give_up_s=give_up_s),
    )
    # A hanging transport would hold a blocked hand-over for ever; the run's own end frees it.
    stop = Flag()
    stop.set()

    for chunk in chunks:
        ledger.add_generated(chunk.signal, chunk.count)
        delivery.submit(chunk, block=block, stop=stop)
        assert delivery.queued_bytes <= queue_bytes
    if drains:
        delivery.drain(drain_s)
        assert ledger.imbalances() == []
    delivery.close()

    assert ledger.imbalances() == []
    assert delivery.queued_bytes == 0
    assert deliver_threads() == []
    assert transport.closed == 1


def test_concurrent_hand_overs_are_all_delivered() -> None:
    transport = ScriptedTransport()
    ledger = Ledger()
    delivery = Delivery(transport, ledger, max_batch_bytes=100, queue_bytes=500)

    def hand_over(signal: str) -> None:
        for _ in range(200):
            ledger.add_generated(signal, 3)
            delivery.submit(Chunk.of(signal, b"0123456789", 3), block=True)

    threads = [threading.Thread(target=hand_over, args=(each,)) for each in (*SIGNALS, "traces")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG_S)
    drained = delivery.drain(LONG_S)
    delivery.close()

    assert drained
    assert ledger.balanced()
    assert ledger.delivered == 1.0
    assert sum(len(batch.payload) for batch in transport.sent) == 4 * 200 * 10


def test_chunks_are_joined_up_to_the_batch_size_and_never_split() -> None:
    transport = ScriptedTransport()
    delivery = Delivery(transport, Ledger(), max_batch_bytes=10, max_age_s=LONG_S, concurrency=1)

    for payload in (b"aaaa", b"bbbb", b"cccc", b"d" * 25):
        submit(delivery, payload)
    delivery.drain(LONG_S)
    delivery.close()

    assert [(batch.payload, batch.count) for batch in transport.sent] == [
        (b"aaaabbbb", 2),
        (b"cccc", 1),
        (b"d" * 25, 1),
    ]
    entry = delivery.ledger.signals["traces"]
    assert (entry.requests, entry.retries, entry.bytes, entry.accepted) == (3, 0, 37, 4)


def test_entries_in_json_are_joined_by_commas_and_counted_as_protobuf() -> None:
    transport = ScriptedTransport()
    delivery = Delivery(transport, Ledger(), max_age_s=LONG_S)
    delivery.ledger.add_generated("logs", 3)

    delivery.submit(Chunk("logs", b"{1}", 1, 10, "json"))
    delivery.submit(Chunk("logs", b"{2}", 1, 20, "json"))
    delivery.submit(Chunk.of("logs", b"proto", 1))
    delivery.drain(LONG_S)
    delivery.close()

    assert sorted(transport.sent, key=lambda batch: batch.form) == [
        Chunk("logs", b"{1},{2}", 2, 30, "json"),
        Chunk.of("logs", b"proto", 1),
    ]
    assert delivery.ledger.signals["logs"].bytes == 35
    assert delivery.ledger.balanced()


def test_a_single_chunk_travels_without_a_copy() -> None:
    transport = ScriptedTransport()
    delivery = Delivery(transport, Ledger())
    payload = b"the very same object"

    submit(delivery, payload)
    delivery.drain(LONG_S)
    delivery.close()

    assert transport.sent[0].payload is payload


def test_a_batch_that_is_not_full_leaves_when_it_is_old() -> None:
    transport = ScriptedTransport()
    delivery = Delivery(transport, Ledger(), max_age_s=0.001)

    submit(delivery, b"alone")

    assert transport.called.wait(LONG_S)
    delivery.close()


def test_a_batch_is_sent_again_until_it_is_taken() -> None:
    transport = ScriptedTransport([BUSY, BUSY, ACCEPTED])
    delivery = Delivery(transport, Ledger(), retry=AT_ONCE)

    submit(delivery, b"abc", 5)
    assert delivery.drain(LONG_S)
    delivery.close()

    entry = delivery.ledger.signals["traces"]
    assert (entry.accepted, entry.requests, entry.retries, entry.bytes) == (5, 3, 2, 3)
    assert entry.possible_duplicates == 0


def test_what_is_sent_again_after_a_lost_answer_is_counted_as_possible_duplicates() -> None:
    transport = ScriptedTransport([LOST, ACCEPTED])
    delivery = Delivery(transport, Ledger(), retry=AT_ONCE)

    submit(delivery, b"abc", 5)
    assert delivery.drain(LONG_S)
    delivery.close()

    entry = delivery.ledger.signals["traces"]
    assert (entry.accepted, entry.possible_duplicates) == (5, 5)


def test_a_batch_is_failed_with_the_last_message_when_its_time_is_over() -> None:
    delivery = Delivery(ScriptedTransport([BUSY]), Ledger(), retry=RetryPolicy(give_up_s=0.0))

    submit(delivery, b"abc", 5)
    assert delivery.drain(LONG_S)
    delivery.close()

    assert losses(delivery.ledger) == {("failed", "busy"): 5}


def test_a_wait_that_the_receiver_asks_for_and_nobody_can_wait_fails_at_once() -> None:
    hour = SendResult(Outcome.RETRY, message="later", retry_after_s=3600.0)
    delivery = Delivery(ScriptedTransport([hour]), Ledger())

    submit(delivery, b"abc", 5)
    assert delivery.drain(LONG_S)
    delivery.close()

    assert losses(delivery.ledger) == {("failed", "later"): 5}


def test_a_permanent_refusal_is_not_tried_again() -> None:
    transport = ScriptedTransport([SendResult(Outcome.REJECTED, message="no"), ACCEPTED])
    delivery = Delivery(transport, Ledger(), retry=AT_ONCE)

    submit(delivery, b"abc", 5)
    assert delivery.drain(LONG_S)
    delivery.close()

    assert losses(delivery.ledger) == {("rejected", "no"): 5}
    assert len(transport.sent) == 1


def test_a_transport_that_breaks_fails_the_batch_and_not_the_worker() -> None:
    delivery = Delivery(ScriptedTransport([RAISE, ACCEPTED]), Ledger(), concurrency=1)

    submit(delivery, b"abc", 5)
    delivery.drain(LONG_S)
    submit(delivery, b"def", 2)
    assert delivery.drain(LONG_S)
    delivery.close()

    assert losses(delivery.ledger) == {("failed", "RuntimeError: the transport broke"): 5}
    assert delivery.ledger.signals["traces"].accepted == 2


def test_partial_success_is_split_between_accepted_and_rejected() -> None:
    partial = SendResult(Outcome.ACCEPTED, rejected=2, message="too old")
    delivery = Delivery(ScriptedTransport([partial]), Ledger())

    submit(delivery, b"abc", 5)
    delivery.drain(LONG_S)
    delivery.close()

    assert delivery.ledger.signals["traces"].accepted == 3
    assert losses(delivery.ledger) == {("rejected", "partial success: too old"): 2}


def test_a_message_without_rejections_is_a_warning() -> None:
    delivery = Delivery(
        ScriptedTransport([SendResult(Outcome.ACCEPTED, message="slow down")]), Ledger()
    )

    submit(delivery, b"abc", 5)
    delivery.drain(LONG_S)
    delivery.close()

    assert delivery.ledger.delivered == 1.0
    assert delivery.ledger.warnings == {"traces: the receiver says: slow down": 1}


@pytest.mark.parametrize(("claimed", "rejected"), [(9, 5), (-1, 0)])
def test_a_partial_success_that_does_not_add_up_is_bounded_and_warned_about(
    claimed: int, rejected: int
) -> None:
    partial = SendResult(Outcome.ACCEPTED, rejected=claimed)
    delivery = Delivery(ScriptedTransport([partial]), Ledger())

    submit(delivery, b"abc", 5)
    delivery.drain(LONG_S)
    delivery.close()

    assert delivery.ledger.signals["traces"].rejected == rejected
    assert delivery.ledger.balanced()
    assert len(delivery.ledger.warnings) == 1


def test_a_full_queue_drops_the_oldest_waiting_batch_and_keeps_the_newest() -> None:
    transport = ScriptedTransport([HANG])
    delivery = Delivery(
        transport, Ledger(), queue_bytes=30, max_batch_bytes=10, concurrency=1, relief=0.0
    )

    submit(delivery, b"a" * 10)
    assert transport.called.wait(LONG_S)
    for letter in (b"b", b"c", b"d"):
        submit(delivery, letter * 10)

    assert losses(delivery.ledger) == {("dropped", QUEUE_FULL): 1}
    transport.released.set()
    assert delivery.drain(LONG_S)
    delivery.close()
    assert [batch.payload[:1] for batch in transport.sent] == [b"a", b"c", b"d"]


def test_the_oldest_batch_of_all_signals_is_the_one_dropped() -> None:
    transport = ScriptedTransport([HANG])
    delivery = Delivery(
        transport, Ledger(), queue_bytes=40, max_batch_bytes=10, concurrency=1, relief=0.0
    )
    pause = threading.Event()

    for signal in ("traces", "logs"):
        submit(delivery, b"a" * 10, signal=signal)
    while len(transport.sent) < 2:
        pause.wait(0.001)
    for signal in ("logs", "traces", "traces"):
        submit(delivery, b"b" * 10, signal=signal)

    assert [loss.signal for loss in delivery.ledger.losses()] == ["logs"]
    delivery.close()


def test_when_everything_is_in_flight_the_new_chunk_is_the_one_dropped() -> None:
    transport = ScriptedTransport([HANG])
    delivery = Delivery(transport, Ledger(), queue_bytes=10, max_batch_bytes=10)

    submit(delivery, b"a" * 10)
    assert transport.called.wait(LONG_S)
    submit(delivery, b"b", 7)

    assert losses(delivery.ledger) == {("dropped", QUEUE_FULL): 7}
    delivery.close()


def test_what_is_larger_than_the_whole_queue_and_cannot_be_cut_is_dropped() -> None:
    delivery = Delivery(ScriptedTransport(), Ledger(), queue_bytes=10)
    delivery.ledger.add_generated("traces", 3)

    delivery.submit(Chunk.of("traces", bytes(11), 3), block=True)

    assert losses(delivery.ledger) == {("dropped", LARGER_THAN_QUEUE): 3}
    delivery.close()


def test_a_blocked_hand_over_waits_for_room_and_loses_nothing() -> None:
    transport = ScriptedTransport([HANG, ACCEPTED])
    delivery = Delivery(transport, Ledger(), queue_bytes=10, max_age_s=100 * LONG_S)
    submit(delivery, b"a" * 8)
    delivery.ledger.add_generated("traces", 1)
    handing_over = threading.Thread(
        target=delivery.submit, args=(Chunk.of("traces", b"b" * 8, 1),), kwargs={"block": True}
    )

    handing_over.start()
    # Waiting makes the open batch leave at once, though it is neither full nor old.
    assert transport.called.wait(LONG_S)
    assert handing_over.is_alive()
    transport.released.set()
    handing_over.join(LONG_S)

    assert delivery.drain(LONG_S)
    delivery.close()
    assert delivery.ledger.delivered == 1.0


def test_an_interrupt_ends_a_blocked_hand_over() -> None:
    transport = ScriptedTransport([HANG])
    delivery = Delivery(transport, Ledger(), queue_bytes=10, max_batch_bytes=1)
    submit(delivery, b"a" * 10)
    assert transport.called.wait(LONG_S)
    stop = threading.Event()
    delivery.ledger.add_generated("traces", 4)
    handing_over = threading.Thread(
        target=delivery.submit,
        args=(Chunk.of("traces", b"b", 4),),
        kwargs={"block": True, "stop": stop},
    )

    handing_over.start()
    stop.set()
    handing_over.join(LONG_S)

    assert losses(delivery.ledger) == {("dropped", INTERRUPTED): 4}
    delivery.close()


def test_metrics_leave_one_by_one_in_order_and_traces_several_at_once() -> None:
    transport = ScriptedTransport([BUSY, BUSY, ACCEPTED])
    delivery = Delivery(transport, Ledger(), max_batch_bytes=1, retry=AT_ONCE)

    for number in range(20):
        submit(delivery, bytes([number]), signal="metrics")
    workers = deliver_threads()
    assert delivery.drain(LONG_S)
    delivery.close()

    order = [batch.payload[0] for batch in transport.sent]
    assert order == [0, 0, *range(20)]
    assert workers == ["deliver-metrics-1"]


def test_traces_have_as_many_calls_in_flight_as_allowed() -> None:
    transport = ScriptedTransport([HANG])
    delivery = Delivery(transport, Ledger(), max_batch_bytes=1, concurrency=3)
    seen = threading.Event()

    for _ in range(6):
        submit(delivery, b"x")
    while transport.most_at_once.get("traces", 0) < 3:
        seen.wait(0.001)
    transport.released.set()
    assert delivery.drain(LONG_S)
    delivery.close()

    assert transport.most_at_once == {"traces": 3}


def test_the_drain_deadline_fails_what_was_tried_and_drops_what_was_not() -> None:
    transport = ScriptedTransport([HANG])
    delivery = Delivery(transport, Ledger(), max_batch_bytes=1, concurrency=1)
    submit(delivery, b"a", 2)
    assert transport.called.wait(LONG_S)
    submit(delivery, b"b", 3)

    drained = delivery.drain(0.0)

    assert not drained
    assert losses(delivery.ledger) == {
        ("failed", DRAIN_DEADLINE): 2,
        ("dropped", DRAIN_DEADLINE): 3,
    }
    # The late answer changes nothing any more.
    transport.released.set()
    delivery.close()
    assert delivery.ledger.balanced()
    assert delivery.ledger.signals["traces"].accepted == 0


def test_the_last_try_of_a_drain_may_not_outlast_its_deadline() -> None:
    timeouts: list[float] = []

    class Noting:
        def send(self, batch: Chunk, timeout_s: float) -> SendResult:
            timeouts.append(timeout_s)
            return ACCEPTED

        def close(self) -> None:
            pass

    delivery = Delivery(Noting(), Ledger(), max_age_s=LONG_S, timeout_s=10.0)
    submit(delivery, b"x")

    delivery.drain(5.0)
    delivery.close()

    assert len(timeouts) == 1
    assert timeouts[0] <= 5.0


def test_a_refused_credential_stops_everything_and_is_told_in_one_line() -> None:
    refused = SendResult(Outcome.REFUSED, message="HTTP 401: who are you")
    transport = ScriptedTransport([refused])
    delivery = Delivery(transport, Ledger(), max_batch_bytes=1, concurrency=1)

    submit(delivery, b"a", 2)
    assert delivery.drain(LONG_S)
    submit(delivery, b"b", 3)
    delivery.close()

    assert delivery.fatal == "HTTP 401: who are you"
    assert len(transport.sent) == 1
    assert losses(delivery.ledger) == {
        ("rejected", "HTTP 401: who are you"): 2,
        ("dropped", "HTTP 401: who are you"): 3,
    }


def test_what_waits_when_the_credential_is_refused_is_never_sent() -> None:
    transport = ScriptedTransport([HANG], after_hang=SendResult(Outcome.REFUSED, message="no"))
    delivery = Delivery(transport, Ledger(), max_batch_bytes=1, concurrency=1)

    submit(delivery, b"a", 2)
    assert transport.called.wait(LONG_S)
    submit(delivery, b"b", 3)
    transport.released.set()
    assert delivery.drain(LONG_S)
    delivery.close()

    assert losses(delivery.ledger) == {("rejected", "no"): 2, ("dropped", "no"): 3}


def test_what_comes_after_the_end_is_dropped_and_counted() -> None:
    delivery = Delivery(ScriptedTransport(), Ledger())
    delivery.close()
    delivery.close()

    submit(delivery, b"late", 4)

    assert losses(delivery.ledger) == {("dropped", CLOSED): 4}
