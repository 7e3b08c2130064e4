"""Credentials in a scenario are a fault that does not repeat them."""

from __future__ import annotations

import pytest

from simtraffic.errors import ScenarioError
from simtraffic.scenario import parse_scenario
from simtraffic.scenario.secrets import is_secret
from tests.told import RICH

SECRET = "sk-abcdefghijklmnopqrstuvwx"


def with_attribute(text: str) -> str:
    return RICH.replace("instances: 2}", f"instances: 2, attributes: {{{text}}}}}")


@pytest.mark.parametrize(
    "text",
    [
        f"team: {SECRET}",
        "api.key.authorization: whatever",
        "x-api-key: whatever",
        "db.password: whatever",
        "header: Bearer abcdefgh12345678",
    ],
)
def test_a_credential_in_the_file_is_a_fault_at_its_place(text: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(with_attribute(text), file="s.yaml")

    (fault,) = caught.value.faults
    said = str(fault)
    assert said.startswith("s.yaml:")
    assert "a credential does not belong into a file" in said
    assert "${NAME}" in said
    assert SECRET not in said
    assert "whatever" not in said


def test_from_the_environment_it_is_taken() -> None:
    scenario = parse_scenario(with_attribute("db.password: '${PW}'"), environ={"PW": SECRET})

    assert scenario.service.attributes["db.password"] == SECRET


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("team", "platform"),
        ("tokens", "many"),
        ("llm.token_count", 5),
        ("k8s.secret.name", "shop"),
        ("task", "risk-assessment-of-everything"),
        ("password", ""),
    ],
)
def test_ordinary_attributes_are_none(name: str, value: object) -> None:
    assert not is_secret(name, value)
