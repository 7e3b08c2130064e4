from __future__ import annotations

import ctypes
import math
import sys
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


def test_while_a_hand_over_waits_memory_is_given_back_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given_back: list[int] = []
    monkeypatch.setattr(heap, "_trim", given_back.append)
    delivery = Delivery(ScriptedTransport(), Ledger(), queue_bytes=100, max_batch_bytes=10)

    for _ in range(200):
        delivery.ledger.add_generated("traces", 1)
        delivery.submit(Chunk.of("traces", bytes(60), 1), block=True)
    delivery.drain(LONG_S)
    delivery.close()

    # As often as it waits would be far more often.
    assert 1 <= len(given_back) < 50


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
