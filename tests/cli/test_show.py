"""`simtraffic show`."""

import json

import pytest
from typer.testing import CliRunner

from simtraffic.catalog import load_catalog
from simtraffic.cli.main import app
from simtraffic.shipped import folder, shipped_scenarios


def ask(*arguments):
    return CliRunner().invoke(app, ["show", *arguments])


@pytest.mark.parametrize("what", ["catalog", "profiles", "conventions", "metrics"])
def test_each_list_is_drawn_and_available_as_json(what):
    drawn, listed = ask(what), ask(what, "--json")

    assert (drawn.exit_code, listed.exit_code) == (0, 0)
    assert drawn.stdout.strip()
    assert json.loads(listed.stdout)


def test_the_catalogue_is_listed_whole_and_in_order():
    listed = json.loads(ask("catalog", "--json").stdout)

    assert [row["model"] for row in listed] == list(load_catalog().models)


def test_profiles_have_the_quantiles_that_they_are_drawn_from():
    listed = {row["profile"]: row for row in json.loads(ask("profiles", "--json").stdout)}

    assert set(listed) == set(load_catalog().profiles)
    chat = listed["chat"]
    assert (chat["input_tokens_p50"], chat["output_tokens_p50"]) == (220, 148)
    assert all(row["input_tokens_p50"] < row["input_tokens_p95"] for row in listed.values())
    assert listed["embeddings"]["output_tokens_p95"] == 0


def test_piped_lists_are_not_wrapped():
    """A name that grep looks for must be on one line."""
    output = ask("catalog").stdout

    for name in load_catalog().models:
        assert name in output


def test_metrics_name_every_series_with_its_prometheus_name():
    listed = json.loads(ask("metrics", "--convention", "gen_ai", "--json").stdout)

    names = {row["metric"]: row["prometheus"] for row in listed}
    assert names["gen_ai.client.operation.duration"] == "gen_ai_client_operation_duration_seconds"
    assert {row["convention"] for row in listed} == {"gen_ai", "http"}


def scenarios_by_name():
    return {row["name"]: row for row in json.loads(ask("scenarios", "--json").stdout)}


def write_here(folder, name):
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("version: 2", encoding="utf-8")


def test_scenarios_that_come_along_are_listed_in_any_folder_by_the_name_that_run_takes(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)

    listed = scenarios_by_name()

    assert list(listed) == list(shipped_scenarios())
    assert listed["smoke"]["duration"] == "5s"
    assert not any("invalid" in row["description"] for row in listed.values())
    assert all(row["description"] for row in listed.values())


def test_scenarios_of_a_checkout_are_listed_once(monkeypatch):
    monkeypatch.chdir(folder("scenarios").parent)

    assert list(scenarios_by_name()) == list(shipped_scenarios())


def test_scenarios_here_come_first_and_those_in_folders_after_those_to_begin_with(
    tmp_path, monkeypatch
):
    for name in ("scenarios/b.yaml", "scenarios/alerts/a.yaml"):
        write_here(tmp_path, name)
    monkeypatch.chdir(tmp_path)

    listed = scenarios_by_name()

    assert list(listed)[:3] == ["scenarios/b.yaml", "scenarios/alerts/a.yaml", "demo"]
    assert listed["scenarios/b.yaml"] == {
        "name": "scenarios/b.yaml",
        "file": "scenarios/b.yaml",
        "duration": "",
        "description": "invalid; simtraffic check says why",
    }


@pytest.mark.parametrize("columns", [60, 80, 110])
def test_names_of_scenarios_never_break(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))

    first = [line.split(" ")[0] for line in ask("scenarios").stdout.splitlines()]

    assert [word for word in first if word][1:] == list(shipped_scenarios())


def test_an_unknown_list_is_wrong_usage():
    assert ask("everything").exit_code == 2
