"""The command as a whole: what help imports, how errors end."""

import json
import subprocess
import sys
from types import ModuleType

import pytest
import typer
from typer.testing import CliRunner

from simtraffic import __version__
from simtraffic.cli import main
from simtraffic.errors import DeliveryError, Fault, ScenarioError, UsageError

HEAVY = ("numpy", "grpc", "pydantic", "httpx", "opentelemetry", "google.protobuf", "ruamel")


def ask(*arguments):
    return CliRunner().invoke(main.app, list(arguments))


def imported_by(*arguments):
    """Modules that a process has at the end of this command."""
    program = (
        "import json, sys\n"
        "from simtraffic.cli.main import app\n"
        f"try: app({list(arguments)!r})\n"
        "except SystemExit: pass\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_imports_nothing_heavy(argument):
    loaded = imported_by(argument)

    assert [name for name in HEAVY if name in loaded] == []


@pytest.mark.parametrize("name", main._COMMANDS)
def test_help_of_a_command_imports_nothing_that_only_its_body_needs(name):
    """Typer itself imports pydantic as soon as it reads the value of an option."""
    loaded = imported_by(name, "--help")

    assert [heavy for heavy in HEAVY if heavy in loaded and heavy != "pydantic"] == []


def test_the_list_of_commands_imports_none_of_them():
    loaded = imported_by("--help")

    assert "simtraffic.cli.run" not in loaded
    assert "simtraffic.cli.collect" not in loaded


def test_importing_the_package_imports_nothing_heavy():
    program = "import sys, simtraffic; print([m for m in sys.modules if m in sys.argv[1:]])"

    done = subprocess.run(
        [sys.executable, "-c", program, *HEAVY], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", main._COMMANDS)
def test_every_listed_command_is_there_and_explains_itself(name):
    result = ask(name, "--help")

    assert result.exit_code == 0
    assert "Usage" in result.output


def test_the_list_shows_every_command_with_its_line():
    output = ask("--help").output

    for name, summary in main._COMMANDS.items():
        assert name in output
        assert summary.split(";")[0][:40] in output


def test_no_command_shows_help_and_is_wrong_usage():
    result = ask()

    assert "Usage" in result.output
    assert result.exit_code == 2


def test_a_misspelt_command_gets_a_hint():
    result = ask("rum")

    assert result.exit_code == 2
    assert result.stderr == "simtraffic: rum: no such command; did you mean run?\n"


def test_the_version_is_told():
    assert ask("--version").output == f"simtraffic {__version__}\n"


FAULTS = [
    Fault("a.yaml", 3, 5, "load.stages[0]", "unknown key", "found 'rat'", "did you mean rate?"),
    Fault("a.yaml", 9, 1, "seed", "not a number"),
]


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (UsageError("--drain: not a duration"), 2, ["simtraffic: --drain: not a duration"]),
        (
            ScenarioError(FAULTS),
            3,
            [
                "a.yaml:3:5 load.stages[0]: unknown key; found 'rat'; did you mean rate?",
                "a.yaml:9:1 seed: not a number",
            ],
        ),
        (DeliveryError("refused"), 4, ["simtraffic: refused"]),
        (
            ZeroDivisionError("a\nb"),
            1,
            [
                "simtraffic: unexpected ZeroDivisionError: a b; this is a bug;"
                " SIMTRAFFIC_DEBUG=1 shows the traceback"
            ],
        ),
        (KeyboardInterrupt(), 130, []),
        (typer.Exit(5), 5, []),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_an_error_is_a_line_for_people_and_an_exit_code(monkeypatch, error, code, lines):
    result = failing(monkeypatch, error)

    assert result.exit_code == code
    assert result.stderr.splitlines() == lines
    assert result.stdout == ""


def test_a_traceback_is_shown_when_it_is_asked_for(monkeypatch):
    for arguments, environment in ((["--debug"], "0"), ([], "1")):
        monkeypatch.setenv("SIMTRAFFIC_DEBUG", environment if environment == "1" else "")

        result = failing(monkeypatch, ZeroDivisionError("x"), *arguments)

        assert "Traceback" in result.stderr
        assert result.exit_code == 1


def failing(monkeypatch, error, *before):
    """The outcome of a command that raises this."""

    def run():
        raise error

    module = ModuleType("simtraffic.cli.failing")
    vars(module)["failing"] = run
    monkeypatch.setitem(sys.modules, "simtraffic.cli.failing", module)
    monkeypatch.setitem(main._COMMANDS, "failing", "Fails.")
    return ask(*before, "failing")


def test_a_reader_that_goes_away_is_no_traceback():
    """As in `simtraffic show catalog | head -1`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "simtraffic", "show", "catalog", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.close()

    error = process.stderr.read()
    process.stderr.close()

    assert process.wait() == 4
    assert error.count("\n") == 1
    assert "its reader is gone" in error
