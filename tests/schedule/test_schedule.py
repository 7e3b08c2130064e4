from __future__ import annotations

import math

import numpy as np
import pytest

from simtraffic.randomness import Streams
from simtraffic.schedule import HOLD, Schedule, Shard
from simtraffic.schedule.arrivals import BlockGrid, Gamma
from tests.builders import SECOND, load, scenario, stage

RAMP = (
    stage(30, target=50, name="warm-up"),
    stage(120, rate=50, name="steady"),
    stage(20, rate=200, name="spike"),
    stage(30, target=5, name="cool-down"),
)


def ramp(kind: str = "even", **more: object) -> Schedule:
    return Schedule.of(scenario(load=load(*RAMP, kind=kind, **more)))  # type: ignore[arg-type]


def everything(schedule: Schedule) -> np.ndarray:
    return np.concatenate([schedule.arrivals(k) for k in range(schedule.block_count)])


def test_stages_follow_each_other_with_their_expected_arrivals() -> None:
    stages = ramp().stages
    assert [s.name for s in stages] == ["warm-up", "steady", "spike", "cool-down"]
    assert [s.expected for s in stages] == [750, 6000, 4000, 3075]
    assert [(s.start_rate, s.end_rate) for s in stages] == [(0, 50), (50, 50), (200, 200), (200, 5)]
    assert stages[-1].end_ns == ramp().duration_ns == 200 * SECOND


def test_even_arrivals_are_exactly_the_expected_ones() -> None:
    schedule = ramp()
    due = everything(schedule)
    assert len(due) == schedule.planned() == 13825
    for span in schedule.stages:
        assert ((due >= span.start_ns) & (due < span.end_ns)).sum() == span.expected


def test_even_arrivals_at_a_constant_rate_have_equal_gaps() -> None:
    schedule = Schedule.of(scenario(load=load(stage(10, rate=100.0), kind="even")))
    assert set(np.diff(everything(schedule))) <= {9_999_999, 10_000_000, 10_000_001}


@pytest.mark.parametrize(
    ("kind", "cv"), [("even", 1.0), ("poisson", 1.0), ("gamma", 2.5), ("gamma", 0.3)]
)
def test_arrivals_are_sorted_and_within_their_window(kind: str, cv: float) -> None:
    schedule = ramp(kind, cv=cv)
    end_before = 0
    for block in range(schedule.block_count):
        start, end = schedule.block_window(block)
        due = schedule.arrivals(block)
        assert start == end_before
        assert (np.diff(due) >= 0).all()
        assert len(due) == schedule.count(block)
        assert not len(due) or (due[0] >= start and due[-1] < end)
        end_before = end
    assert end_before == schedule.duration_ns


@pytest.mark.parametrize(("kind", "cv"), [("poisson", 1.0), ("gamma", 2.5), ("gamma", 0.3)])
def test_random_arrivals_have_the_expected_count(kind: str, cv: float) -> None:
    asked = scenario(load=load(stage(1000, rate=300.0), kind=kind, cv=cv))
    schedule = Schedule.of(asked)
    # The variance of a count is cv^2 times its mean; five standard deviations.
    tolerance = 5 * cv * math.sqrt(300_000)
    assert abs(schedule.planned() - 300_000) < tolerance
    assert schedule.planned() == len(everything(schedule))


def test_blocks_of_a_bursty_run_do_not_start_with_a_burst() -> None:
    # Were the first gap of a block like any other, each block would have (cv^2 - 1) / 2 arrivals
    # too many: 7,900 in all. Five standard deviations of the sum are 3,900.
    spread = Gamma(BlockGrid(3000, 96_000.0), Streams(1), 2.5)
    counts = [spread.count(block) for block in range(3000)]
    assert abs(sum(counts) - 96_000) < 5 * 2.5 * math.sqrt(96_000)


@pytest.mark.parametrize(("kind", "cv"), [("poisson", 1.0), ("gamma", 2.5), ("gamma", 0.3)])
def test_gaps_vary_as_asked(kind: str, cv: float) -> None:
    asked = scenario(load=load(stage(1000, rate=300.0), kind=kind, cv=cv))
    gaps = np.diff(everything(Schedule.of(asked)))
    # At n = 300,000 the sampling error is below 2 %; borders of blocks add as much.
    assert gaps.std() / gaps.mean() == pytest.approx(cv, rel=0.04)


def test_poisson_arrivals_fill_a_block_evenly() -> None:
    schedule = Schedule.of(scenario(load=load(stage(1000, rate=300.0))))
    shares = []
    for block in range(schedule.block_count):
        start, end = schedule.block_window(block)
        shares.append((schedule.arrivals(block) - start) / (end - start))
    counts = np.histogram(np.concatenate(shares), bins=20, range=(0, 1))[0]
    # Chi-squared with 19 degrees of freedom: 5 standard deviations above its mean.
    chi_squared = ((counts - counts.mean()) ** 2 / counts.mean()).sum()
    assert chi_squared < 19 + 5 * math.sqrt(2 * 19)


def test_blocks_of_a_large_run_hold_about_two_thousand() -> None:
    schedule = Schedule.of(scenario(load=load(stage(100, rate=10_000.0))))
    assert 2000 < schedule.block_size <= 2048
    assert schedule.block_count * schedule.block_size == pytest.approx(1_000_000)


def test_a_small_run_is_cut_finely_enough_to_share() -> None:
    assert ramp().block_count == 64
    tiny = Schedule.of(scenario(load=load(stage(10, rate=10.0))))
    assert tiny.block_count == 4
    assert Schedule.of(scenario(load=load(stage(10, rate=0.1)))).block_count == 1


def test_nothing_expected_is_an_empty_schedule() -> None:
    schedule = Schedule.of(scenario(load=load(stage(10, rate=0.0))))
    assert (schedule.block_count, schedule.planned(), schedule.total_expected) == (0, 0, 0.0)


def test_shards_together_are_the_whole() -> None:
    schedule = ramp("poisson")
    shards = [Shard(i, 3) for i in (1, 2, 3)]
    blocks = [block for shard in shards for block in schedule.shard_blocks(shard)]
    assert sorted(blocks) == list(range(schedule.block_count))
    assert sum(map(schedule.planned, shards)) == schedule.planned()
    assert all(k % 3 == 1 for k in schedule.shard_blocks(Shard(2, 3)))


def test_a_block_does_not_depend_on_what_was_drawn_before() -> None:
    forwards, backwards = ramp("gamma", cv=2.0), ramp("gamma", cv=2.0)
    expected = {k: forwards.arrivals(k) for k in range(forwards.block_count)}
    for block in reversed(range(backwards.block_count)):
        np.testing.assert_array_equal(backwards.arrivals(block), expected[block])


def test_another_seed_gives_other_arrivals() -> None:
    one = Schedule.of(scenario(load=load(stage(10, rate=100.0)), seed=1))
    other = Schedule.of(scenario(load=load(stage(10, rate=100.0)), seed=2))
    assert not np.array_equal(everything(one), everything(other))


def test_a_longer_duration_holds_the_final_rate() -> None:
    schedule = Schedule.of(scenario(load=load(*RAMP)), duration_ns=300 * SECOND)
    held = schedule.stages[-1]
    assert (held.name, held.start_rate, held.end_rate, held.expected) == (HOLD, 5, 5, 500)
    assert schedule.duration_ns == 300 * SECOND


def test_a_shorter_duration_cuts_the_stage_it_falls_into() -> None:
    schedule = Schedule.of(scenario(load=load(*RAMP)), duration_ns=185 * SECOND)
    cut = schedule.stages[-1]
    assert (cut.name, cut.end_ns, cut.end_rate) == ("cool-down", 185 * SECOND, 102.5)
    earlier = Schedule.of(scenario(load=load(*RAMP)), duration_ns=30 * SECOND)
    assert [s.name for s in earlier.stages] == ["warm-up"]


def test_a_pause_has_no_arrivals() -> None:
    pause = load(stage(10, rate=20.0), stage(60, rate=0.0), stage(10, rate=20.0))
    due = everything(Schedule.of(scenario(load=pause)))
    assert len(due) > 300
    assert not ((due >= 10 * SECOND) & (due < 70 * SECOND)).any()


def test_a_rate_may_start_above_zero() -> None:
    schedule = Schedule.of(scenario(load=load(stage(10, target=30), start=10.0, kind="even")))
    assert schedule.planned() == 200
    assert schedule.rate(5 * SECOND) == 20
    assert schedule.expected(5 * SECOND) == 75
