"""The look that all reports share: tables without lines, headings, plain text of any drawing."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

WIDE = 110
"""From this many columns on, tables show their further columns."""
MOST_ROWS = 20
"""Longer tables show their largest rows and say how many more there are."""


def table(*columns: str, words: tuple[int, ...] = (0,)) -> Table:
    """An empty table. Columns in ``words`` are text and wrap when it is narrow; others are figures.

    A figure is never cut: it would be read as another one.
    """
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for number, column in enumerate(columns):
        if number in words:
            made.add_column(column, overflow="fold")
        else:
            made.add_column(column, justify="right", no_wrap=True)
    return made


def section(heading: str, *content: RenderableType) -> Group:
    """A heading with its content indented below, after an empty line."""
    indented = [Padding(part, (0, 0, 0, 2)) for part in content]
    return Group(Text(), Text(heading, style="bold"), *indented)


def labelled(rows: Iterable[tuple[str, str]]) -> Table:
    """Names and what is said of them, below one another."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    made.add_column(no_wrap=True, style="dim")
    made.add_column(overflow="fold")
    for label, words in rows:
        made.add_row(Text(label), Text(words))
    return made


def more(rows: Sequence[object], what: str) -> list[Text]:
    """A line that says how many rows were left out, if any were."""
    left_out = len(rows) - MOST_ROWS
    return [Text(f"and {left_out:,} more {what}", style="dim")] if left_out > 0 else []


def to_text(renderable: RenderableType, width: int = 100) -> str:
    """The drawing as plain text without colour, each line without trailing spaces."""
    buffer = StringIO()
    console = Console(
        file=buffer,
        width=width,
        color_system=None,
        force_terminal=False,
        highlight=False,
        emoji=False,
        markup=False,
        legacy_windows=False,
    )
    console.print(renderable)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"
