"""The drawn rate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simtraffic.report.curve import axis_step, bars, highest, points_of
from simtraffic.result.plan import CurvePoint
from tests.builders import load, stage

SECOND = 1_000_000_000
STEP = (CurvePoint(0, 10), CurvePoint(50, 10), CurvePoint(50, 30), CurvePoint(100, 30))


def a_load(*stages, start=0.0):
    made = [stage(seconds, target=target, rate=rate) for seconds, target, rate in stages]
    return load(*made, start=start)


def test_stages_become_straight_lines_and_steps():
    points = points_of(a_load((10, 20.0, None), (5, None, 20.0), (5, None, 50.0), start=2.0))

    assert points == (
        CurvePoint(0.0, 2.0),
        CurvePoint(10.0, 20.0),
        CurvePoint(15.0, 20.0),
        CurvePoint(15.0, 50.0),
        CurvePoint(20.0, 50.0),
    )


def test_a_shorter_run_is_cut_in_the_middle_of_its_line():
    assert points_of(a_load((10, 20.0, None)), 5 * SECOND)[-1] == CurvePoint(5.0, 10.0)


def test_a_longer_run_holds_its_last_rate():
    assert points_of(a_load((10, 20.0, None)), 25 * SECOND)[-1] == CurvePoint(25.0, 20.0)


def test_a_column_on_either_side_of_a_step_shows_its_own_side():
    assert highest(STEP, 4) == [10, 10, 30, 30]


def test_a_step_down_belongs_to_the_column_before_it():
    down = (CurvePoint(0, 30), CurvePoint(50, 30), CurvePoint(50, 10), CurvePoint(100, 10))

    assert highest(down, 2) == [30, 10]


def test_a_spike_thinner_than_a_column_is_not_lost():
    spike = (
        *(CurvePoint(0, 1), CurvePoint(41, 1), CurvePoint(41, 500), CurvePoint(42, 500)),
        *(CurvePoint(42, 1), CurvePoint(100, 1)),
    )

    assert max(highest(spike, 5)) == 500


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=30), st.integers(1, 200))
def test_columns_never_leave_the_range_of_the_curve(rates, columns):
    points = [CurvePoint(float(n), rate) for n, rate in enumerate(rates)]

    values = highest(points, columns)

    assert len(values) == columns
    assert max(values) == pytest.approx(max(rates), rel=1e-9)
    assert min(values) >= min(rates) * (1 - 1e-9)


def test_no_curve_is_flat():
    assert highest((), 3) == [0.0, 0.0, 0.0]


def test_bars_fill_from_below_in_eighths():
    assert bars([0, 1, 8, 12, 16], 2, 16) == ["   ▄█", " ▁███"]


def test_bars_show_whatever_is_above_zero():
    assert bars([0, 0.001], 1, 1000) == [" ▁"]


def test_bars_of_nothing_are_empty():
    assert bars([0, 0], 1, 0) == ["  "]


@pytest.mark.parametrize(
    ("seconds", "columns", "step"),
    [(200, 70, 60), (60, 110, 10), (7 * 86_400, 70, 172_800), (2, 100, 1)],
)
def test_marks_of_the_axis_are_round_and_apart(seconds, columns, step):
    assert axis_step(seconds, columns) == step
