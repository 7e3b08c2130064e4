"""A run that goes at full speed up to a moment and then with the clock is the run that it was.

Spans and log records are those of either way alone, byte for byte; so is every point in its value.
After the seam nothing is handed over before its time, and nothing late.
"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simtraffic.runner.full_speed import full_speed
from simtraffic.runner.playback import Playback
from simtraffic.runner.real_time import TICK_NS, real_time
from simtraffic.runner.setup import Setup
from simtraffic.scenario import parse_scenario
from tests.examples import examples
from tests.laws.test_imperfections import BRIEF, DRAIN_NS, SECOND_NS, START, Told

LATE = "imperfections: {late_spans: {share: 30%, by: 3s}}\n"


def played(text: str, seam_ns: int | None) -> tuple[Told, Playback, int]:
    """What left, the playback at its end, and where the seam was in the run."""
    told = Told()
    playback = Playback.of(Setup.of(parse_scenario(text), start=START), [told], drain_ns=DRAIN_NS)
    if seam_ns is None:
        full_speed(playback)
        return told, playback, 0
    full_speed(playback, seam_ns)
    seam = playback.counts.elapsed_ns
    told.history = len(told.chunks)
    real_time(playback, told.clock)  # type: ignore[arg-type]
    return told, playback, seam


def points(told: Told) -> Counter[bytes]:
    """Each data point of each metric, without its exemplars, which are drawn anew at each speed."""
    found: Counter[bytes] = Counter()
    for instance, metric, point in told.points():
        bare = type(point).FromString(point.SerializeToString())
        if hasattr(bare, "exemplars"):
            del bare.exemplars[:]
        found[f"{instance} {metric.name} ".encode() + bare.SerializeToString()] += 1
    return found


def assert_whole(seam_ns: int, *, late: bool) -> None:
    """Nothing of what left is missing, twice or other than without a seam."""
    text = BRIEF + (LATE if late else "")
    whole, before, _ = played(text, None)
    seamed, after, seam = played(text, seam_ns)

    assert seam <= seam_ns
    for signal in ("traces", "logs"):
        assert seamed.entries(signal) == whole.entries(signal)
    assert points(seamed) == points(whole)
    assert after.counts.ledger.generated == before.counts.ledger.generated
    assert after.counts.tally.planned == before.counts.tally.planned
    assert not after.held


@pytest.mark.parametrize("late", [False, True])
def test_the_whole_is_what_it_is_without_a_seam(late: bool) -> None:
    assert_whole(4 * SECOND_NS, late=late)


@pytest.mark.long
@given(seam_ns=st.integers(0, 9 * SECOND_NS), late=st.booleans())
@example(seam_ns=0, late=False)
@example(seam_ns=9 * SECOND_NS, late=True)
@examples(8)
def test_wherever_the_seam_is(seam_ns: int, late: bool) -> None:
    assert_whole(seam_ns, late=late)


@pytest.mark.parametrize("seam_ns", [0, 3 * SECOND_NS])
def test_after_the_seam_each_record_leaves_in_the_tick_in_which_it_ends(seam_ns: int) -> None:
    told, playback, seam = played(BRIEF, seam_ns)
    behind = told.chunks[told.history :]
    start_ns = playback.setup.start_unix_ns

    assert playback.counts.lateness.quantile(1.0) == 0
    live = Told(chunks=behind)
    ends = [(at_ns, span.end_time_unix_nano - start_ns) for at_ns, _, span in live.spans()]
    assert len(ends) > 100
    assert all(seam < end_ns <= seam + at_ns < end_ns + TICK_NS for at_ns, end_ns in ends)
    history = Told(chunks=told.chunks[: told.history])
    assert all(span.end_time_unix_nano - start_ns <= seam for _, _, span in history.spans())
