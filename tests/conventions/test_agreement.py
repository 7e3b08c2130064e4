"""A key has one value on the rows it is told of: what cannot agree is a fault with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from simtraffic.cli.main import app
from simtraffic.conventions.load import ALWAYS_ON, built_in_names, load_convention, load_conventions
from simtraffic.errors import ExitCode, FaultsError

if TYPE_CHECKING:
    from pathlib import Path

HEAD = 'convention: mine\nversion: "1"\n'
SPAN = "spans: {operation: {name: x, kind: client, attributes: {a: SPAN}}}\n"
METRIC = "metrics: [{name: m, instrument: counter, of: operation, attributes: {a: METRIC}}]\n"
LOG = "logs: [{of: operation, severity: INFO, when: WHEN, attributes: {a: LOG}}]\n"
MEASURED = """\
metrics:
  - name: m
    instrument: counter
    of: operation
    measure: [{value: {column: input_tokens}, attributes: {a: INPUT}}]
"""


def faults_of(folder: Path, text: str) -> list[str]:
    path = folder / "mine.yaml"
    path.write_text(text)
    load_convention.cache_clear()
    try:
        load_conventions([str(path), "gen_ai"])
    except FaultsError as error:
        return [str(fault).removeprefix(str(path)) for fault in error.faults]
    return []


@pytest.mark.parametrize("name", [ALWAYS_ON, *built_in_names()])
def test_what_ships_tells_the_same_alone_as_it_is_written(name: str) -> None:
    """So the bytes of one convention are those of its file."""
    names = [] if name == ALWAYS_ON else [name]

    assert load_convention(name) in load_conventions(names)


@pytest.mark.parametrize(
    ("span", "metric"),
    [
        ("{column: error}", "{column: error, map: {timeout: late}}"),
        ("{column: error}", "{column: provider}"),
        ("one", "two"),
        ("1", "true"),
        ("1", "1.0"),
        ("{column: failed}", "{column: failed, as: string}"),
        ("{column: error, when: {failed: true}}", "{column: model, when: {provider: openai}}"),
        ("{column: error, when: {failed: true}}", "{column: model}"),
        ("{column: duration_ns}", "{column: model}"),
    ],
)
def test_two_values_in_one_convention_are_a_fault(tmp_path: Path, span: str, metric: str) -> None:
    text = HEAD + SPAN.replace("SPAN", span) + METRIC.replace("METRIC", metric)

    assert faults_of(tmp_path, text) == [
        ":4:70 metrics[0].attributes.a: the key 'a' has two values on the same rows; found another"
        " value in line 3, spans.operation.attributes.a; give one of them another name, or both"
        " one value"
    ]


@pytest.mark.parametrize(
    ("span", "metric"),
    [
        ("{column: error}", "{column: error}"),
        ("{column: error}", "{column: error, map: {timeout: timeout}}"),
        ("{column: error, map: {auth: a, timeout: t}}",
         "{column: error, map: {timeout: t, auth: a}}"),
        ("{column: error, when: {failed: true}}", "{column: error}"),
        ("{column: error, when: {failed: true}}", "{column: model, when: {failed: false}}"),
        ("{column: error, when: {error: [auth, timeout]}}", "{literal: b, when: {error: none}}"),
        ("one", "{literal: one}"),
        ('"{model}"', '"{model}"'),
    ],
)  # fmt: skip
def test_one_value_in_two_places_is_none(tmp_path: Path, span: str, metric: str) -> None:
    text = HEAD + SPAN.replace("SPAN", span) + METRIC.replace("METRIC", metric)

    assert faults_of(tmp_path, text) == []


def test_records_of_different_rows_may_differ(tmp_path: Path) -> None:
    log = LOG.replace("LOG", "two")
    text = HEAD + SPAN.replace("SPAN", "{literal: one, when: {failed: true}}")

    assert faults_of(tmp_path, text + log.replace("WHEN", "{failed: false}")) == []
    assert len(faults_of(tmp_path, text + log.replace("WHEN", "{generates: false}"))) == 1


def test_single_measurements_may_not_take_a_key_of_the_row(tmp_path: Path) -> None:
    measured = MEASURED.replace("INPUT", "input")

    assert faults_of(tmp_path, HEAD + measured) == []
    assert len(faults_of(tmp_path, HEAD + SPAN.replace("SPAN", "row") + measured)) == 1


def test_a_metric_cannot_follow_what_differs_from_row_to_row(tmp_path: Path) -> None:
    """The span leads with a number, the metric of another convention would have to tell it."""
    text = HEAD + SPAN.replace("{a: SPAN}", "{gen_ai.provider.name: {column: total_tokens}}")

    found = faults_of(tmp_path, text)

    assert len(found) == len(load_convention("gen_ai").metrics)
    assert all("conventions/gen_ai.yaml:" in fault for fault in found)
    assert all(
        fault.endswith(
            "[gen_ai.provider.name]: mine tells this key by what differs from row to row, as no"
            " metric can; give it another name in one of them"
        )
        for fault in found
    )


def test_a_metric_has_no_json_attribute(tmp_path: Path) -> None:
    text = HEAD + METRIC.replace("METRIC", "{json: {m: {column: model}}}")

    assert len(faults_of(tmp_path, text)) == 1


def test_check_says_so(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        HEAD + SPAN.replace("SPAN", "one") + METRIC.replace("METRIC", "two")
    )
    scenario = tmp_path / "one.yaml"
    scenario.write_text(
        "version: 1\nname: one\nload: {stages: [{duration: 1s, rate: 1/s}]}\n"
        "traffic: [{name: a, workflow: chat, share: 1, tokens: chat, models: {openai/gpt-4o: 1}}]\n"
        "telemetry: {conventions: [./mine.yaml]}\n"
    )

    done = CliRunner().invoke(app, ["check", str(scenario)])

    assert done.exit_code == ExitCode.INVALID
    assert "mine.yaml:4:70 metrics[0].attributes.a: the key 'a' has two values" in done.stderr
