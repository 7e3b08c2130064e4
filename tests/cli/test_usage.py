"""Wrong usage: one line in the manner of all other errors, and what was probably meant."""

import re

import pytest
from typer.testing import CliRunner

from simtraffic.cli import main
from simtraffic.cli.help_pages import PlainGroup
from simtraffic.cli.usage import one_of
from simtraffic.errors import UsageError

WRONG = {
    ("rum",): "rum: no such command; did you mean run?",
    ("Plan",): "Plan: no such command; did you mean plan?",
    ("help",): "help: no such command; did you mean simtraffic --help?",
    ("hlep",): "hlep: no such command; did you mean simtraffic --help?",
    ("version",): "version: no such command; did you mean simtraffic --version?",
    ("-v",): "-v: no such option; did you mean simtraffic --version?",
    ("doctor",): "doctor: no such command; did you mean simtraffic check?"
    " run looks at the receiver by itself",
    ("xyzzy",): f"xyzzy: no such command; known: {', '.join(main._COMMANDS)}",
    ("a\nb" * 40,): f"{'a b' * 20}…: no such command; known: {', '.join(main._COMMANDS)}",
    ("--debug",): f"a command is missing; write one of {', '.join(main._COMMANDS)}",
    ("--vresion",): "--vresion: no such option; did you mean --version?",
    ("--endpoint", "x", "run"): "--endpoint: no such option;"
    " options of a command come after its name",
    ("run",): "SCENARIO: missing; write simtraffic run SCENARIO...",
    ("plan",): "SCENARIO: missing; write simtraffic plan SCENARIO",
    ("plan", "a", "b"): "b: too many arguments; write simtraffic plan SCENARIO",
    ("plan", "a", "--dry-run"): "--dry-run: no such option; did you mean simtraffic plan?",
    ("run", "a", "--endpont", "x"): "--endpont: no such option; did you mean --endpoint?",
    ("run", "a", "--xyzzy"): "--xyzzy: no such option; simtraffic run --help lists them",
    ("run", "a", "--json=1"): "--json: takes no value; write --json alone",
    ("run", "a", "--speed"): "--speed: a value is missing; write --speed VALUE, as --help explains",
    ("run", "a", "--seed", "x"): "--seed: not a whole number; found 'x'; write it like 7",
    ("run", "a", "--seed", "1.5"): "--seed: not a whole number; found '1.5'; write it like 7",
    ("run", "a", "--workers", "two"): "--workers: not a whole number; found 'two'; write it like 7",
    ("run", "a", "--scale", "1,5"): "--scale: not a number; found '1,5'; write it like 0.5",
    ("run", "a", "--protocol", "gprc"): "--protocol: unknown; found 'gprc'; did you mean grpc?",
    ("run", "a", "--protocol", "udp"): "--protocol: unknown; found 'udp';"
    " write one of grpc, http/protobuf, http/json",
    ("run", "a", "--compression", "gz"): "--compression: unknown; found 'gz'; did you mean gzip?",
    ("show",): "WHAT: missing; one of catalog, profiles, conventions, scenarios, metrics;"
    " write simtraffic show WHAT",
    ("show", "catalogue"): "WHAT: unknown; found 'catalogue'; did you mean catalog?",
    ("collect", "--max-bytes", "x"): "--max-bytes: not a size; found 'x';"
    " write it like 512B, 2KB, 64MB or 1GiB",
    ("init", "a", "b"): "b: too many arguments; write simtraffic init [NAME]",
}


def ask(*arguments):
    return CliRunner().invoke(main.app, list(arguments))


@pytest.mark.parametrize(("arguments", "line"), WRONG.items(), ids=lambda value: str(value)[:40])
def test_wrong_usage_is_a_line_with_what_to_do(arguments, line):
    result = ask(*arguments)

    assert result.stderr == f"simtraffic: {line}\n"
    assert result.stdout == ""
    assert result.exit_code == 2


def test_no_words_of_a_library_are_shown():
    said = "".join(ask(*arguments).stderr for arguments in WRONG)

    assert not re.search(
        r"Input should|Value error|valid (integer|number)|Invalid|[│╭╰]|Error", said
    )


def test_no_command_at_all_shows_the_help_on_standard_error():
    result = ask()

    assert result.stderr.startswith("Usage: simtraffic COMMAND [OPTIONS]\n")
    assert "Commands:" in result.stderr
    assert result.exit_code == 2


def test_a_value_that_is_known_or_left_out_passes():
    assert [one_of("--x", value, ("a", "b")) for value in (None, "", "b")] == [None, "", "b"]


def test_a_value_that_is_unknown_does_not():
    with pytest.raises(UsageError, match="--x: unknown; found 'c'; write one of a, b"):
        one_of("--x", "c", ("a", "b"))


def test_a_bug_is_no_wrong_usage(monkeypatch):
    """What typer does not know goes through unchanged."""

    class OddError(Exception):
        pass

    def raising(*_, **__):
        raise OddError

    monkeypatch.setattr(PlainGroup, "main", raising)
    result = ask("run")

    assert isinstance(result.exception, OddError)
