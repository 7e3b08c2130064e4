"""The aggregator alone counts the collections."""

from __future__ import annotations

import pytest

from simtraffic.runner.emission import emitter_of
from tests.told import setup


@pytest.mark.parametrize("signals", [("traces",), ("traces", "metrics")])
def test_a_collection_moves_the_number_whether_anything_is_measured_or_not(
    signals: tuple[str, ...],
) -> None:
    emitter = emitter_of(setup(signals=signals))
    aggregator, interval_ns = emitter.aggregator, emitter.metrics.next_ns()

    list(emitter.collect(interval_ns))

    assert (aggregator.number, aggregator.closed_ns) == (2, interval_ns)
    assert emitter.metrics.next_ns() == aggregator.next_ns() == 2 * interval_ns


def test_measuring_moves_no_number() -> None:
    run = setup()
    emitter = emitter_of(run)

    emitter.measure(emitter.frames(run.simulator.simulate_blocks(run.blocks())))

    assert emitter.aggregator.number == 1


def test_points_are_expected_before_they_are_collected() -> None:
    """What a plan says of one collection is what the collection then has."""
    run = setup()
    emitter = emitter_of(run)
    exchanges = run.simulator.simulate_blocks(run.blocks())
    emitter.aggregator.interval_ns = int(exchanges.requests.end_ns.max())
    emitter.measure(emitter.frames(exchanges))

    list(emitter.collect(emitter.aggregator.interval_ns))

    # A shape seen at one instance may come to the others as well.
    assert 0 < emitter.metrics.series <= emitter.aggregator.expected_points()
