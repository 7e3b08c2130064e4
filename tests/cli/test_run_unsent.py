"""`simtraffic run` where it does not begin: one line, exit code 4, and a result all the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from simtraffic.cli.main import app
from simtraffic.collector import Collector
from tests.export.doors import free_port
from tests.told import RICH

BRIEF = RICH.replace("duration: 20s", "duration: 2s") + "thresholds: ['delivered == 100%']\n"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)


@pytest.fixture
def scenario(tmp_path):
    path = tmp_path / "rich.yaml"
    path.write_text(BRIEF)
    return str(path)


@pytest.fixture
def nowhere():
    return f"http://127.0.0.1:{free_port()}"


def ask(*arguments):
    return CliRunner().invoke(app, ["run", *map(str, arguments)])


def test_one_line_says_what_is_wrong_and_what_to_do(scenario, nowhere):
    done = ask(scenario, "--endpoint", nowhere)

    assert (done.exit_code, done.stdout) == (4, "")
    assert done.stderr == (
        f"FAILED rich, nothing was sent: nothing answers at {nowhere}: connection refused;"
        " is a collector running there? --wait-for-endpoint 30s waits for it\n"
    )


def test_the_result_is_written_and_balances(scenario, nowhere, tmp_path):
    kept = tmp_path / "result.json"

    done = ask(scenario, "--endpoint", nowhere, "--result", kept, "--json", "--quiet")

    result = json.loads(kept.read_text())
    assert done.exit_code == 4
    assert json.loads(done.stdout) == result
    assert (result["verdict"], result["exit_code"], result["endpoint"]) == ("failed", 4, nowhere)
    assert result["schedule"]["planned"] == result["schedule"]["skipped"] > 0
    assert [nowhere in reason for reason in result["reasons"]] == [True]
    assert result["thresholds"] == []


def test_quiet_still_says_why(scenario, nowhere):
    done = ask(scenario, "--endpoint", nowhere, "--quiet")

    assert len(done.stderr.splitlines()) == 1
    assert f"nothing answers at {nowhere}" in done.stderr


def test_several_scenarios_are_each_told_and_the_worst_code_wins(scenario, nowhere):
    done = ask(scenario, scenario, "--endpoint", nowhere)

    assert done.exit_code == 4
    assert len(done.stderr.splitlines()) == 2


def test_a_wrong_protocol_is_one_line_too(scenario):
    with Collector() as collector:
        done = ask(scenario, "--endpoint", collector.http_endpoint)

    assert done.exit_code == 4
    assert len(done.stderr.splitlines()) == 1
    assert "use --protocol http/protobuf" in done.stderr


@pytest.mark.parametrize("wait", ["soon", "-1s"])
def test_a_wait_that_is_none_is_wrong_usage(scenario, nowhere, wait):
    done = ask(scenario, "--endpoint", nowhere, "--wait-for-endpoint", wait)

    assert done.exit_code == 2
    assert "--wait-for-endpoint: " in done.stderr


def test_over_http_insecure_fills_in_the_scheme(scenario):
    with Collector() as collector:
        place = collector.http_endpoint.removeprefix("http://")
        options = ("--insecure", "--protocol", "http/protobuf", "--speed", "max")
        done = ask(scenario, "--endpoint", place, *options)

    assert done.exit_code == 0
    assert f"OTLP/HTTP to http://{place}" in done.stderr


def test_an_interrupt_ends_the_wait_and_is_told(scenario, nowhere):
    """In a process of its own, as a signal is for all of it."""
    asked = ["run", scenario, "--endpoint", nowhere, "--wait-for-endpoint", "10m"]
    with subprocess.Popen(
        [sys.executable, "-m", "simtraffic", *asked], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("waiting up to 10m: nothing answers at ")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)

    assert process.returncode == 130
    assert said.splitlines()[-1].startswith("INTERRUPTED rich, nothing was sent: interrupted")


def test_a_variable_that_is_not_heeded_is_named_once_for_several_scenarios(
    scenario, tmp_path, monkeypatch
):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_RETRIES", "3")
    other = tmp_path / "other.yaml"
    other.write_text(BRIEF.replace("name: rich", "name: other"))

    done = ask(scenario, other, "--out", tmp_path / "{name}.jsonl")

    assert done.exit_code == 0
    assert done.stderr.count("OTEL_EXPORTER_OTLP_RETRIES: not supported, skipped") == 1
