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
from simtraffic.errors import CatalogError, ExitCode
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
    with pytest.raises(CatalogError) as caught:
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
         ":1:1 server: the key 'overloaded_status' is missing; add overloaded_status: ..."),
        ("520", "700", ":1:45 server.overloaded_status: a whole number from 400 to 599 is wanted;"
         " found 700"),
        ("520", "200", "a whole number from 400 to 599 is wanted; found 200"),
        ("520", "'503'", "a whole number from 400 to 599 is wanted; found '503'"),
        ("520", "true", "found true"),
        ("port: 443", "port: 70000", " server.port: a whole number from 1 to 65535 is wanted"),
        ("api.acme.test", "'https://api.acme.test'", "server.address: a host name is wanted"),
        ("api.acme.test", "''", "server.address: a text is wanted; found ''"),
        ("server:", "sever:", ":1:1 sever: unknown key; found 'sever'; did you mean 'server'?"),
        ("server:", "sever:", ":1:1: the key 'server' is missing"),
        (", embeddings: /v1/embed", "", ":2:1 paths: the key 'embeddings' is missing"),
        ("/v1/complete", "v1/complete", "paths.completion: a path is wanted; found 'v1/complete'"),
        ("/v1/complete", "'/v1/{modal}'", "it may hold {model}"),
        ("tier: mid", "tier: middle", ":4:13 models.anvil-1.tier: an unknown word; found 'middle'"),
        ("tier: mid, ", "", ":4:3 models.anvil-1: the key 'tier' is missing"),
        ("max_output: 8192", "max_output: 0", "a model of this tier writes something"),
        ("max_output: 8192", "max_output: 128000", "not below context_window"),
        ("128000", "-1", "models.anvil-1.context_window: a whole number from 1"),
        ('"1"', "1", "price[0]: a price in quotes is wanted; found 1"),
        ('"1"', '"one"', "price[0]: a price is wanted; found 'one'"),
        ('"1"', '"NaN"', "price[0]: a price from 0 on is wanted; found 'NaN'"),
        ('"1"', '"-1"', "price[0]: a price from 0 on is wanted"),
        ('"1"', '"0.1234567"', "six digits after the point at most"),
        ('"0.5"', '"2"', "cached input costs more than other input"),
        ('["1", "0.5", "4"]', '["1", "4"]', "three prices are wanted; found a list of 2"),
        ("tier: mid", "tier: mid, capacity: 0", "capacity: a finite number above 0 is wanted"),
        ("tier: mid", "tier: mid, network_ms: fast", "network_ms: a number is wanted"),
        ("tier: mid", "tier: mid, network_ms: .inf", "network_ms: a finite number above 0"),
        ("tier: mid", "tier: mid, reasoning_share: 1", "a share from 0 to less than 1 is wanted"),
        ("tier: mid", "tier: mid, speed: 3", ":4:24 models.anvil-1.speed: unknown key"),
        ("anvil-1", "4", "models.4: a name without blanks is wanted; found 4; put it in quotes"),
        ("  anvil-1", "\tanvil-1", ":4:1: a tab; YAML wants spaces"),
        ("models:\n", "models:\n  anvil-1: {}\n",
         ":5:3: the key 'anvil-1' stands here twice; keep one of them"),
        ("models:\n", "models: []\nmore:\n", "models: a mapping of names to models is wanted"),
        (ACME, "", "acme.yaml:0"),
        (ACME, "- a", ":1:1: a mapping is wanted; found a list of 1"),
        (ACME, "server: {", "not YAML"),
        (ACME, "\x00", "not YAML"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place(few: Path, old: str, new: str, told: str) -> None:
    assert old in ACME
    file = few / "providers" / "acme.yaml"
    file.write_text(ACME.replace(old, new, 1))

    found = faults_of(few)

    told = told.replace("acme.yaml:0", "acme.yaml: a mapping is wanted")
    assert all(fault.startswith("providers/acme.yaml") for fault in found)
    assert any(told in fault for fault in found), found


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("tiers.yaml", "network_ms: 180, ", "",
         "accelerated: the key 'network_ms' is missing; add network_ms: ..."),
        ("tiers.yaml", "capacity: 20000", "capacity: many", "accelerated.capacity: a number"),
        ("profiles.yaml", "[0.722,", "[0.9,", "conversation.output: the weights do not add up"),
        ("profiles.yaml", "[[1, 6.633, 0.985]]", "[]", "conversation.input: at least one"),
        ("profiles.yaml", "[1, 6.633, 0.985]", "[1, 6.633]", "conversation.input[0]: [weight"),
        ("profiles.yaml", "tool_call: 0.015", "tool_calls: 0.015", "did you mean 'tool_call'?"),
        ("profiles.yaml", "tool_call: 0.015", "tool_call: 0.999", "no answer ends by itself"),
        ("profiles.yaml", "  input:", "  inputs:", "conversation: the key 'input' is missing"),
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
    assert "acme.yaml:1:45 server.overloaded_status: a whole number" in done.stderr
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
