"""README and docs: what they show runs, what they list is complete."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import jsonschema
import pytest
from ruamel.yaml import YAML

from simtraffic.cli.main import _COMMANDS
from simtraffic.errors import ExitCode
from simtraffic.runner import RunOptions, plan, run
from simtraffic.scenario import load_scenario, parse_scenario
from simtraffic.scenario.explained import example_of, explanations
from simtraffic.scenario.schema import json_schema
from tests.docs.plain import calls
from tools import documents, readme_output, scenario_reference
from tools.one_truth import Told, compare

pytestmark = pytest.mark.docs

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHOWN = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RECORDS = sorted((ROOT / "docs" / "adr").glob("*.md"))
BLOCK = re.compile(
    r"(?:<!-- (?P<rule>[a-z ]+): (?P<said>[^>]*) -->\n)?```(?P<kind>[a-z]+)\n(?P<text>.*?)```",
    re.DOTALL,
)
RULES = ("shortened", "exits", "not run", "needs", "file", "generated")
# What a block calls: this program, with the words of `shortened` after every run.
PRELUDE = f"""
set -euo pipefail
python() {{ '{sys.executable}' "$@"; }}
simtraffic() {{
  if [ "$1" = run ]; then '{sys.executable}' -m simtraffic "$@" $SHORTER
  else '{sys.executable}' -m simtraffic "$@"; fi
}}
"""


class Block(NamedTuple):
    """A fenced block and the comment beside it."""

    place: str
    kind: str
    text: str
    rule: str
    said: str


def blocks() -> list[Block]:
    """Every block of the documents."""
    return [
        Block(
            f"{path.name}:{text.count(chr(10), 0, found.start('text')) + 1}",
            found["kind"],
            found["text"],
            found["rule"] or "",
            found["said"] or "",
        )
        for path in SHOWN
        for text in [path.read_text(encoding="utf-8")]
        for found in BLOCK.finditer(text)
    ]


BLOCKS = blocks()
KEYS = scenario_reference.every_key()
RUNNING = [b for b in BLOCKS if b.kind in ("bash", "python") and b.rule != "not run"]
LASTING = ("delivery.md", "stack.md")
"""Pages whose blocks run for seconds; the README's are tried each time."""


def is_lasting(block: Block) -> bool:
    """Whether trying it takes long."""
    return block.place.partition(":")[0] in LASTING


def offline() -> dict[str, str]:
    """The environment without what would send telemetry elsewhere."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OTEL_", "COVERAGE"))
    } | {"PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize(
    "block",
    [pytest.param(each, marks=[pytest.mark.long] * is_lasting(each)) for each in RUNNING],
    ids=lambda block: block.place,
)
def test_what_is_shown_runs(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "scenarios", tmp_path / "scenarios")
    for shown in BLOCKS:
        if block.rule == "needs" and shown.rule == "file" and shown.said == block.said:
            (tmp_path / shown.said).write_text(shown.text, encoding="utf-8")
    shorter = block.said if block.rule == "shortened" else ""
    monkeypatch.chdir(tmp_path)
    for name in set(os.environ) - set(offline()):
        monkeypatch.delenv(name)

    if block.kind == "python":
        exec(compile(block.text, block.place, "exec"), {"__name__": "__main__"})
        return
    if plain := calls(block.text):
        *before, last = [call.do(shorter.split()) for call in plain]
        said = ""
        assert not any(before)
    else:
        last, said = in_shell(block.text, shorter)

    assert last == (int(block.said) if block.rule == "exits" else 0), said


def in_shell(text: str, shorter: str) -> tuple[int, str]:
    """Exit code and what was said to people."""
    done = subprocess.run(
        ["bash", "-c", PRELUDE + text],
        env=offline() | {"SHORTER": shorter},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stderr


def test_comments_beside_blocks_are_known_rules() -> None:
    assert {block.rule for block in BLOCKS} <= {"", *RULES}
    assert sum(block.rule == "not run" for block in BLOCKS) <= 1


def test_the_scenario_of_the_readme_is_good_and_seen_at_a_glance() -> None:
    (text,) = (
        block.text for block in BLOCKS if block.place.startswith("README") and block.kind == "yaml"
    )

    assert parse_scenario(text, file="README.md").thresholds
    assert text.count("\n") <= 16
    assert max(map(len, text.splitlines())) <= 90


def test_the_readme_fits_its_bound() -> None:
    assert README.count("\n") <= 180


def test_the_readme_lists_every_command_and_exit_code() -> None:
    listed = re.findall(r"^\| `simtraffic ([a-z]+)", README, re.MULTILINE)
    codes = re.findall(r"^\| (\d+) \|", README, re.MULTILINE)

    assert listed == list(_COMMANDS)
    assert [int(code) for code in codes] == sorted(int(code) for code in ExitCode)


def test_the_output_in_the_readme_is_that_of_the_scenario() -> None:
    """Times and ports differ from run to run; the counts of even arrivals do not."""
    found = readme_output.PART.search(README)
    assert found is not None
    expected = plan(load_scenario(str(ROOT / "scenarios" / "smoke.yaml")))

    sections = re.findall(r"^([A-Z][A-Za-z-]+(?: collector)?)$", found[0], re.MULTILINE)
    ledger = re.findall(
        r"^  (traces|metrics|logs) [a-z ]+?  +([\d,]+) +([\d,]+)", found[0], re.MULTILINE
    )

    assert sections == list(readme_output.KEPT)
    assert "\nPASSED smoke " in found[0]
    assert found[0].count("\n") <= 14
    assert {signal: int(count.replace(",", "")) for signal, count, _ in ledger} == {
        signal: counts.generated for signal, counts in expected.signals.items()
    }
    assert all(generated == accepted for _, generated, accepted in ledger)


def test_output_is_shortened_by_whole_sections() -> None:
    said = "first\nlive\nPASSED x\n\nLedger\n  a\n\nStages\n  b\n\nRun\n  c\n\nPASSED x: all\n"

    assert readme_output.shortened(said) == ("PASSED x\n\nLedger\n  a\n\n…\nPASSED x: all\n")


# What telemetry costs is measured by runs of each convention.
@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=[pytest.mark.long] * (path.name == "stack.md"))
        for path in documents.documents()
    ],
    ids=lambda path: path.name,
)
def test_generated_parts_are_what_the_code_says(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert documents.current(text) == text, f"docs/{path.name} is old: run make generated"


def test_every_generated_part_stands_in_a_document() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in documents.documents())

    assert {found["name"] for found in documents.PART.finditer(texts)} == set(documents.MAKERS)


class TestScenarioReference:
    def test_every_key_of_the_schema_has_an_example(self) -> None:
        assert {key.path for key in KEYS} == set(explanations())

    def test_no_property_of_any_noun_is_missing(self) -> None:
        told = {path.rpartition(".")[2] for path in explanations()}
        schema = json_schema()
        nouns = [schema, *schema["$defs"].values()]

        assert told == {name for noun in nouns for name in noun.get("properties", {})}

    @pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
    def test_examples_are_good_by_the_schema(self, key: scenario_reference.Key) -> None:
        example = YAML(typ="safe", pure=True).load(example_of(key.path))
        schema = {**key.node, "$defs": json_schema()["$defs"]}

        jsonschema.Draft202012Validator(schema).validate(example)

    @pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
    def test_every_key_has_a_type_and_a_meaning(self, key: scenario_reference.Key) -> None:
        cells = scenario_reference._row(key).replace("\\|", "").split(" | ")

        assert len(cells) == 5
        assert all(cell.strip(" |") for cell in cells)

    def test_defaults_are_those_of_a_scenario_that_says_nothing(self) -> None:
        """Writing every default down changes nothing."""
        least = {
            "version": 1,
            "name": "least",
            "load": {"stages": [{"duration": "10s", "rate": "1/s"}]},
            "traffic": [
                {
                    "name": "chat",
                    "workflow": "chat",
                    "share": 1,
                    "tokens": "chat",
                    "models": {"openai/gpt-4o": 1},
                    "conversation": {"turns": {"mean": 2}},
                }
            ],
        }
        told = json.loads(json.dumps(least))
        for key in KEYS:
            default = scenario_reference.default_of(key)
            if not default or key.path == "load.stages[].name" or "incidents" in key.path:
                continue
            value = YAML(typ="safe", pure=True).load(default)
            _put(told, key.path, value)

        text, full = (json.dumps(tree) for tree in (least, told))

        assert told != least
        assert parse_scenario(full).digest == parse_scenario(text).digest


def _put(tree: object, path: str, value: object) -> None:
    """Set the value at a path; `[]` stands for the first item."""
    *outer, last = path.replace("[]", ".[]").split(".")
    for step in outer:
        tree = tree[0] if step == "[]" else tree.setdefault(step, {})  # type: ignore[attr-defined, index]
    tree[last] = value  # type: ignore[index]


class TestRecords:
    def test_they_are_numbered_without_a_gap(self) -> None:
        assert [path.name[:5] for path in RECORDS] == [
            f"{number:04}-" for number in range(1, len(RECORDS) + 1)
        ]

    @pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
    def test_each_has_its_parts_on_one_page(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        parts = re.findall(r"^\*\*([A-Z][A-Za-z ]+)\.?\*\*", text, re.MULTILINE)

        assert text.startswith(f"# {int(path.name[:4])}. ")
        assert parts == [
            "Status",
            "Context",
            "Decision",
            "Consequences",
            "What would change our mind",
        ]
        assert len(text.split()) <= 500

    def test_every_dependency_has_its_reason(self) -> None:
        text = (ROOT / "docs" / "adr" / "0004-dependencies.md").read_text(encoding="utf-8")
        project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        named = re.findall(r'^  "([A-Za-z0-9.-]+)(?:\[[a-z]+\])?[><=]', project, re.MULTILINE)

        assert named
        assert [
            name
            for name in named
            if not re.search(rf"^\|.*\b{re.escape(name)}\b.* \|", text, re.MULTILINE)
        ] == []


def told(name: str, folder: Path) -> Told:
    """What a run of a shipped scenario writes."""
    path = folder / f"{name}.jsonl"
    scenario = load_scenario(str(ROOT / "scenarios" / f"{name}.yaml"))
    run(scenario, RunOptions(start="2026-01-01T00:00:00Z"), out=str(path))
    with path.open(encoding="utf-8") as file:
        return Told(file)


class TestOneTruth:
    @pytest.mark.parametrize(
        "name",
        [
            pytest.param("ramp", marks=pytest.mark.long),
            pytest.param("provider_outage", marks=pytest.mark.long),
            "rate_limit_storm",
        ],
    )
    def test_shipped_scenarios_tell_one_truth(self, name: str, tmp_path: Path) -> None:
        lines = compare(told(name, tmp_path))

        assert all(line.spans for line in lines)
        assert [line for line in lines if line.spans != line.other] == []

    @pytest.mark.long
    def test_what_is_missing_or_stray_is_seen(self, tmp_path: Path) -> None:
        found = told("ramp", tmp_path)
        found.spans = [span for span in found.spans if span["name"] != "chat gpt-4o-mini"]
        found.logs = []
        found.exemplars.append({"traceId": "0", "spanId": "0"})

        differ = {line.what for line in compare(found) if line.spans != line.other}

        assert differ >= {"operations", "operations, ns", "input tokens", "output tokens"}
        assert differ >= {"cost, 1e-12 USD", "failed operations", "failed, in logs", "exemplars"}

    @pytest.mark.long
    def test_another_word_for_an_error_is_seen(self, tmp_path: Path) -> None:
        found = told("provider_outage", tmp_path)
        for log in found.logs:
            for attribute in log.get("attributes", []):
                if attribute["key"] == "error.type":
                    attribute["value"]["stringValue"] = "other"

        differ = {line.what for line in compare(found) if line.spans != line.other}

        assert differ >= {"overloaded_error, logs", "other, logs"}
        assert "overloaded_error, metrics" not in differ
