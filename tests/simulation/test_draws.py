from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from simtraffic.randomness import Streams
from simtraffic.simulation.draws import Hashed, draw


class Zeros:
    """Streams in which chance gives nothing but zeros."""

    def block(self, name: str, block: int) -> Any:
        raw = SimpleNamespace(random_raw=lambda size: np.zeros(size, dtype=np.uint64))
        return SimpleNamespace(bit_generator=raw)


def test_an_id_is_never_zero_whatever_is_drawn() -> None:
    ids = draw(Streams(5), Zeros(), [0, 1], [3, 2])  # type: ignore[arg-type]
    assert ids.trace.shape == (5, 2)
    for column in (ids.trace, ids.root, ids.operation, ids.attempt, ids.response):
        assert column.all()


def test_joined_blocks_have_the_draws_of_each() -> None:
    streams, ids = Streams(5), Streams("run")
    joined = draw(streams, ids, [4, 9], [10, 20])
    alone = draw(streams, ids, [9], [20])
    for name in ("choice", "places", "small", "input", "output", "trace", "root", "operation"):
        np.testing.assert_array_equal(getattr(joined, name)[10:], getattr(alone, name))
    for name in ("error", "first", "pace"):
        np.testing.assert_array_equal(getattr(joined.call, name)[10:], getattr(alone.call, name))


def test_attempts_hops_and_kinds_are_drawn_apart() -> None:
    hashed = Hashed.of(Streams(1), Streams("run"))
    seq = np.arange(100)
    seen = [
        hashed.id(seq, hop, attempt, kind)
        for hop in (0, 1)
        for attempt in (0, 1, 2)
        for kind in (1, 2, 3)
    ]
    assert len(np.unique(np.concatenate(seen))) == 100 * len(seen)
    draws = [hashed.call(seq, hop, attempt)[0].error for hop in (0, 1) for attempt in (1, 2)]
    assert len(np.unique(np.concatenate(draws))) == 400
