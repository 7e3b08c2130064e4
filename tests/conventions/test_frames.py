"""The order of a frame's rows is made in one place, for measuring and for encoding."""

from __future__ import annotations

import numpy as np
import pytest

from simtraffic.conventions.frames import Frame


def a_frame(count: int = 500) -> Frame:
    draw = np.random.default_rng(7)
    times = draw.integers(0, 100, count)
    return Frame(
        kind="operation",
        shape=draw.integers(0, 5, count).astype(np.int32),
        instance=draw.integers(0, 3, count).astype(np.int16),
        due_ns=times,
        start_ns=times,
        end_ns=times,
        raw={"row": np.arange(count)},
    )


def test_keys_bring_rows_of_one_shape_instance_and_interval_together() -> None:
    frame = a_frame()

    ordered = frame.in_order(instances=3, interval_ns=10)

    seen = list(zip(ordered.shape, ordered.instance, ordered.end_ns // 10, strict=True))
    assert seen == sorted(seen)
    assert sorted(ordered.raw["row"]) == list(range(len(frame)))


@pytest.mark.parametrize("step", [1, 1 << 20], ids=["sixteen bits", "more"])
def test_rows_of_one_key_keep_their_order(step: int) -> None:
    frame = a_frame()
    keys = frame.keys(instances=3) * step

    ordered, growing = frame.sorted_by(keys)

    np.testing.assert_array_equal(growing, np.sort(keys))
    np.testing.assert_array_equal(ordered.raw["row"], np.argsort(keys, kind="stable"))


def test_rows_that_are_in_order_are_not_copied() -> None:
    frame = a_frame().in_order(instances=3, interval_ns=10)

    assert frame.in_order(instances=3, interval_ns=10) is frame
    assert frame.sorted_by(frame.keys(instances=3))[0] is frame


def test_a_frame_without_rows_is_in_order() -> None:
    frame = a_frame(0)

    assert frame.in_order(instances=3, interval_ns=10) is frame
