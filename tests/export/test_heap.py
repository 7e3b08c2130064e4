from __future__ import annotations

import ctypes
import math
import sys
import threading
import tracemalloc
from pathlib import Path

import pytest

from simtraffic.export import heap
from simtraffic.export.delivery import Delivery
from simtraffic.ledger import Ledger
from simtraffic.signals import Chunk
from tests.export.test_delivery import HANG, LONG_S, ScriptedTransport

PAGES = 40_000
GLIBC = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim")


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1])


@pytest.mark.skipif(not GLIBC, reason="only glibc has a word for it")
def test_holes_between_what_is_held_are_given_back() -> None:
    blocks = [b"x" * 16_000 for _ in range(PAGES // 4)]
    last = blocks[-1]
    before = resident()
    del blocks
    heap.tidy_heap(-math.inf)

    assert last
    assert before - resident() > PAGES // 2


def test_memory_is_given_back_while_a_hand_over_waits_for_a_slow_receiver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given_back, transport = threading.Event(), ScriptedTransport([HANG])
    monkeypatch.setattr(heap, "_trim", lambda _pad: given_back.set())
    delivery = Delivery(transport, Ledger(), queue_bytes=100, max_batch_bytes=10)

    def hand_over() -> None:
        for _ in range(2):
            delivery.ledger.add_generated("traces", 1)
            delivery.submit(Chunk.of("traces", bytes(60), 1), block=True)

    thread = threading.Thread(target=hand_over)
    thread.start()
    assert given_back.wait(LONG_S)
    transport.released.set()
    thread.join(LONG_S)
    assert delivery.drain(LONG_S)
    delivery.close()

    assert delivery.ledger.signals["traces"].accepted == 2


def test_nothing_is_given_back_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    given_back: list[int] = []
    monkeypatch.setattr(heap, "_trim", given_back.append)

    last_s = heap.tidy_heap(-math.inf)

    assert heap.tidy_heap(last_s) == last_s
    assert len(given_back) == 1


@pytest.mark.parametrize("chunk_bytes", [3_000, 100_000])
def test_what_is_held_is_no_more_than_the_bound_with_joined_batches_in_flight(
    chunk_bytes: int,
) -> None:
    """Joining a batch replaces its chunks; nothing lies in memory twice for longer than that."""
    bound, transport = 16 << 20, ScriptedTransport([HANG])
    delivery = Delivery(transport, Ledger(), queue_bytes=bound)
    tracemalloc.start()
    try:
        for n in range(3 * bound // chunk_bytes):
            delivery.ledger.add_generated("traces", 1)
            delivery.submit(Chunk.of("traces", bytes([n % 256]) * chunk_bytes, 1))
        held, _ = tracemalloc.get_traced_memory()
        booked = delivery.queued_bytes
    finally:
        tracemalloc.stop()
        transport.released.set()
        delivery.close()

    assert bound * 0.8 < booked <= bound
    # What a chunk costs beside its bytes, and one batch that is being joined.
    assert held < bound * 1.15
    assert delivery.ledger.balanced()
