"""Who comes and what happens to them can be asked for apart: others bring requests of their own."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from tests.told import setup

BLOCKS = range(2, 34)


def test_who_comes_is_known_before_anything_happens() -> None:
    simulator = setup().simulator

    requests, combination, draws = simulator.arrivals.arrive(BLOCKS)

    happened = setup().simulator.simulate_blocks(BLOCKS).requests
    for name in ("seq", "due_ns", "flow", "route", "instance", "stage", "user", "conversation"):
        np.testing.assert_array_equal(getattr(requests, name), getattr(happened, name))
    assert len(combination) == len(draws.choice) == len(requests) > 0
    for unknown in (requests.end_ns, requests.cost_pusd, requests.error, requests.status_code):
        assert not unknown.any()


def test_what_happens_to_a_request_does_not_depend_on_who_else_comes() -> None:
    """A caller may bring some requests alone, in any order: a trace that is played again."""
    simulator = setup().simulator
    whole = simulator.simulate_blocks(BLOCKS)
    rows = np.flatnonzero(np.arange(len(whole)) % 3 == 1)[::-1]

    requests, combination, draws = simulator.arrivals.arrive(BLOCKS)
    some = simulator.happen(requests.take(rows), combination[rows], draws.take(rows), block=7)

    assert (some.block, whole.block) == (7, 2)
    wanted = whole.requests.take(rows)
    for field in fields(wanted):
        found = getattr(some.requests, field.name)
        np.testing.assert_array_equal(found, getattr(wanted, field.name), err_msg=field.name)
    inside = np.isin(whole.attempts.request, rows)
    assert sorted(some.attempts.span_id) == sorted(whole.attempts.span_id[inside])
    assert len(some.attempts) > len(some.operations) > len(some)
