"""A wrong data file of the catalogue is a fault with its place, not a bug, not passed over."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from typer.testing import CliRunner

from simtraffic.catalog import load_catalog
from simtraffic.catalog.read import read_catalog
from simtraffic.cli.main import app
from simtraffic.conventions.context import known_statuses
from simtraffic.errors import ExitCode, FaultsError
from simtraffic.runner.emission import emitter_of

DATA = Path(str(resources.files("simtraffic.catalog"))) / "data"
ACME = """\
server: {address: api.acme.test, port: 443, overloaded_status: 520}
paths: {chat: /v1/chat, completion: /v1/complete, embeddings: /v1/embed}
models:
  anvil-1: {tier: mid, context_window: 128000, max_output: 8192, price: ["1", "0.5", "4"]}
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A copy of the data files, with a provider of our own."""
    copy = tmp_path / "data"
    shutil.copytree(DATA, copy)
    (copy / "providers" / "acme.yaml").write_text(ACME)
    return copy


@pytest.fixture
def few(data: Path) -> Path:
    """The same with two providers, which is quicker to read."""
    for file in (data / "providers").iterdir():
        if file.name not in ("acme.yaml", "xai.yaml"):
            file.unlink()
    return data


@pytest.fixture
def as_shipped(data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The same, in the place of the files that ship."""
    monkeypatch.setattr(resources, "files", lambda _package: data.parent)
    for cached in (load_catalog, known_statuses):
        cached.cache_clear()
    yield data
    monkeypatch.undo()
    for cached in (load_catalog, known_statuses):
        cached.cache_clear()


def faults_of(data: Path) -> list[str]:
    with pytest.raises(FaultsError) as caught:
        read_catalog(data)
    return [re.sub(r"^.*/data/", "", str(fault)) for fault in caught.value.faults]


def test_providers_are_what_the_folder_holds(data: Path) -> None:
    """Those with a rank keep their order, others come after them."""
    shipped = list(load_catalog().providers)

    catalog = read_catalog(data)

    assert {path.stem for path in (DATA / "providers").iterdir()} == set(shipped)
    assert shipped[:8] == [
        *("openai", "anthropic", "google", "mistral", "deepseek", "cohere", "xai", "groq")
    ]
    assert list(catalog.providers) == [*shipped[:8], *sorted(["acme", *shipped[8:]])]
    assert "acme/anvil-1" in catalog.models
    (data / "providers" / "acme.yaml").unlink()
    (data / "providers" / "xai.yaml").unlink()
    assert list(read_catalog(data).providers) == [name for name in shipped if name != "xai"]


def test_the_order_is_that_of_ranks_then_of_names(data: Path) -> None:
    (data / "providers" / "aaa.yaml").write_text(ACME)
    (data / "providers" / "zzz.yaml").write_text("rank: 1\n" + ACME)

    found = list(read_catalog(data).providers)

    assert found[:3] == ["openai", "zzz", "anthropic"]
    assert found[9:11] == ["aaa", "acme"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (", overloaded_status: 520", "",
         ":1:9 server.overloaded_status: a required key is missing;"
         " found a mapping of address, port; add overloaded_status"),
        ("520", "700", ":1:64 server.overloaded_status: must be from 400 to 599; found 700"),
        ("520", "200", "must be from 400 to 599; found 200"),
        ("520", "'503'", "not a whole number; found \"503\"; write a number from 400 to 599"),
        ("520", "true", "found true"),
        ("port: 443", "port: 70000", ":1:40 server.port: must be from 1 to 65535; found 70000"),
        ("api.acme.test", "'https://api.acme.test'", "server.address: not a host name"),
        ("api.acme.test", "''", "server.address: not a host name; found \"\""),
        ("server:", "sever:", ":1:1 sever: unknown key; found \"sever\"; did you mean server?"),
        ("server:", "sail:", ":1:1 server: a required key is missing"),
        (", embeddings: /v1/embed", "", ":2:8 paths.embeddings: a required key is missing"),
        ("/v1/complete", "v1/complete", "paths.completion: not a path; found \"v1/complete\""),
        ("/v1/complete", "'/v1/{modal}'", "it may hold {model}"),
        ("tier: mid", "tier: middle",
         ':4:19 models.anvil-1.tier: unknown value; found "middle"; did you mean mid?'),
        ("tier: mid, ", "", ":4:12 models.anvil-1.tier: a required key is missing"),
        ("max_output: 8192", "max_output: 0", "a model of this tier writes something"),
        ("max_output: 8192", "max_output: 128000", "not below context_window"),
        ("128000", "-1", "models.anvil-1.context_window: must be from 1"),
        ('"1"', "1", "price[0]: a price without quotes; found 1"),
        ('"1"', '"one"', "price[0]: not a price; found \"one\""),
        ('"1"', '"NaN"', "price[0]: price out of range; found \"NaN\""),
        ('"1"', '"-1"', "price[0]: price out of range"),
        ('"1"', '"0.1234567"', "six digits after the point at most"),
        ('"0.5"', '"2"', "cached input costs more than other input"),
        ('["1", "0.5", "4"]', '["1", "4"]', "not three prices; found a list of 2"),
        ("tier: mid", "tier: mid, capacity: 0", "capacity: must be more than 0"),
        ("tier: mid", "tier: mid, network_ms: fast", "network_ms: not a number"),
        ("tier: mid", "tier: mid, network_ms: .inf", "network_ms: not a finite number"),
        ("tier: mid", "tier: mid, reasoning_share: 1",
         "not a share; found 1; write a number from 0 to less than 1"),
        ("tier: mid", "tier: mid, speed: 3", ":4:24 models.anvil-1.speed: unknown key"),
        ("anvil-1", "4", ":4:3 models: a key must be text; found 4; quote it"),
        ("  anvil-1", '  "anvil 1"',
         'models[anvil 1]: not a name; found "anvil 1"; leave blanks out'),
        ("  anvil-1", "\tanvil-1", ":4:1: a tab; "),
        ("models:\n", "models:\n  anvil-1: {}\n",
         ":5:3 models.anvil-1: duplicate key; first on line 4; remove one"),
        ("models:\n", "models: []\nmore:\n", "models: must be a mapping of names to models"),
        (ACME, "", ":1:1: the file is empty; write keys with values"),
        (ACME, "- a", ":1:1: not a mapping; found a list; write keys with values"),
        (ACME, "server: [a\nb: c\n", ":1:9: a bracket that is never closed"),
        (ACME, "\x00", ":1:1: a character that YAML forbids"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place(few: Path, old: str, new: str, told: str) -> None:
    assert old in ACME
    file = few / "providers" / "acme.yaml"
    file.write_text(ACME.replace(old, new, 1))

    found = faults_of(few)

    assert all(fault.startswith("providers/acme.yaml") for fault in found)
    assert any(told in fault for fault in found), found


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("tiers.yaml", "network_ms: 180, ", "",
         "accelerated.network_ms: a required key is missing"),
        ("tiers.yaml", "capacity: 20000", "capacity: many", "accelerated.capacity: not a number"),
        ("profiles.yaml", "[0.722,", "[0.9,", "conversation.output: the weights do not add up"),
        ("profiles.yaml", "[[1, 6.633, 0.985]]", "[]", "conversation.input: must not be empty"),
        ("profiles.yaml", "[1, 6.633, 0.985]", "[1, 6.633]",
         "conversation.input[0]: not a lognormal"),
        ("profiles.yaml", "tool_call: 0.015", "tool_calls: 0.015", "did you mean tool_call?"),
        ("profiles.yaml", "tool_call: 0.015", "tool_call: 0.999", "no answer ends by itself"),
        ("profiles.yaml", "  input:", "  inputs:", "conversation.inputs: unknown key"),
    ],
)  # fmt: skip
def test_tiers_and_profiles_are_checked_too(
    few: Path, file: str, old: str, new: str, told: str
) -> None:
    text = (few / file).read_text()
    assert old in text
    (few / file).write_text(text.replace(old, new, 1))

    assert any(re.match(rf"{file}:\d+:\d+ ", f) and told in f for f in faults_of(few))


def test_a_file_that_would_be_passed_over_is_a_fault(data: Path) -> None:
    (data / "providers" / "acme.yaml").rename(data / "providers" / "acme.yml")
    (data / "providers" / "README.md").write_text("no provider")

    assert faults_of(data) == [
        "providers/acme.yml: no name of a provider's file; "
        "use small letters, digits, - and _, and .yaml"
    ]


def test_all_faults_of_all_files_are_told_at_once(data: Path) -> None:
    wrong = ACME.replace("port: 443, ", "").replace("520", "1")
    (data / "providers" / "acme.yaml").write_text(wrong)
    tiers = (data / "tiers.yaml").read_text()
    (data / "tiers.yaml").write_text(tiers.replace("network_ms: 180", "network_ms: x"))

    assert [fault.partition(":")[0] for fault in faults_of(data)] == [
        *("providers/acme.yaml", "providers/acme.yaml", "tiers.yaml")
    ]


@pytest.mark.parametrize("command", [["schema"], ["show", "catalog"], ["check", "SCENARIO"]])
def test_a_command_ends_with_3_and_one_line(
    as_shipped: Path, tmp_path: Path, command: list[str]
) -> None:
    (as_shipped / "providers" / "acme.yaml").write_text(ACME.replace("520", "5"))
    scenario = tmp_path / "one.yaml"
    scenario.write_text(
        "version: 1\nname: one\nload: {stages: [{duration: 1s, rate: 1/s}]}\n"
        "traffic: [{name: a, workflow: chat, share: 1, models: {openai/gpt-4o: 1}}]\n"
    )

    done = CliRunner().invoke(app, [str(scenario) if c == "SCENARIO" else c for c in command])

    assert done.exit_code == ExitCode.INVALID
    assert done.stdout == ""
    assert "acme.yaml:1:64 server.overloaded_status: must be from 400 to 599" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_new_provider_with_a_status_of_its_own_is_told_with_it(as_shipped: Path) -> None:
    """520 is no status that any shipped provider or error kind has."""
    from tests.conventions.test_statuses import SCENARIO
    from tests.told import merged, setup, spans_of

    assert as_shipped.exists()
    text = SCENARIO.replace("MODELS", "acme/anvil-1: 1").replace("KIND", "overloaded")
    run = setup(text.replace("CONVENTIONS", "gen_ai, llm"))
    telemetry = emitter_of(run)
    frames = telemetry.frames(run.simulator.simulate_blocks(run.blocks()))

    spans = spans_of(merged(telemetry.records(frames), "traces"))

    told = {
        a.value.int_value
        for span in spans
        if span.name == "POST"
        for a in span.attributes
        if a.key == "http.response.status_code"
    }
    assert told == {520}
