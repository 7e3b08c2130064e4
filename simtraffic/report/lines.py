"""Lines of a drawing: words wrapped between words, never inside one, and things side by side."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Group
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions

GAP = 2
"""Columns between things side by side."""
INDENT = 2
_WORD = re.compile(r"\s*\S+")


class Drawn:
    """Base of drawings: what can be laid out in a room of so many columns, also by rich."""

    __slots__ = ()

    def lines(self, room: int) -> list[Text]:
        """The lines, none wider than the room if that can be."""
        raise NotImplementedError

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Print the lines in the room that rich has."""
        yield from map(_whole, self.lines(options.max_width))


def laid_out(parts: Iterable[Drawn | Text], room: int) -> Group:
    """All parts below one another, for rich to print as they are."""
    return Group(*(_whole(line) for part in parts for line in lines_of(part, room)))


def lines_of(part: Drawn | Text, room: int) -> list[Text]:
    """The lines of a drawing, or of a text as it is wrapped in this room."""
    return wrapped(part, room) if isinstance(part, Text) else part.lines(room)


def said(words: str | Text) -> Text:
    """Words as a text of one line, in which markup means nothing."""
    return Text(" ".join(words.splitlines())) if isinstance(words, str) else words


def wide(text: Text) -> int:
    """Columns that it takes in a terminal, where some signs take two."""
    return text.cell_len


def leading(text: Text) -> int:
    """Spaces that it begins with."""
    return len(text.plain) - len(text.plain.lstrip(" "))


def wrapped(text: Text, room: int) -> list[Text]:
    """The words on as many lines as it takes; a word wider than the room stays whole.

    Further lines begin below the first.
    """
    if wide(text) <= room:
        return [text.copy()]
    by = leading(text)
    if by:
        return indented(wrapped(text[by:], room - by), by)
    cuts, start, end = [], 0, 0
    for found in _WORD.finditer(text.plain):
        if end > start and wide(text[start : found.end()]) > room:
            cuts.append(end)
            start = end
            # The spaces between stay behind on the line before.
            start += len(found[0]) - len(found[0].lstrip())
            cuts.append(start)
        end = found.end()
    pieces = text.divide(cuts)
    # Every second piece is the space where a line was broken.
    return [_without_end(piece) for piece in list(pieces)[::2]]


def packed(parts: Iterable[str], room: int) -> list[str]:
    """The parts with commas between, broken over lines behind commas alone."""
    lines: list[str] = []
    for part in parts:
        if lines and cell_len(lines[-1]) + 2 + cell_len(part) < room:
            lines[-1] += f", {part}"
        else:
            lines.append(part)
    return [f"{line}," for line in lines[:-1]] + lines[-1:]


def longest_word(text: Text) -> int:
    """Columns of the widest one."""
    return max(map(cell_len, text.plain.split()), default=0)


def hanging(first: Text, text: Text, room: int) -> list[Text]:
    """Something and words beside it that go on below themselves."""
    at = wide(first)
    lines = wrapped(text, room - at)
    return [first.copy().append_text(lines[0]), *indented(lines[1:], at)]


def indented(lines: Iterable[Text], by: int) -> list[Text]:
    """The lines moved to the right."""
    return [Text(" " * by).append_text(line) if line.plain else line for line in lines]


def columned(parts: Sequence[Text], widths: Sequence[int], rights: Sequence[bool]) -> Text:
    """A line of parts, each as wide as it is given, on its left or right."""
    line = Text()
    for number, (part, width, right) in enumerate(zip(parts, widths, rights, strict=True)):
        padding = " " * max(0, width - wide(part))
        line.append(" " * GAP if number else "")
        line.append(padding if right else "").append_text(part).append("" if right else padding)
    return _without_end(line)


def _without_end(line: Text) -> Text:
    line.rstrip()
    return line


def _whole(line: Text) -> Text:
    """Marked so that rich neither wraps nor cuts it."""
    line.no_wrap, line.overflow = True, "ignore"
    return line
