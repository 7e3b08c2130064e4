"""`simtraffic show`."""

import json

import pytest
from typer.testing import CliRunner

from simtraffic.catalog import load_catalog
from simtraffic.cli.main import app


def ask(*arguments):
    return CliRunner().invoke(app, ["show", *arguments])


@pytest.mark.parametrize("what", ["catalog", "conventions", "metrics"])
def test_each_list_is_drawn_and_available_as_json(what):
    drawn, listed = ask(what), ask(what, "--json")

    assert (drawn.exit_code, listed.exit_code) == (0, 0)
    assert drawn.stdout.strip()
    assert json.loads(listed.stdout)


def test_the_catalogue_is_listed_whole_and_in_order():
    listed = json.loads(ask("catalog", "--json").stdout)

    assert [row["model"] for row in listed] == list(load_catalog().models)


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


def test_scenarios_say_what_they_show(tmp_path, monkeypatch):
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "broken.yaml").write_text("version: 2", encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    listed = json.loads(ask("scenarios", "--json").stdout)

    assert listed == [
        {
            "file": "scenarios/broken.yaml",
            "duration": "",
            "description": "invalid; simtraffic check says why",
        }
    ]


def test_scenarios_in_folders_come_after_those_to_begin_with(tmp_path, monkeypatch):
    for name in ("scenarios/b.yaml", "scenarios/alerts/a.yaml"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("version: 2", encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    listed = json.loads(ask("scenarios", "--json").stdout)

    assert [row["file"] for row in listed] == ["scenarios/b.yaml", "scenarios/alerts/a.yaml"]


def test_an_unknown_list_is_wrong_usage():
    assert ask("everything").exit_code == 2
