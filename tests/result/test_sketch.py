"""Sketches against numpy's own quantiles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from simtraffic.result.sketch import QuantileSketch
from tests.examples import examples

VALUES = hnp.arrays(
    np.int64,
    st.integers(1, 300),
    elements=st.one_of(st.integers(0, 2_000), st.integers(0, 2**62)),
)
SHARES = st.one_of(st.sampled_from([0.0, 0.5, 0.95, 0.99, 1.0]), st.floats(0, 1))


def sketch_of(*parts: np.ndarray) -> QuantileSketch:
    sketch = QuantileSketch()
    for part in parts:
        sketch.add(part)
    return sketch


@given(values=VALUES, share=SHARES)
@examples(300)
def test_a_quantile_is_within_the_promised_error(values, share):
    """Half of a bucket's width, 1/512 of the value; the promise of 0.4 % leaves twice that."""
    exact = float(np.quantile(values, share, method="inverted_cdf"))

    found = sketch_of(values).quantile(share)

    assert found == pytest.approx(exact, rel=1 / 512, abs=0)


@given(values=hnp.arrays(np.int64, st.integers(1, 200), elements=st.integers(0, 511)), share=SHARES)
def test_small_integers_come_back_exactly(values, share):
    exact = float(np.quantile(values, share, method="inverted_cdf"))

    assert sketch_of(values).quantile(share) == exact


@given(values=VALUES)
def test_count_sum_and_ends_are_exact(values):
    values = values // 512  # keeps the int64 sum of 300 values from overflowing

    sketch = sketch_of(values)

    assert (sketch.count, sketch.total) == (len(values), int(values.sum()))
    assert (sketch.minimum, sketch.maximum) == (int(values.min()), int(values.max()))
    assert sketch.mean == int(values.sum()) / len(values)


@given(values=VALUES, cut=st.integers(0, 300), share=SHARES)
def test_merging_parts_is_the_same_as_counting_the_whole(values, cut, share):
    values = values // 512
    left, right = sketch_of(values[:cut]), sketch_of(values[cut:])

    left.merge(right)

    whole = sketch_of(values)
    assert left.quantile(share) == whole.quantile(share)
    assert (left.count, left.total, left.minimum, left.maximum) == (
        whole.count,
        whole.total,
        whole.minimum,
        whole.maximum,
    )


@given(value=st.integers(0, 2**62), count=st.integers(1, 50))
def test_a_repeated_value_counts_as_often_as_said(value, count):
    repeated = QuantileSketch()
    repeated.add_repeated(value, count)

    assert repeated.count == count
    assert repeated.quantile(0.5) == float(value)
    assert repeated.total == value * count


def test_scalar_and_array_buckets_agree_at_every_edge():
    """add_repeated finds its bucket without numpy; both ways must meet in one bucket."""
    edges = [0, 1, 2, 3, 255, 256, 511, 512, 1023, 1024, 2**40 - 1, 2**40, 2**40 + 2**32]
    for edge in edges:
        mixed = sketch_of(np.array([edge]))
        mixed.add_repeated(edge, 2)
        mixed.add(np.array([2**61]))

        assert mixed.quantile(0.5) == pytest.approx(edge, rel=0.004)


def test_nothing_counted_has_no_quantile_and_no_mean():
    assert QuantileSketch().quantile(0.5) is None
    assert QuantileSketch().mean is None
    assert sketch_of(np.zeros(0, dtype=np.int64)).count == 0


def test_negative_values_are_refused():
    with pytest.raises(ValueError, match="non-negative"):
        sketch_of(np.array([3, -1]))


def test_memory_stays_bounded_over_the_whole_range():
    sketch = sketch_of(np.array([0, 1]), np.array([2**62]), 2 ** np.arange(62))

    assert len(sketch._counts) <= 63 * 256 + 1 + 256
