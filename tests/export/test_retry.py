from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simtraffic.export.retry import RetryPolicy


@pytest.mark.parametrize(
    ("tries", "wait"), [(1, 0.25), (2, 0.5), (3, 1.0), (4, 2.0), (5, 2.0), (10_000, 2.0)]
)
def test_waits_double_up_to_the_longest(tries: int, wait: float) -> None:
    assert RetryPolicy().wait_s(tries, chance=0.5) == pytest.approx(wait)


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_jitter_stays_within_its_share(tries: int, chance: float) -> None:
    policy = RetryPolicy(jitter=0.25)

    middle = policy.wait_s(tries, 0.5)

    assert 0.75 * middle <= policy.wait_s(tries, chance) <= 1.25 * middle


@given(st.floats(0, 1e6), st.floats(0, 1, exclude_max=True))
def test_what_the_receiver_asks_for_is_never_undercut(asked: float, chance: float) -> None:
    assert RetryPolicy().wait_s(1, chance, retry_after_s=asked) >= asked
