"""Help pages: plain, whole, and readable at the widths that people have."""

import re

import pytest
import typer
from typer.testing import CliRunner

from simtraffic.cli import main

COMMANDS = list(main._COMMANDS)
LEAST_BESIDE = 30


def page(*arguments, width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    result = CliRunner().invoke(main.app, [*arguments, "--help"])
    assert result.exit_code == 0
    return result.output


def command(name):
    """The command as typer has it, and its context."""
    group = typer.main.get_command(main.app)
    assert isinstance(group, typer.core.TyperGroup)
    parent = group.make_context("simtraffic", [name, "--help"], resilient_parsing=True)
    ctx = group.commands[name].make_context(name, [], parent, resilient_parsing=True)
    return ctx.command, ctx


@pytest.mark.parametrize("width", [20, 30, 40, 78, 80, 110])
@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_lines_fit_but_for_examples_that_are_there_to_be_copied(name, width, monkeypatch):
    text = page(*filter(None, [name]), width=width, monkeypatch=monkeypatch)

    wide = [line for line in text.splitlines() if len(line) > max(width, 30)]
    assert [line for line in wide if not line.lstrip().startswith("simtraffic")] == []


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_a_page_names_no_types_of_python(name, monkeypatch):
    text = page(*filter(None, [name]), width=80, monkeypatch=monkeypatch)

    assert not re.search(r"<\w|list\[|\{[A-Z]+|\{what|\.\.\.\}|None|\[default|Annotated", text)


@pytest.mark.parametrize("width", [78, 80, 110])
@pytest.mark.parametrize("name", COMMANDS)
def test_words_beside_options_have_room(name, width, monkeypatch):
    """In a pipe there were once three letters a line."""
    lines = page(name, width=width, monkeypatch=monkeypatch).splitlines()

    begins = [
        found.end()
        for line in lines
        if (found := re.match(r"  (?:-\w, )?-[\w-]+(?: [A-Z/:=]+)?  +(?=\S)", line))
    ]
    assert begins
    assert width - max(begins) >= LEAST_BESIDE


@pytest.mark.parametrize("name", COMMANDS)
def test_every_parameter_is_explained_by_a_sentence_of_its_own(name, monkeypatch):
    text = " ".join(page(name, width=100, monkeypatch=monkeypatch).split())
    found, ctx = command(name)

    for parameter in found.get_params(ctx):
        if getattr(parameter, "hidden", False):
            assert parameter.opts[0] not in text
            continue
        assert parameter.help, parameter.name
        assert parameter.help[0].isupper(), parameter.name
        assert parameter.help.endswith("."), parameter.name
        assert parameter.help in text
        assert not re.search(r"\b(the same|for that)\b(?! whole| one)", parameter.help), (
            f"{parameter.name} leans on what stands above it"
        )


def test_what_an_option_takes_stands_behind_it_and_behind_a_flag_nothing(monkeypatch):
    text = page("run", width=80, monkeypatch=monkeypatch)

    assert re.search(r"^  --endpoint URL  ", text, re.MULTILINE)
    assert re.search(r"^  -q, --quiet  ", text, re.MULTILINE)
    assert text.startswith("Usage: simtraffic run [OPTIONS] SCENARIO...\n")


def test_groups_of_options_come_in_the_order_of_a_run(monkeypatch):
    text = page("run", width=80, monkeypatch=monkeypatch)

    headings = re.findall(r"^(\w[\w ]+):$", text, re.MULTILINE)
    assert headings == [
        "Examples",
        "Arguments",
        "What is run",
        "Where it goes",
        "How it runs",
        "What it reports",
        "Other options",
    ]


def test_defaults_are_told_where_there_are_any(monkeypatch):
    text = " ".join(page("run", width=100, monkeypatch=monkeypatch).split())

    assert "telemetry may leave. By default 30s." in text
    assert "By default None" not in text
    assert "By default False" not in text


def test_what_can_be_shown_is_listed(monkeypatch):
    text = " ".join(page("show", width=100, monkeypatch=monkeypatch).split())

    assert "One of catalog, profiles, conventions, scenarios, metrics" in text


def test_headings_are_bold_and_nothing_is_dim(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    found, ctx = command("run")
    coloured = found.get_help(ctx)

    assert "\x1b[1mWhere it goes:\x1b[0m" in coloured
    assert "\x1b[2m" not in coloured
    assert "\x1b" not in page("run", width=80, monkeypatch=monkeypatch), "no terminal, no colour"


def test_no_colour_is_heeded(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    found, ctx = command("run")

    assert "\x1b" not in found.get_help(ctx)
