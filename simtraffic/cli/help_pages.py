"""Help as plain pages: what a command does, examples, then options in groups, at any width.

Typer's own boxes name types of Python, dim the examples and leave three letters a line in narrow
panes. Nothing here draws, so that help is quick.
"""

from __future__ import annotations

import inspect
import os
import re
import shutil
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from simtraffic.cli import console

if TYPE_CHECKING:
    from typing import TextIO

    Rows = Sequence[tuple[str, str]]

_WIDEST = 100
_NARROWEST = 30
# Words of help are not squeezed into less beside what they are about.
_LEAST_WORDS = 30
_MOST_LABEL = 28
_INDENT = "  "
_STYLE = re.compile(r"\x1b\[\d*m")
_OTHERS = "Other options"
# Others follow as they come.
_ORDER = ("What is run", "Where it goes", "How it runs", "What it reports")


class PlainCommand(TyperCommand):
    """A command with a plain help page."""

    def get_help_option(self, ctx: Any) -> Any:
        """The option that shows the page."""
        return _showing(super().get_help_option(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the page."""
        width = _width()
        parts = [
            *_usage(usage_of(self, ctx), width),
            *_described(self.help, width),
            *_parameters(self, ctx, width),
        ]
        formatter.write("\n".join(parts) + "\n")


class PlainGroup(TyperGroup):
    """A group of commands with a plain help page."""

    def get_help_option(self, ctx: Any) -> Any:
        """The option that shows the page."""
        return _showing(super().get_help_option(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the page."""
        width = _width()
        commands = [
            (name, command.short_help or command.help or "")
            for name in self.list_commands(ctx)
            if (command := self.get_command(ctx, name)) is not None and not command.hidden
        ]
        parts = [
            *_usage(f"{ctx.command_path} COMMAND [OPTIONS]", width),
            *_described(self.help, width),
            *_section("Commands", commands, width),
            "",
            *_filled(f"{ctx.command_path} COMMAND --help explains a command.", width),
            *_parameters(self, ctx, width),
        ]
        formatter.write("\n".join(parts) + "\n")


def usage_of(command: Any, ctx: Any) -> str:
    """How it is written, such as ``simtraffic plan [OPTIONS] SCENARIO``."""
    arguments = [
        _argument(parameter)
        for parameter in command.get_params(ctx)
        if parameter.param_type_name == "argument"
    ]
    return " ".join([ctx.command_path, "[OPTIONS]", *arguments])


def name_of(parameter: Any) -> str:
    """As people write it: ``--speed``, ``SCENARIO``."""
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name).strip(".[]").upper()
    return str(max(parameter.opts, key=len))


def choices_of(parameter: Any) -> list[str]:
    """The words that a parameter knows, if it has a list of them."""
    kind = getattr(parameter, "type_descriptor", None) or getattr(parameter, "type", None)
    return [str(getattr(each, "value", each)) for each in getattr(kind, "choices", None) or ()]


def for_stream(page: str, stream: TextIO) -> str:
    """A page as the stream shows it: bold headings are for terminals."""
    return page.rstrip() if stream.isatty() else _STYLE.sub("", page).rstrip()


def _showing(option: Any) -> Any:
    """The help option, which prints where everything is printed: a loss of that is told."""

    def show(ctx: Any, _: Any, value: Any) -> None:
        if value and not ctx.resilient_parsing:
            console.line(for_stream(ctx.get_help(), console.stdout()))
            ctx.exit()

    if option is not None:
        option.callback = show
    return option


def _usage(words: str, width: int) -> list[str]:
    first, *others = textwrap.wrap(f"Usage: {words}", width, subsequent_indent=" " * 7)
    return [_heading("Usage") + first.removeprefix("Usage:"), *others]


def _argument(parameter: Any) -> str:
    name = name_of(parameter) + ("..." if parameter.nargs == -1 else "")
    return name if parameter.required else f"[{name}]"


def _described(text: str | None, width: int) -> list[str]:
    """Paragraphs filled to the width; lines that are set in, such as examples, as they are."""
    lines: list[str] = []
    for paragraph in inspect.cleandoc(text or "").split("\n\n"):
        lines.append("")
        words: list[str] = []
        for line in paragraph.splitlines():
            if line.startswith(" "):
                lines += [*_filled(" ".join(words), width), line]
                words = []
            else:
                words.append(line)
        lines += _filled(" ".join(words), width)
    return lines


def _parameters(command: Any, ctx: Any, width: int) -> list[str]:
    """Arguments, then options by their group in the order of the code."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(ctx):
        if getattr(parameter, "hidden", False):
            continue
        is_argument = parameter.param_type_name == "argument"
        panel = getattr(parameter, "rich_help_panel", None)
        group = "Arguments" if is_argument else panel or _OTHERS
        label = _argument(parameter) if is_argument else _option(parameter)
        groups.setdefault(group, []).append((label, _explained(parameter)))
    last = groups.pop(_OTHERS, [])
    first = groups.pop("Arguments", [])
    order = dict.fromkeys((*_ORDER, *groups))
    named = [("Arguments", first), *((name, groups.get(name, [])) for name in order)]
    named.append((_OTHERS if groups else "Options", last))
    return [line for heading, rows in named for line in _section(heading, rows, width)]


def _option(parameter: Any) -> str:
    """Its names, the short one first, and what it takes."""
    names = ", ".join(sorted(parameter.opts, key=len))
    if getattr(parameter, "is_flag", False):
        return names
    return f"{names} {parameter.metavar or str(parameter.name).upper()}"


def _explained(parameter: Any) -> str:
    words = str(getattr(parameter, "help", None) or "").strip()
    known = choices_of(parameter)
    if known:
        words += f" One of {', '.join(known)}."
    default = parameter.default if getattr(parameter, "show_default", True) else None
    if isinstance(default, str | int | float) and not isinstance(default, bool) and default != "":
        words += f" By default {default}."
    return words.strip()


def _section(heading: str, rows: Rows, width: int) -> list[str]:
    """A heading with its rows, the words beside or, without the room, below what they explain."""
    if not rows:
        return []
    longest = max(len(label) for label, _ in rows if len(label) <= _MOST_LABEL)
    at = len(_INDENT) + longest + 2
    if width - at < _LEAST_WORDS:
        at = 3 * len(_INDENT)
    lines = ["", _heading(heading)]
    for label, words in rows:
        filled = _filled(words, width - at)
        if len(label) + len(_INDENT) + 2 <= at and filled:
            lines.append(f"{_INDENT}{label}".ljust(at) + filled.pop(0))
        else:
            lines.append(f"{_INDENT}{label}")
        lines += [" " * at + line for line in filled]
    return lines


def _heading(words: str) -> str:
    """Bold where colour is wanted."""
    return f"{words}:" if os.environ.get("NO_COLOR") else typer.style(f"{words}:", bold=True)


def _filled(words: str, width: int) -> list[str]:
    return textwrap.wrap(words, width, break_long_words=False, break_on_hyphens=False)


def _width() -> int:
    """Of the terminal; a pipe has 80 columns."""
    return max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size().columns))
