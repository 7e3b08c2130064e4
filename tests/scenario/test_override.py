"""A scenario as the command line wants it changed."""

from __future__ import annotations

import os

import pytest

from simtraffic.errors import UsageError
from simtraffic.scenario.override import with_overrides
from tests.scenario.cases import GOOD, changed, extended, read


def test_nothing_asked_changes_nothing():
    assert with_overrides(read(GOOD)) == read(GOOD)


def test_the_scenario_itself_stays():
    scenario = read(GOOD)

    with_overrides(
        scenario, seed=3, scale=2, signals=["logs"], resource_attributes={"service.name": "x"}
    )

    assert scenario == read(GOOD)


def test_scale_multiplies_every_rate_of_arrival_and_no_capacity():
    scenario = read(extended("capacity: {openai: 10/s}").replace("load:", "load:\n  start: 1/s"))

    scaled = with_overrides(scenario, scale=0.1)

    assert scaled.load.start == pytest.approx(0.1)
    assert [(stage.target, stage.rate) for stage in scaled.load.stages] == [
        (pytest.approx(0.5), None),
        (None, pytest.approx(0.5)),
    ]
    assert scaled.capacity == {"openai": 10.0}


def test_resource_attributes_reach_the_fields_of_the_service():
    attributes = {
        "service.name": "env",
        "service.version": "2",
        "service.namespace": "ns",
        "deployment.environment.name": "prod",
        "service.instance.id": "theirs",
        "simtraffic.run_id": "theirs",
        "team": "obs",
    }
    scenario = read(extended("service: {attributes: {team: a, zone: b}}"))

    service = with_overrides(scenario, resource_attributes=attributes).service

    assert service.model_dump() == {
        "name": "env",
        "namespace": "ns",
        "version": "2",
        "environment": "prod",
        "instances": 1,
        "attributes": {"team": "obs", "zone": "b"},
    }


def test_signals_and_conventions_are_replaced_once_each():
    telemetry = with_overrides(
        read(GOOD), signals=["logs", "traces", "logs"], conventions=["llm", "./own.yaml"]
    ).telemetry

    assert telemetry.signals == ("logs", "traces")
    assert telemetry.conventions == ("llm", os.path.abspath("own.yaml"))


def test_sampling_is_replaced():
    assert with_overrides(read(GOOD), sampling=0.25).telemetry.sampling == 0.25


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"seed": -1}, "--seed: out of range"),
        ({"scale": 0}, "--scale: out of range"),
        ({"scale": float("nan")}, "--scale: out of range"),
        ({"signals": ["spans"]}, "--signals: unknown name; found spans; known: traces"),
        ({"signals": []}, "--signals: nothing given"),
        ({"conventions": ["gen-ai"]}, "--convention: unknown name; found gen-ai; did you mean"),
        ({"sampling": 2}, "sampling: out of range"),
    ],
)
def test_what_cannot_be_is_wrong_usage(asked, message):
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        with_overrides(read(GOOD), **asked)


def test_another_seed_has_another_digest():
    assert with_overrides(read(GOOD), seed=2).digest == read("seed: 2\n" + GOOD).digest
    assert with_overrides(read(GOOD), seed=2).digest != read(changed("good", "other")).digest
