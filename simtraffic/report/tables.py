"""The look that all reports share: tables without lines, headings, plain text of any drawing.

What is drawn fits the room there is, from 40 columns on, and no name and no figure is ever broken
or cut: what does not fit is laid out otherwise. What is longer than the room all by itself goes
over the edge, where a terminal wraps it and a copy of it is still whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from simtraffic.figures import NOTHING
from simtraffic.report.lines import (
    GAP,
    INDENT,
    Drawn,
    columned,
    hanging,
    indented,
    leading,
    lines_of,
    longest_word,
    packed,
    said,
    wide,
    wrapped,
)

if TYPE_CHECKING:
    from rich.console import RenderableType

MOST_ROWS = 20
"""Longer tables show their largest rows and say how many more there are."""
# Narrower than this, words are hard to read beside something.
_LEAST_WORDS = 24
# What is not worth words below a row.
_NOTHING = ("", "0", NOTHING)
Note = Text | Sequence[str]


@dataclass(frozen=True, slots=True)
class _Row:
    cells: tuple[Text, ...]
    notes: tuple[Note, ...] = ()
    brief: Text | None = None


@dataclass(slots=True)
class Table(Drawn):
    """Rows under heads, laid out in the first of these ways for which there is room.

    1. A row a line.
    2. The columns of ``further``, the last first, and then that of ``long`` words, in a line below
       their row.
    3. Unless ``beside``: the name of a row on a line of its own, its figures below.
    4. One figure a line, with the name of the row beside it, or above it when that is too wide.
    """

    heads: tuple[str, ...]
    words: tuple[int, ...] = (0,)
    """Columns that are text; the others are figures, on the right of their column."""
    further: tuple[int, ...] = ()
    long: int | None = None
    """The column whose words may go on in further lines."""
    named: int = 0
    """The column that names a row."""
    beside: bool = False
    rows: list[_Row | Text] = field(default_factory=list)

    def add_row(
        self, *cells: str | Text, notes: Sequence[Note] = (), brief: str | None = None
    ) -> None:
        """A row.

        Args:
            cells: one a column.
            notes: words about it on lines of their own, or parts that no line may break.
            brief: its name where there is little room.
        """
        short = None if brief is None else Text(brief)
        self.rows.append(_Row(tuple(map(said, cells)), tuple(notes), short))

    def add_heading(self, words: str) -> None:
        """A line above the rows that follow."""
        self.rows.append(Text(words, style="bold"))

    def lines(self, room: int) -> list[Text]:
        """The first of the four ways for which the room is wide enough, else the last."""
        choices = [self.further[number:] for number in range(len(self.further), -1, -1)]
        if self.long is not None:
            choices.append((*self.further, self.long))
        for below in choices:
            if self._fits(room, below):
                return self._abreast(room, below)
        apart = {*choices[-1], self.named}
        may_stack = not self.beside and len(apart) < len(self.heads)
        if may_stack and self._fits(room - INDENT, (*apart,)):
            return self._abreast(room, choices[-1], stacked=True)
        return self._one_by_one(room)

    @property
    def natural_width(self) -> int:
        """Columns that it takes with a row a line."""
        return sum(self._widths()) + GAP * (len(self.heads) - 1)

    @property
    def _real(self) -> list[_Row]:
        """The rows that have cells, so no headings."""
        return [row for row in self.rows if isinstance(row, _Row)]

    def _widths(self) -> list[int]:
        return [
            max([len(head), *(wide(row.cells[number]) for row in self._real)])
            for number, head in enumerate(self.heads)
        ]

    def _fits(self, room: int, below: Sequence[int]) -> bool:
        widths = self._widths()
        if self.long is not None:
            words = [longest_word(row.cells[self.long]) for row in self._real]
            widths[self.long] = min(widths[self.long], max(_LEAST_WORDS, *words, 0))
        shown = [width for number, width in enumerate(widths) if number not in below]
        return sum(shown) + GAP * (len(shown) - 1) <= room

    def _abreast(self, room: int, below: Sequence[int], *, stacked: bool = False) -> list[Text]:
        """A row a line; when ``stacked`` its name is on a line of its own above."""
        apart = (*below, self.named) if stacked else below
        shown = [number for number in range(len(self.heads)) if number not in apart]
        widths = self._widths()
        if self.long in shown:
            taken = sum(widths[number] + GAP for number in shown if number != self.long)
            widths[self.long] = min(widths[self.long], room - taken)
        inside = INDENT if stacked else 0
        start = INDENT + sum(widths[number] + GAP for number in shown if number < self.named)
        lines = [Text(self.heads[self.named], style="dim")] if stacked else []
        if any(self.heads):
            heads = [Text(head, style="dim") for head in self.heads]
            lines += indented(self._line(heads, shown, widths), inside)
        for row in self.rows:
            if isinstance(row, Text):
                lines += wrapped(row, room)
                continue
            name = row.cells[self.named]
            lines += [name.copy()] if stacked else []
            lines += indented(self._line(row.cells, shown, widths), inside)
            lines += self._below(row, below, start + leading(name), room)
        return lines

    def _line(
        self, cells: Sequence[Text], shown: Sequence[int], widths: Sequence[int]
    ) -> list[Text]:
        """A row, in several lines when it has words that go on."""
        parts = [
            wrapped(cells[number], widths[number]) if number == self.long else [cells[number]]
            for number in shown
        ]
        rights = [number not in self.words for number in shown]
        return [
            columned(
                [part[at] if at < len(part) else Text() for part in parts],
                [widths[number] for number in shown],
                rights,
            )
            for at in range(max(map(len, parts)))
        ]

    def _below(self, row: _Row, below: Sequence[int], start: int, room: int) -> list[Text]:
        """What has no column, in words below the row."""
        figures = [
            f"{self.heads[number]} {value}"
            for number in sorted(below)
            if number != self.long and (value := _bare(row.cells[number]).plain) not in _NOTHING
        ]
        lines = [Text(line, style="dim") for line in packed(figures, room - start)]
        for note in row.notes:
            if isinstance(note, Text):
                lines += wrapped(note, room - start) if note.plain else []
            else:
                lines += [Text(line, style="dim") for line in packed(note, room - start)]
        if self.long is not None and self.long in below and row.cells[self.long].plain:
            lines = [*wrapped(row.cells[self.long], room - start), *lines]
        return indented(lines, start)

    def _one_by_one(self, room: int) -> list[Text]:
        numbers = [n for n in range(len(self.heads)) if n not in (self.named, self.long)]
        values = [wide(_bare(row.cells[number])) for row in self._real for number in numbers]
        widths = [
            max((len(self.heads[number]) for number in numbers), default=0),
            max(values, default=0),
        ]
        left = room - sum(widths) - 2 * GAP
        full = max((wide(row.cells[self.named]) for row in self._real), default=0)
        lines: list[Text] = []
        for row in self.rows:
            if isinstance(row, Text):
                lines += wrapped(row, room)
                continue
            name = row.cells[self.named]
            pairs = [(Text(self.heads[n], style="dim"), _bare(row.cells[n])) for n in numbers]
            pairs = [(label, value) for label, value in pairs if value.plain]
            if full <= left:
                lines += _each(name, full, pairs, widths)
            else:
                lines += wrapped(name, room)
                beside = row.brief if row.brief and wide(row.brief) <= left else None
                brief = max(wide(one.brief or Text()) for one in self._real)
                lines += (
                    _each(beside, brief, pairs, widths)
                    if beside
                    else _narrow(pairs, widths, leading(name) + INDENT, room)
                )
            lines += self._below(
                row, () if self.long is None else (self.long,), leading(name) + INDENT, room
            )
        return lines


def table(*heads: str, words: tuple[int, ...] = (0,)) -> Table:
    """An empty table. Columns in ``words`` are text, others are figures."""
    return Table(heads, words)


def _bare(text: Text) -> Text:
    """Without the spaces that hold it in its column."""
    begin, end = leading(text), len(text.plain.rstrip(" "))
    return text[begin:end] if end > begin else Text()


def _each(
    name: Text, wide_name: int, pairs: Sequence[tuple[Text, Text]], widths: Sequence[int]
) -> list[Text]:
    """A line for each figure, its name beside it."""
    given = [wide_name, *widths]
    return [columned([name, *pair], given, [False, False, True]) for pair in pairs]


def _narrow(
    pairs: Sequence[tuple[Text, Text]], widths: Sequence[int], by: int, room: int
) -> list[Text]:
    """A line for each figure, or two where there is hardly any room."""
    if by + sum(widths) + GAP <= room:
        return indented((columned(pair, widths, [False, True]) for pair in pairs), by)
    lines = []
    for label, value in pairs:
        lines += [label] if label.plain else []
        lines += indented([value], INDENT)
    return indented(lines, min(by, INDENT))


@dataclass(slots=True)
class Sum(Drawn):
    """A name and the terms of a sum on one line, or each term on a line beside the name."""

    name: str
    terms: tuple[tuple[str, str], ...]
    """Words, the sign before them, and the figure."""

    def lines(self, room: int) -> list[Text]:
        """One line where the room is wide enough for it, else one for each term."""
        whole = f"{self.name}  " + " ".join(f"{words} {figure}" for words, figure in self.terms)
        if len(whole) <= room:
            return [Text(whole)]
        apart = Table(("", "", ""), words=(0, 1))
        for words, figure in self.terms:
            apart.add_row(self.name, words, figure)
        return apart.lines(room)


@dataclass(slots=True)
class Labelled(Drawn):
    """Names and what is said of them, below one another."""

    rows: list[tuple[str, str]]

    def lines(self, room: int) -> list[Text]:
        """Words go on below themselves, or all below the name where that leaves too little."""
        at = max((len(label) for label, _ in self.rows), default=0) + GAP
        lines: list[Text] = []
        for label, words in self.rows:
            name, text = Text(label, style="dim"), said(words)
            if wide(text) <= room - at or room - at >= _LEAST_WORDS:
                name.append(" " * (at - len(label)))
                lines += hanging(name, text, room)
            else:
                lines += [name, *indented(wrapped(text, room - INDENT), INDENT)]
        return lines


def labelled(rows: Iterable[tuple[str, str]]) -> Labelled:
    """Names and what is said of them."""
    return Labelled(list(rows))


@dataclass(slots=True)
class Section(Drawn):
    """A heading with its content indented below, after an empty line."""

    heading: str
    content: tuple[Drawn | Text, ...]

    def lines(self, room: int) -> list[Text]:
        """The heading below an empty line; the content has what the indentation leaves."""
        inside = [line for part in self.content for line in lines_of(part, room - INDENT)]
        return [Text(), Text(self.heading, style="bold"), *indented(inside, INDENT)]


def section(heading: str, *content: Drawn | Text) -> Section:
    """A heading with its content."""
    return Section(heading, content)


def more(rows: Sequence[object], what: str) -> list[Text]:
    """A line that says how many rows were left out, if any were."""
    left_out = len(rows) - MOST_ROWS
    return [Text(f"and {left_out:,} more {what}", style="dim")] if left_out > 0 else []


def to_text(renderable: RenderableType, width: int = 100) -> str:
    """The drawing as plain text without colour, each line without trailing spaces."""
    buffer = StringIO()
    console = Console(
        file=buffer,
        width=max(1, width),
        color_system=None,
        force_terminal=False,
        highlight=False,
        emoji=False,
        markup=False,
        legacy_windows=False,
    )
    console.print(renderable, crop=False)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"
