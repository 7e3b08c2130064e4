"""The counts of a run, made from its setup: blank ones, and what its schedule plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simtraffic.result.counts import RunCounts
from simtraffic.result.tally import Tally

if TYPE_CHECKING:
    from simtraffic.runner.setup import Setup

_MOST_COUNTED = 2_000_000
"""Requests that are counted in a quarter of a second."""


def blank_counts(setup: Setup) -> RunCounts:
    """Counts of this run's stages, incidents and thresholds, in which nothing is counted."""
    return RunCounts(Tally(setup.scenario, setup.simulator.vocabulary, setup.schedule.stages))


def plan_rest(counts: RunCounts, setup: Setup, done: int = 0) -> None:
    """Count the arrivals of the blocks of this setup's shard after so many that were counted."""
    for block in setup.blocks()[done:]:
        counts.plan(setup.schedule.arrivals(block))


def plan_whole(counts: RunCounts, setup: Setup) -> None:
    """Count the arrivals of all blocks, whatever was counted of them before."""
    for stage in counts.tally.stages:
        stage.planned = 0
    plan_rest(counts, setup)


def plan_at_once(counts: RunCounts, setup: Setup) -> None:
    """The same for a run that did not begin: of a very long one it is what the curve expects.

    Counting a day of thousands a second takes as long as simulating some of it, and nobody waits
    for that to hear that the receiver is not there.
    """
    if setup.schedule.total_expected <= _MOST_COUNTED:
        plan_whole(counts, setup)
        return
    for stage, span in zip(counts.tally.stages, setup.schedule.stages, strict=True):
        stage.planned = round(span.expected / setup.shard.count)
