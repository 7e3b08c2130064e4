"""What sections and keys say of themselves: examples, hints, stand-ins, and what they count for."""

from __future__ import annotations

from typing import Annotated

import pytest

from simtraffic.documents.document import read_document
from simtraffic.scenario.explained import (
    example_of,
    explained_by,
    explanations,
    fields,
    known_keys,
    nouns,
    pattern,
    place_of,
    stand_in,
)
from simtraffic.scenario.model import Scenario, Service
from simtraffic.scenario.part import Explained
from tests.scenario.cases import GOOD, extended, faults, read

REQUIRED = [
    (*path, key)
    for path, noun in nouns().items()
    for key, field in fields(noun).items()
    if field.is_required()
]


def test_nouns_are_found_where_they_stand():
    found = {place_of(path): noun.__name__ for path, noun in nouns().items()}

    assert found["traffic[].models.*"] == "ModelShare"
    assert found["traffic[].tokens.output"] == "Quantiles"
    assert found["imperfections.late_spans"] == "LateSpans"
    # They are written as text.
    assert not {"Threshold", "Arrivals"} & set(found.values())


def test_every_key_explains_itself():
    for noun in nouns().values():
        assert all(explained_by(field) for field in fields(noun).values()), noun
    for place in explanations():
        document = read_document(f"example: {example_of(place)}", place)
        assert document.faults == []


def test_names_of_the_users_own_are_stars():
    assert pattern(("traffic", 2, "models", "a/b", "weight")) == (
        *("traffic", "*", "models", "*", "weight"),
    )
    assert place_of(("capacity", "a/b")) == "capacity.*"
    assert known_keys(("traffic", 0, "tokens", "input")) == ["p50", "p95"]
    assert "extends" in known_keys(())


@pytest.mark.parametrize("path", REQUIRED, ids=place_of)
def test_what_is_required_has_a_stand_in_that_its_noun_takes(path):
    """Without one, a broken value would leave nothing to check."""
    noun = nouns()[path[:-1]]
    least = {key: stand_in((*path[:-1], key)) for key in fields(noun)}

    noun.model_validate({key: value for key, value in least.items() if value is not None})


@pytest.mark.parametrize(
    ("broken", "path"),
    [
        ("imperfections: {late_spans: {share: lots, by: 90s}}", "imperfections.late_spans.share"),
        ("imperfections: {late_spans: {share: 2%, by: soon}}", "imperfections.late_spans.by"),
        (
            "imperfections: {oversize_attributes: {share: 1%, bytes: many}}",
            "imperfections.oversize_attributes.bytes",
        ),
    ],
)
def test_a_broken_required_key_of_any_section_hides_nothing(broken, path):
    """The rest of the file is checked beside it: a flow that nobody has."""
    lines = faults(extended(f"{broken}\nthresholds: [error_share < 5% where flow=nobody]\n"))

    assert [line.split(" ")[1].rstrip(":") for line in lines] == [path, "thresholds[0]"]


def test_a_key_that_came_later_counts_only_when_it_says_something():
    assert read(GOOD).digest == read(extended("imperfections: {missing_roots: 0%}")).digest
    assert read(GOOD).digest != read(extended("imperfections: {missing_roots: 1%}")).digest
    # Those of the first format count at their default as well: run ids rest on it.
    assert '"retries"' in read(GOOD).model_dump_json()


def test_a_later_key_of_an_old_section_leaves_run_ids_alone():
    class Wider(Service):
        """A service with one key more."""

        zone: Annotated[str, Explained("a", "of the cloud", counts_at_default=False)] = ""

    class Later(Scenario):
        """The same scenario, later."""

        service: Annotated[Wider, Explained("{}", "")] = Wider()

    scenario = read(GOOD)
    later = Later.model_construct(**{**dict(scenario), "service": Wider(name="llm-service")})
    placed = later.model_copy(update={"service": Wider(zone="a")})

    assert later.digest == scenario.digest
    assert placed.digest != scenario.digest
