"""The convention language: what is wrong is told with its place, all of it at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from simtraffic.conventions.columns import CATEGORIES, NUMBERS, STANDING, TEXTS, known
from simtraffic.conventions.load import BUILT_IN, built_in_names, load_convention, load_conventions
from simtraffic.conventions.model import STANDING_TABLES
from simtraffic.conventions.rows import TABLES
from simtraffic.errors import FaultsError, UsageError
from simtraffic.runner import RunOptions, run
from simtraffic.scenario import load_scenario
from tests.told import RICH

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
convention: mine
version: "1"
spans:
  operation:
    name: {text: "call {model}"}
    kind: client
    attributes:
      app.model: {column: model}
      app.tokens: {column: input_tokens}
metrics:
  - name: app.calls
    instrument: counter
    of: operation
    unit: "{call}"
    attributes: {model: {column: model}}
"""


def faults_of(folder: Path, text: str) -> list[str]:
    """Each fault of a convention file, without the file's name."""
    path = folder / "mine.yaml"
    path.write_text(text)
    load_convention.cache_clear()
    with pytest.raises(FaultsError) as caught:
        load_convention(str(path))
    return [str(fault).removeprefix(str(path)) for fault in caught.value.faults]


@pytest.mark.parametrize("name", ["http", *built_in_names()])
def test_the_built_in_conventions_are_sound(name: str) -> None:
    assert load_convention(name).name == name


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("kind: client", "kind: cliant", ":6:11 spans.operation.kind: unknown value; "
         'found "cliant"; did you mean client?'),
        ("{column: model}\n      app.tokens", "{colum: model}\n      app.tokens",
         ":8:19 spans.operation.attributes[app.model].colum: unknown key; "
         'found "colum"; did you mean column?'),
        ("input_tokens", "input_token", ":9:28 spans.operation.attributes[app.tokens].column: the "
         "table 'operation' has no such column; "
         'found "input_token"; did you mean input_tokens?'),
        ("instrument: counter", "instrument: histogram", ":11:5 metrics[0].measure: a required "
         "key is missing; found a mapping of name, instrument, of, unit; say what is measured"),
        ("{model: {column: model}}", "{model: {column: input_tokens}}", ":15:25 metrics[0]."
         "attributes.model: an attribute of a metric must be a category, not differ by row"),
        ('version: "1"', "version: 1", ":2:10 version: not text; found 1; "
         "put it in quotes"),
        ("call {model}", "call {modal}", "did you mean model?"),
        ("{column: input_tokens}", "{column: input_tokens, scale: 3}", "a scale is one over"),
        ("{column: input_tokens}", "{column: instance_id}", "it can stand in a json body"),
        ("  - name: app.calls", "  - name: app.calls\n    when: {duration_ns: 3}",
         "a condition looks at a category"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    text = GOOD.replace(old, new, 1)
    assert text != GOOD

    found = faults_of(tmp_path, text)

    assert any(told in fault for fault in found), found


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("client", "klient").replace("counter", "kounter").replace("mine", "1")

    assert len(faults_of(tmp_path, text)) == 3


@pytest.mark.parametrize("text", ["", "[]", "a: [", "convention: x\nconvention: y", "{{{"])
def test_hostile_files_are_faults(tmp_path: Path, text: str) -> None:
    assert faults_of(tmp_path, text)


def test_a_missing_file_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.yaml"):
        load_convention(str(tmp_path / "nowhere.yaml"))


def test_a_copy_that_was_edited_tells_the_users_own_service(tmp_path: Path) -> None:
    """A path under telemetry.conventions leads: its names are in the telemetry."""
    text = (BUILT_IN / "gen_ai.yaml").read_text()
    (tmp_path / "own.yaml").write_text(
        text.replace("gen_ai.request.model:", "shop.model:").replace(
            'name: {text: "{operation} {model}"}', 'name: {text: "shop {flow}"}'
        )
    )
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(
        RICH.replace("conventions: [gen_ai, llm]", "conventions: [./own.yaml]").replace(
            "duration: 20s", "duration: 2s"
        )
    )

    run(
        load_scenario(scenario), RunOptions(start="2026-01-01T00:00:00Z"), out=str(tmp_path / "out")
    )

    spans = [
        span
        for line in (tmp_path / "out").read_text().splitlines()
        for resource in json.loads(line).get("resourceSpans", [])
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]
    names = {span["name"] for span in spans}
    keys = {attribute["key"] for span in spans for attribute in span["attributes"]}
    assert {"shop support", "shop titles", "shop search"} <= names
    assert "shop.model" in keys
    assert "gen_ai.request.model" not in keys


def test_every_column_belongs_to_one_sort() -> None:
    assert not set(CATEGORIES) & set(NUMBERS)
    assert not set(TEXTS) & (set(CATEGORIES) | set(NUMBERS))
    assert not set(STANDING) & (set(CATEGORIES) | set(NUMBERS) | set(TEXTS))
    assert all(known(table) for table in (*TABLES, *STANDING_TABLES))


def test_two_conventions_that_emit_one_metric_are_a_fault(tmp_path: Path) -> None:
    """A metric stream has one writer."""
    text = (BUILT_IN / "gen_ai.yaml").read_text()
    (tmp_path / "own.yaml").write_text(text.replace("convention: gen_ai", "convention: own", 1))

    with pytest.raises(FaultsError) as caught:
        load_conventions(["gen_ai", str(tmp_path / "own.yaml")])

    assert len(caught.value.faults) == len(load_convention("gen_ai").metrics)
    assert "two conventions emit this metric, gen_ai and own" in str(caught.value)
