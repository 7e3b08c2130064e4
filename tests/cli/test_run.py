"""`simtraffic run`, into files: what it writes where, and how it ends."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from simtraffic.cli.main import app
from simtraffic.result.result import RunResult

SCENARIO = """\
version: 1
name: {name}
load:
  arrivals: even
  stages: [{{name: hold, duration: 2s, rate: 5/s}}]
traffic:
  - name: chat
    workflow: chat
    share: 1
    tokens: chat
    models: {{openai/gpt-4o-mini: 1}}
thresholds: [{threshold}]
"""


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)


@pytest.fixture
def scenario(tmp_path):
    return write(tmp_path)


def write(folder, name="short", threshold="requests == 10"):
    path = folder / f"{name}.yaml"
    path.write_text(SCENARIO.format(name=name, threshold=threshold), encoding="utf-8")
    return str(path)


def ask(*arguments):
    return CliRunner().invoke(app, ["run", *map(str, arguments)])


def test_a_run_into_a_file_passes_and_writes_file_and_result(scenario, tmp_path):
    out, kept = tmp_path / "out.jsonl", tmp_path / "result.json"

    done = ask(scenario, "--out", out, "--result", kept)

    assert done.exit_code == 0, done.stderr
    result = RunResult.from_dict(json.loads(kept.read_text(encoding="utf-8")))
    assert (result.passed, result.schedule.generated) == (True, 10)
    assert all(json.loads(line) for line in out.read_text(encoding="utf-8").splitlines())


def test_the_first_line_says_where_the_telemetry_goes(scenario, tmp_path):
    out = tmp_path / "out.jsonl"

    first = ask(scenario, "--out", out).stderr.splitlines()[0]

    assert str(out) in first


def test_people_read_standard_error_alone(scenario, tmp_path):
    done = ask(scenario, "--out", tmp_path / "out.jsonl")

    assert done.stdout == ""
    assert "PASSED short" in done.stderr


def test_json_is_one_line_on_standard_output(scenario, tmp_path):
    done = ask(scenario, "--out", tmp_path / "out.jsonl", "--json", "--quiet")

    assert json.loads(done.stdout)["scenario"] == "short"
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_a_quiet_run_that_does_not_pass_says_why(tmp_path):
    done = ask(write(tmp_path, threshold="requests > 100"), "--out", tmp_path / "o", "--quiet")

    assert done.exit_code == 5
    assert done.stderr == "short: failed; threshold not met: requests > 100; found 10\n"


def test_the_worst_exit_code_of_several_wins_and_each_has_its_file(tmp_path):
    paths = [write(tmp_path, "bad", "requests > 100"), write(tmp_path, "good")]

    done = ask(*paths, "--out", tmp_path / "{name}.jsonl", "--result", tmp_path / "{name}.json")

    assert done.exit_code == 5
    verdicts = [
        json.loads((tmp_path / f"{name}.json").read_text())["verdict"] for name in ("bad", "good")
    ]
    assert verdicts == ["failed", "passed"]
    assert (tmp_path / "good.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--drain", "soon"], "--drain: not a duration; found 'soon'"),
        (["--duration", "5"], "--duration: duration without a unit"),
        (["--timeout", "x"], "--timeout"),
        (["--queue-bytes", "64"], "--queue-bytes: size without a unit"),
        (["--out", "/no/such/folder/out"], "--out: cannot be written, its directory"),
        (["--out", "/"], "--out: cannot be written, is a directory"),
        (["--result", "/no/such/folder/r"], "--result: cannot be written"),
        (["--out", "-", "--json"], "--json: standard output cannot hold both"),
        (["--signals", "spans"], "--signals"),
        (["--scale", "0"], "--scale"),
        (["--speed", "fast", "--out", "/dev/null"], "--speed"),
        (["--start", "yesterday", "--out", "/dev/null"], "--start"),
        (["--shard", "9/8", "--out", "/dev/null"], "shard"),
        (["--endpoint", "ftp://x"], "--endpoint"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_told_before_the_first_byte(scenario, arguments, words):
    done = ask(scenario, *arguments)

    assert (done.exit_code, done.stdout) == (2, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_one_file_for_several_scenarios_is_refused(tmp_path):
    paths = [write(tmp_path, "a"), write(tmp_path, "b")]

    done = ask(*paths, "--out", tmp_path / "out")

    assert done.exit_code == 2
    assert "{name}" in done.stderr


def test_faults_of_all_scenarios_are_told_before_any_runs(tmp_path):
    bad = [write(tmp_path, name, threshold="nonsense") for name in ("a", "b")]

    done = ask(write(tmp_path, "good"), *bad, "--out", tmp_path / "{name}.jsonl")

    assert done.exit_code == 3
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == bad
    assert not (tmp_path / "good.jsonl").exists()


def test_a_missing_scenario_is_wrong_usage(tmp_path):
    assert ask(tmp_path / "none.yaml").exit_code == 2


def test_telemetry_on_standard_output_is_nothing_but_telemetry(scenario):
    done = subprocess.run(
        [sys.executable, "-m", "simtraffic", "run", scenario, "--out", "-"],
        capture_output=True,
        text=True,
        check=True,
    )

    keys = {next(iter(json.loads(line))) for line in done.stdout.splitlines()}
    assert keys == {"resourceSpans", "resourceMetrics"}, "gen_ai logs failures alone"
    assert "PASSED" in done.stderr


def test_an_interrupted_run_still_prints_its_ledger_and_writes_its_result(tmp_path):
    """Interrupted as soon as the first line says that it is under way."""
    kept = tmp_path / "result.json"
    path = write(tmp_path)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "simtraffic", "run", path, "--duration", "10m"),
            *("--out", str(tmp_path / "out"), "--speed", "real", "--result", str(kept)),
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    first = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    process.stderr.close()

    assert process.wait() == 130, first
    result = RunResult.from_dict(json.loads(kept.read_text(encoding="utf-8")))
    schedule = result.schedule
    assert result.verdict == "interrupted"
    assert schedule.planned == schedule.generated + schedule.skipped
    assert "INTERRUPTED short" in rest
    assert "Ledger" in rest


@pytest.mark.long
def test_a_second_signal_leaves_at_once_with_the_balance_so_far(tmp_path):
    """The receiver never answers, so that the drain would last."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "simtraffic", "run", write(tmp_path), "--duration", "10m"),
                *("--endpoint", f"http://127.0.0.1:{port}"),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2):
            # The second says that nothing answers: by then something waits to be delivered.
            process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        stopping = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        process.stderr.close()

    assert process.wait() == 130
    assert stopping.startswith("stopping")
    assert "left at once" in rest
    assert "traces" in rest


@pytest.mark.parametrize("redirect", ["2>/dev/full", "2>&-", "2>&1 | true"])
def test_a_standard_error_that_is_lost_costs_nothing_else(tmp_path, redirect):
    kept = tmp_path / "result.json"
    command = [sys.executable, "-m", "simtraffic", "run", write(tmp_path)]
    command += ["--out", str(tmp_path / "out"), "--result", str(kept)]
    line = f"{shlex.join(command)} {redirect}; exit ${{PIPESTATUS[0]}}"

    done = subprocess.run(["bash", "-c", line], check=False, capture_output=True)

    assert done.returncode == 0
    assert RunResult.from_dict(json.loads(kept.read_text(encoding="utf-8"))).passed


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--out", "{scenario}"], "the file is a scenario already"),
        (["--out", "same.json", "--result", "same.json"], "the file is --out of"),
        (["--result", ""], "the value is empty"),
    ],
    ids=["scenario", "both", "empty"],
)
def test_no_file_overwrites_another(tmp_path, monkeypatch, arguments, told):
    from tests.told import RICH

    monkeypatch.chdir(tmp_path)
    path = tmp_path / "rich.yaml"
    path.write_text(RICH)
    asked = [argument.replace("{scenario}", str(path)) for argument in arguments]

    done = CliRunner().invoke(app, ["run", str(path), "--start", "2026-01-01T00:00:00Z", *asked])

    assert done.exit_code != 0
    assert told in (done.output + str(done.exception))
    assert path.read_text() == RICH


def test_a_convention_that_is_wrong_costs_no_file_that_was_there(scenario, tmp_path):
    out, convention = tmp_path / "out.jsonl", tmp_path / "mine.yaml"
    out.write_text("precious")
    convention.write_text("")

    done = ask(scenario, "--convention", convention, "--out", out)

    assert done.exit_code == 3
    assert "the file is empty; start with convention: NAME" in done.stderr
    assert out.read_text() == "precious"
