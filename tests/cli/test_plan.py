"""`simtraffic plan`."""

import json
from importlib import import_module

import pytest
from typer.testing import CliRunner

from simtraffic.cli.main import app
from tests.result.results import a_plan


@pytest.fixture
def planned(monkeypatch):
    """What the command asked the library for; the answer is a plan made by hand."""
    asked = []

    def plan(scenario, **options):
        asked.append((scenario, options))
        return a_plan()

    monkeypatch.setattr(import_module("simtraffic.runner"), "plan", plan)
    return asked


def ask(*arguments):
    return CliRunner().invoke(app, ["plan", *arguments])


def test_a_plan_is_drawn_on_standard_output(planned):
    done = ask("scenarios/smoke.yaml")

    assert done.exit_code == 0
    assert "200/s ┤" in done.stdout
    assert done.stderr == ""


def test_a_plan_is_available_as_json(planned):
    data = json.loads(ask("scenarios/smoke.yaml", "--json").stdout)

    assert data["schedule"]["planned"] == 11_590
    assert data["signals"]["traces"]["bytes"] == 23_400_000
    assert data["curve"][0] == {"seconds": 0.0, "rate": 1.0}


def test_options_change_what_is_planned(planned):
    ask("scenarios/smoke.yaml", "--seed", "9", "--duration", "1m", "--shard", "2/8")

    ((scenario, options),) = planned
    assert scenario.seed == 9
    assert options == {"duration_ns": 60_000_000_000, "shard": "2/8"}
