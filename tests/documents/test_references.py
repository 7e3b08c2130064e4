"""References to the environment."""

from __future__ import annotations

import pytest

from simtraffic.documents.references import has_references, substituted
from tests.scenario.cases import GOOD, changed, extended, faults, read


@pytest.mark.parametrize(
    ("text", "filled_in"),
    [
        ("${A}", "1"),
        ("x${A}y${B}z", "x1y2z"),
        ("${A:-9}", "1"),
        ("${C:-9}", "9"),
        ("${C:-}", ""),
        ("${EMPTY}", ""),
        ("${EMPTY:-9}", "9"),
        ("$$", "$"),
        ("$${A}", "${A}"),
        ("$A", "$A"),
        ("5$", "5$"),
    ],
)
def test_references_are_filled_in_as_a_shell_does(text, filled_in):
    assert substituted(text, {"A": "1", "B": "2", "EMPTY": ""}) == (filled_in, [])


@pytest.mark.parametrize("text", ["${", "${}", "${1}", "${A B}", "${A-1}", "${A:1}"])
def test_malformed_references_are_refused(text):
    _, wrong = substituted(text, {"A": "1"})

    assert [problem for problem, _ in wrong] == ["malformed reference"]


def test_every_reference_that_cannot_be_filled_in_is_told():
    _, wrong = substituted("${A}/${B}/${", {"C": "1"})

    assert [problem for problem, _ in wrong] == [
        "environment variable A is not set",
        "environment variable B is not set",
        "malformed reference",
    ]


def test_what_is_filled_in_is_not_searched_again():
    assert substituted("${A}", {"A": "${A}"}) == ("${A}", [])


def test_text_without_references_is_left_alone():
    assert not has_references("5% of $5")


def test_every_kind_of_value_can_come_from_the_environment():
    text = extended("""\
        seed: ${SEED}
        telemetry: {metrics: {exemplars: "${EXEMPLARS:-false}"}, sampling: "${SAMPLING}"}
        incidents:
          - {name: i, at: "${AT}", duration: 1s, slowdown: "${SLOW}"}
        """).replace("workflow: chat", "workflow: ${WORKFLOW:-chat}")

    scenario = read(text, environ={"SEED": "7", "SAMPLING": "0.5", "AT": "2s", "SLOW": "1.5"})

    assert scenario.seed == 7
    assert scenario.telemetry.metrics.exemplars is False
    assert scenario.telemetry.sampling == 0.5
    assert scenario.incidents[0].at_ns == 2 * 10**9
    assert scenario.incidents[0].slowdown == 1.5
    assert scenario.traffic[0].workflow == "chat"


def test_a_number_from_the_environment_may_be_text():
    text = extended("service: {version: '${V}', attributes: {a: '${V}', b: \"x\"}}\n")

    service = read(text, environ={"V": "12"}).service

    assert (service.version, service.attributes["a"]) == ("12", "12")
    assert type(service.version) is str


def test_an_unquoted_attribute_from_the_environment_has_its_own_type():
    text = extended("service:\n  attributes:\n    a: ${V}\n")

    assert read(text, environ={"V": "12"}).service.attributes == {"a": 12}


def test_a_variable_that_is_not_set_is_a_fault_at_its_place():
    (line,) = faults(extended("description: in ${REGION}\n"))

    assert line == (
        "x.yaml:13:14 description: environment variable REGION is not set;"
        ' found "in ${REGION}"; set it, or write ${REGION:-default}'
    )


def test_a_wrong_value_is_told_with_the_reference_it_came_from():
    (line,) = faults(extended("seed: ${SEED}\n"), environ={"SEED": "many"})

    assert line == (
        'x.yaml:13:7 seed: not a whole number; found "many" from ${SEED};'
        " write a number from 0 to 9223372036854775807"
    )


def test_keys_are_not_filled_in():
    assert "unknown model" in faults(changed("{openai/gpt-4o: 1}", '{"${M}": 1}'))[0]


def test_the_environment_of_the_process_is_not_looked_at(monkeypatch):
    monkeypatch.setenv("SEED", "7")

    assert faults("seed: ${SEED}\n" + GOOD)
