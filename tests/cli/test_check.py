"""The commands check, init and schema."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from simtraffic.cli.main import app

ROOT = Path(__file__).parents[2]

GOOD = """\
version: 1
name: good
load: {stages: [{duration: 90s, rate: 5/s}]}
traffic:
  - {name: a, workflow: chat, share: 1, tokens: conversation, models: {openai/gpt-4o: 1}}
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a command in an empty directory that holds a good and a bad file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(GOOD.replace("90s", "90").replace("5/s", "5"))
    return lambda *arguments: CliRunner().invoke(app, arguments)


class TestCheck:
    def test_a_good_file_is_a_line_of_data(self, run):
        result = run("check", "good.yaml")

        assert result.stdout == "good.yaml: ok, 1 stage, 1m30s, 1 flow\n"
        assert (result.stderr, result.exit_code) == ("", 0)

    def test_a_bad_file_is_a_line_for_each_fault(self, run):
        result = run("check", "bad.yaml", "good.yaml")

        assert result.stderr.splitlines() == [
            "bad.yaml:3:28 load.stages[0].duration: duration without a unit; found 90;"
            " write 90s or 90ms",
            "bad.yaml:3:38 load.stages[0].rate: rate without a unit; found 5; write 5/s",
        ]
        assert result.stdout == "good.yaml: ok, 1 stage, 1m30s, 1 flow\n"
        assert result.exit_code == 3

    def test_quiet_says_nothing_about_good_files(self, run):
        result = run("check", "--quiet", "good.yaml")

        assert (result.stdout, result.stderr, result.exit_code) == ("", "", 0)

    def test_json_lists_faults(self, run):
        result = run("check", "--json", "good.yaml", "bad.yaml")

        first, _ = json.loads(result.stdout)
        assert first == {
            "file": "bad.yaml",
            "line": 3,
            "column": 28,
            "path": "load.stages[0].duration",
            "problem": "duration without a unit",
            "found": "found 90",
            "hint": "write 90s or 90ms",
        }
        assert (result.stderr, result.exit_code) == ("", 3)

    def test_json_of_good_files_is_an_empty_list(self, run):
        result = run("check", "--json", "good.yaml")

        assert (json.loads(result.stdout), result.exit_code) == ([], 0)

    def test_a_file_that_cannot_be_read_is_wrong_usage_and_the_others_are_checked(self, run):
        result = run("check", "nope.yaml", "bad.yaml", "good.yaml")

        assert result.exit_code == 2
        assert "simtraffic: nope.yaml: cannot be read; no such file or directory" in result.stderr
        assert "bad.yaml:3:28" in result.stderr
        assert "good.yaml: ok" in result.stdout

    def test_the_environment_fills_in_references(self, run, monkeypatch, tmp_path):
        (tmp_path / "env.yaml").write_text(GOOD.replace("90s", "'${TIME}'"))
        monkeypatch.setenv("TIME", "5s")

        assert run("check", "env.yaml").stdout == "env.yaml: ok, 1 stage, 5s, 1 flow\n"


class TestWhatIsNamed:
    def test_standard_input_is_a_scenario_of_its_own(self, run):
        result = CliRunner().invoke(app, ["check", "-"], input=GOOD)

        assert (result.stdout, result.exit_code) == ("<stdin>: ok, 1 stage, 1m30s, 1 flow\n", 0)

    def test_faults_of_standard_input_are_told_by_line(self, run):
        result = CliRunner().invoke(app, ["check", "-"], input=GOOD.replace("90s", "90"))

        assert result.stderr.startswith("<stdin>:3:28 load.stages[0].duration: ")
        assert result.exit_code == 3

    def test_a_folder_stands_for_the_files_in_it_and_below(self, run, tmp_path):
        (tmp_path / "more").mkdir()
        (tmp_path / "more" / "other.yml").write_text(GOOD)
        (tmp_path / "notes.txt").write_text("no scenario")

        result = run("check", ".")

        assert result.stdout.splitlines() == [
            "./good.yaml: ok, 1 stage, 1m30s, 1 flow",
            "./more/other.yml: ok, 1 stage, 1m30s, 1 flow",
        ]
        assert "bad.yaml:3:28" in result.stderr
        assert result.exit_code == 3

    def test_a_folder_without_a_scenario_is_wrong_usage(self, run, tmp_path):
        (tmp_path / "empty").mkdir()

        result = run("check", "empty")

        assert result.exit_code == 2
        assert "empty: no scenario in this folder" in result.stderr

    def test_a_convention_is_judged_as_one(self, run, tmp_path):
        good = "convention: mine\nversion: '1'\nspans: {}\n"
        (tmp_path / "mine.yaml").write_text(good)
        (tmp_path / "broken.yaml").write_text(good.replace("spans", "span"))

        result = run("check", "mine.yaml", "broken.yaml")

        assert result.stdout == "mine.yaml: ok, convention\n"
        assert "broken.yaml:3:1 span: unknown key" in result.stderr
        assert result.exit_code == 3

    def test_faults_of_a_scenario_do_not_hide_those_of_its_convention(self, run, tmp_path):
        (tmp_path / "own.yaml").write_text("convention: own\nversion: '1'\nspan: {}\n")
        text = GOOD.replace("90s", "90") + "telemetry: {conventions: [./own.yaml]}\n"
        (tmp_path / "both.yaml").write_text(text)

        stderr = run("check", "both.yaml").stderr

        assert "both.yaml:3:28 load.stages[0].duration" in stderr
        assert "own.yaml:3:1 span: unknown key" in stderr

    @pytest.mark.parametrize("command", ["check", "plan"])
    def test_a_scenario_that_ships_is_found_by_its_name_anywhere(self, run, command):
        assert run(command, "smoke").exit_code == 0

    def test_a_file_of_that_name_wins(self, run, tmp_path):
        (tmp_path / "smoke").write_text(GOOD)

        assert run("check", "smoke").stdout == "smoke: ok, 1 stage, 1m30s, 1 flow\n"

    @pytest.mark.parametrize("command", ["check", "plan", "run"])
    def test_an_unknown_name_has_the_nearest_as_a_hint(self, run, command):
        result = run(command, "smokee")

        assert result.exit_code == 2
        assert result.stderr == (
            "simtraffic: smokee: cannot be read; neither a file nor a scenario that ships;"
            " did you mean smoke?\n"
        )

    def test_a_mistake_of_yaml_is_shown_with_a_caret(self, run, tmp_path):
        (tmp_path / "broken.yaml").write_text(GOOD.replace("name: good", "name: @good"))

        assert run("check", "broken.yaml").stderr.splitlines() == [
            'broken.yaml:2:7: a value cannot start with @; found "@good"; put the value in quotes',
            "    name: @good",
            "          ^",
        ]


class TestInit:
    def test_the_schema_that_the_starter_names_lies_beside_it(self, run, tmp_path):
        run("init")

        first = (tmp_path / "scenario.yaml").read_text().splitlines()[0]
        assert first == "# yaml-language-server: $schema=scenario.schema.json"
        assert json.loads((tmp_path / "scenario.schema.json").read_text()) == json.loads(
            run("schema").stdout
        )

    def test_a_file_of_that_name_that_is_no_schema_of_ours_stays(self, run, tmp_path):
        (tmp_path / "scenario.schema.json").write_text("{}")

        assert run("init").exit_code == 0
        assert (tmp_path / "scenario.schema.json").read_text() == "{}"

    def test_the_command_that_it_proposes_can_be_pasted(self, run):
        assert "try it: simtraffic run 'my demo.yaml'" in run("init", "my demo").stderr

    def test_what_it_writes_passes_check(self, run):
        written = run("init")

        assert (written.stdout, written.exit_code) == ("", 0)
        assert "wrote scenario.yaml" in written.stderr
        assert run("check", "scenario.yaml").exit_code == 0

    @pytest.mark.parametrize("name", ["mine", "mine.yaml"])
    def test_the_name_is_that_of_file_and_scenario(self, run, tmp_path, name):
        run("init", name)

        assert "\nname: mine\n" in (tmp_path / "mine.yaml").read_text()

    def test_a_name_that_no_scenario_may_have_is_made_one(self, run, tmp_path):
        run("init", "my first één")

        assert "\nname: my-first---n\n" in (tmp_path / "my first één.yaml").read_text()

    def test_a_file_that_is_there_stays(self, run, tmp_path):
        result = run("init", "good")

        assert result.exit_code == 2
        assert result.stderr == (
            "simtraffic: good.yaml: exists already; choose another name or --force\n"
        )
        assert (tmp_path / "good.yaml").read_text() == GOOD

    def test_force_overwrites(self, run, tmp_path):
        assert run("init", "good", "--force").exit_code == 0
        assert (tmp_path / "good.yaml").read_text() != GOOD

    def test_a_place_that_cannot_be_written_is_wrong_usage(self, run):
        result = run("init", "no/such/folder")

        assert result.exit_code == 2
        assert "cannot be written" in result.stderr


def test_schema_prints_a_json_schema(run):
    result = run("schema")

    assert json.loads(result.stdout)["$schema"].startswith("https://json-schema.org/")


def test_check_is_quick_and_leaves_numpy_alone(run, tmp_path):
    """The whole process takes 0.45 s; only its own work counts, as others keep the machine busy."""
    code = (
        f"import sys; sys.argv = ['simtraffic', 'check', {str(tmp_path / 'good.yaml')!r}]\n"
        "from simtraffic.cli.main import main\n"
        "try: main()\n"
        "finally: assert not {'numpy', 'grpc', 'httpx', 'opentelemetry'} & set(sys.modules)\n"
    )

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)

    assert (done.returncode, done.stderr) == (0, "")
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2
