from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simtraffic.schedule.curve import RateCurve, Segment

SECOND = 1_000_000_000


def curve(*parts: tuple[float, float, float]) -> RateCurve:
    """Segments as (seconds, rate at the start, rate at the end)."""
    segments, now = [], 0
    for seconds, start, end in parts:
        segments.append(Segment(now, now + int(seconds * SECOND), start, end))
        now = segments[-1].end_ns
    return RateCurve(tuple(segments))


def test_a_ramp_expects_the_area_below_it() -> None:
    ramp = curve((30, 0, 50), (120, 50, 50))
    assert ramp.total == 750 + 6000
    np.testing.assert_allclose(ramp.expected([0, 15 * SECOND, 30 * SECOND]), [0, 187.5, 750])
    np.testing.assert_allclose(ramp.rate([0, 15 * SECOND, 100 * SECOND]), [0, 25, 50])


def test_the_rate_is_zero_outside_the_run() -> None:
    held = curve((10, 5, 5))
    np.testing.assert_array_equal(held.rate([-1, 11 * SECOND]), [0, 0])
    np.testing.assert_array_equal(held.expected([-1, 99 * SECOND]), [0, 50])


def test_a_jump_takes_the_later_rate() -> None:
    assert curve((10, 5, 5), (10, 20, 20)).rate(10 * SECOND) == 20


def test_times_skip_a_stretch_without_arrivals() -> None:
    pause = curve((10, 1, 1), (60, 0, 0), (10, 1, 1))
    times = pause.times(np.array([5.0, 10.0, 10.5])) / SECOND
    np.testing.assert_allclose(times, [5.0, 10.0, 70.5])


def test_no_arrivals_have_no_times() -> None:
    assert len(curve((10, 1, 1)).times(np.empty(0))) == 0


rates_a_second = st.one_of(st.just(0.0), st.floats(0.01, 1000))
parts = st.lists(
    st.tuples(st.floats(0.5, 1000), rates_a_second, rates_a_second), min_size=1, max_size=6
)
shares_of_run = st.one_of(st.just(0.0), st.floats(1e-9, 1))


@given(parts, st.lists(shares_of_run, min_size=1, max_size=20))
def test_times_invert_what_is_expected(
    segments: list[tuple[float, float, float]], shares: list[float]
) -> None:
    rates = curve(*segments)
    expected = np.sort(np.array(shares)) * rates.total
    times = rates.times(expected)
    assert (np.diff(times) >= 0).all()
    # A time is rounded down to a whole ns, in which at most 1e-6 arrivals are expected.
    np.testing.assert_allclose(rates.expected(times), expected, atol=max(2e-6, 1e-9 * rates.total))


def test_times_do_not_depend_on_what_else_is_asked() -> None:
    rates = curve((30, 0, 50), (120, 50, 50), (20, 200, 5))
    expected = np.linspace(0, rates.total, 1001)
    alone = [int(rates.times(expected[i : i + 1])[0]) for i in range(len(expected))]
    np.testing.assert_array_equal(rates.times(expected), alone)


def test_a_segment_knows_its_length() -> None:
    assert Segment(0, 2 * SECOND, 1, 3).expected == pytest.approx(4)
