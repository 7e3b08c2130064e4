"""No fault hides another: any two of all kinds, planted together, are both told."""

from __future__ import annotations

import itertools
import os
import random  # noqa: TID251 - which pairs are planted, not what is simulated

import pytest

from tests.scenario.cases import faults
from tests.scenario.planted import BASE, PLANTS, UNJUDGED, planted

PARTNERS = 1
"""Drawn for each kind; SIMTRAFFIC_ALL_PAIRS=1 plants all pairs, which takes a minute."""


def is_told(plant, lines):
    return any(f" {plant.path}: " in f"{line} " and plant.problem in line for line in lines)


def parent(plant):
    """The mapping or the list that the fault stands in."""
    return plant.path.rpartition(".")[0] or plant.path.partition("[")[0]


def pairs():
    """Those that share a mapping, and some for each kind that do not; all when asked for."""
    whole = [
        (one, other)
        for one, other in itertools.combinations(PLANTS, 2)
        if not (one.old in other.old or other.old in one.old)
    ]
    if os.environ.get("SIMTRAFFIC_ALL_PAIRS"):
        return whole
    near = [pair for pair in whole if parent(pair[0]) == parent(pair[1])]
    draw = random.Random(7)
    far = [
        pair
        for plant in PLANTS
        for pair in draw.sample([pair for pair in whole if plant in pair], PARTNERS)
    ]
    return list(dict.fromkeys([*near, *far]))


def test_the_scenario_that_faults_are_planted_into_is_good():
    assert faults(BASE) == []


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.kind)
def test_a_fault_alone_is_told_alone(plant):
    text = plant.into(BASE)

    assert text is not None
    lines = faults(text)
    assert is_told(plant, lines)
    assert len(lines) == 1, lines


def test_of_two_faults_neither_hides_the_other_nor_makes_up_a_third():
    wrong = []
    for one, other in pairs():
        text = planted(one, other)
        if text is None:
            continue
        lines = faults(text)
        for plant, beside in ((one, other), (other, one)):
            if not is_told(plant, lines) and (plant.kind, beside.kind) not in UNJUDGED:
                wrong.append(f"{plant.kind} is hidden by {beside.kind}: {lines}")
        if len(lines) > 2 and not {(one.kind, other.kind), (other.kind, one.kind)} & set(UNJUDGED):
            wrong.append(f"{one.kind} and {other.kind} are more than two: {lines}")

    assert wrong == []


def test_what_cannot_be_judged_is_named_for_a_reason():
    """Each named pair is one: the first is silent beside the second, and told without it."""
    kinds = {plant.kind: plant for plant in PLANTS}
    for silent, beside in UNJUDGED:
        text = planted(kinds[silent], kinds[beside])

        assert not is_told(kinds[silent], faults(text)), (silent, beside)
