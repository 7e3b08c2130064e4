"""JSON Schema of the scenario file, and the files that ship."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from simtraffic.cli.init import starter
from simtraffic.scenario.explained import nouns
from simtraffic.scenario.load import load_scenario, parse_scenario
from simtraffic.scenario.model import Scenario
from simtraffic.scenario.part import Part
from simtraffic.scenario.schema import json_schema
from tests.scenario.cases import GOOD, KNOWN, changed, extended

SHIPPED = Path(__file__).parents[2] / "scenarios"
FILES = sorted(SHIPPED.rglob("*.yaml"))


def accepts(text, schema=None):
    """Whether the schema accepts a YAML text."""
    data = YAML(typ="safe", pure=True).load(text)
    checked = jsonschema.Draft202012Validator(schema or json_schema(KNOWN))
    return checked.is_valid(data)


class TestSchema:
    def test_it_is_a_schema(self):
        jsonschema.Draft202012Validator.check_schema(json_schema())

    def test_it_accepts_a_good_scenario(self):
        assert accepts(GOOD)

    @pytest.mark.parametrize(
        "text",
        [
            changed("10s", "10"),
            changed("target: 5/s", "target: 5"),
            changed("workflow: chat", "workflow: rag"),
            changed("tokens: conversation", "tokens: convers"),
            changed("openai/gpt-4o", "openai/gpt"),
            changed("version: 1", "version: 2"),
            changed("name: good", "name: no good"),
            changed("name: good\n", ""),
            extended("sead: 1"),
            extended("errors: {auth: 5}"),
            extended("errors: {ath: 5%}"),
            extended("service: {instances: 0}"),
            extended("telemetry: {conventions: [gen-ai]}"),
            extended("telemetry: {signals: []}"),
            extended("incidents: [{name: a, at: 5, duration: 1s}]"),
        ],
    )
    def test_it_refuses_wrong_forms(self, text):
        assert not accepts(text)

    def test_a_reference_may_stand_for_any_value(self):
        assert accepts(extended("seed: ${SEED}\ntelemetry: {sampling: '${S:-1}'}\n"))

    def test_what_extends_may_leave_out_the_rest(self):
        assert accepts("extends: other.yaml\nload: {arrivals: even}\n")
        assert not accepts("load: {arrivals: even}\n")

    def test_fields_are_explained(self):
        stage = json_schema()["$defs"]["Stage"]["properties"]

        assert stage["rate"]["description"] == "Rate that is held."

    def test_every_key_has_a_description_and_an_example_that_it_accepts(self):
        schema = json_schema()
        nouns = [schema, *schema["$defs"].values()]
        keys = [pair for noun in nouns for pair in noun.get("properties", {}).items()]
        lacking = [
            name for name, key in keys if not (key.get("description") and key.get("examples"))
        ]

        assert lacking == []
        assert len(keys) > 70
        for name, key in keys:
            checked = jsonschema.Draft202012Validator({**key, "$defs": schema["$defs"]})
            assert all(checked.is_valid(example) for example in key["examples"]), name

    def test_every_noun_is_known_to_the_hints(self):
        known = set(nouns().values())
        defined = set(Scenario.model_json_schema()["$defs"])

        assert {noun.__name__ for noun in known - {Scenario}} == defined
        assert all(issubclass(noun, Part) for noun in known)


class TestShipped:
    def test_the_committed_schema_is_the_printed_one(self):
        committed = json.loads((SHIPPED / "scenario.schema.json").read_text())

        assert committed == json_schema(), "scenarios/scenario.schema.json is old: run make schema"

    @pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
    def test_every_file_is_good_and_says_what_it_shows(self, file):
        scenario = load_scenario(file)

        assert scenario.name == file.stem.replace("_", "-")
        assert scenario.description.count(".") == 1
        assert scenario.thresholds

    @pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
    def test_every_file_is_good_by_the_schema(self, file):
        text = file.read_text()

        schema = "../" * (len(file.relative_to(SHIPPED).parts) - 1) + "scenario.schema.json"
        assert text.startswith(f"# yaml-language-server: $schema={schema}\n")
        assert accepts(text, json_schema())

    @pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
    def test_every_file_is_listed(self, file):
        listed = f"`{file.name}`" in (SHIPPED / "README.md").read_text()

        assert listed, f"scenarios/README.md wants a row for `{file.name}`"

    def test_the_starter_is_good(self):
        text = starter("mine")

        assert parse_scenario(text).name == "mine"
        assert accepts(text, json_schema())
