"""A value that is given and empty is never taken as left out."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest
import typer
from typer.testing import CliRunner

from simtraffic.cli.main import _COMMANDS, app


def valued_options() -> Iterator[tuple[str, str]]:
    """Each command with each of its options that takes a value."""
    for command in _COMMANDS:
        single = typer.Typer()
        function = getattr(import_module(f"simtraffic.cli.{command}"), command)
        single.command()(function)
        for parameter in typer.main.get_command(single).params:
            for name in parameter.opts:
                if name.startswith("--") and not getattr(parameter, "is_flag", False):
                    yield command, name


OPTIONS = list(valued_options())


def test_there_are_options_to_try() -> None:
    assert ("run", "--endpoint") in OPTIONS
    assert ("collect", "--grpc") in OPTIONS
    assert len(OPTIONS) > 40


@pytest.mark.parametrize(("command", "option"), OPTIONS, ids=" ".join)
def test_an_empty_value_of_an_option_is_wrong_usage(command: str, option: str) -> None:
    for words in ([option, ""], [option, " "], [f"{option}="]):
        done = CliRunner().invoke(app, [command, "scenarios/smoke.yaml", *words])

        assert done.exit_code == 2
        assert done.output == (
            f"simtraffic: {option}: the value is empty; found ''; write one, or leave it out\n"
        )


@pytest.mark.parametrize("command", ["run", "plan", "check", "init", "show"])
def test_an_empty_argument_is_wrong_usage(command: str) -> None:
    done = CliRunner().invoke(app, [command, ""])

    assert done.exit_code == 2
    assert "an argument: the value is empty" in done.output


def test_a_value_with_an_equals_sign_at_its_end_is_not_empty() -> None:
    """Such as a header without content, which may be meant."""
    done = CliRunner().invoke(app, ["run", "nowhere.yaml", "--header", "x-key="])

    assert "empty" not in done.output
