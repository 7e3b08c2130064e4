"""The text of a YAML file as lines that can be mended so that reading goes on after a mistake.

Whatever is mended, places are told as they are in the file, and what stood at a mended place is
known to be unreadable (:meth:`Sheet.is_masked`).
"""

from __future__ import annotations

import re

from simtraffic.errors import Fault

_BREAK = re.compile("(\r\n|[\r\n\x85\u2028\u2029])")  # what the parser counts as the end of a line


class Sheet:
    """Lines and columns count from 0 here, as the parser's do; columns are those of the mended."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        pieces = _BREAK.split(text)
        self.lines = pieces[::2]
        self._breaks = [*pieces[1::2], ""]
        self._written = tuple(self.lines)
        self._shifts: dict[int, list[tuple[int, int]]] = {}
        self._masks: dict[int, list[tuple[int, int]]] = {}
        self.is_whole = True
        """False when a line was given up, so that something may seem to be missing."""
        self.has_guessed_indents = False
        """True when tabs were replaced: how many spaces each stands for is a guess."""

    @property
    def text(self) -> str:
        """All lines as they are by now, with the breaks that the file has between them."""
        pairs = zip(self.lines, self._breaks, strict=True)
        return "".join(part for pair in pairs for part in pair)

    def source(self, line: int) -> str:
        """A line as it is in the file; empty beyond the end."""
        return self._written[line] if 0 <= line < len(self._written) else ""

    def fault(self, line: int, column: int, problem: str, found: str = "", hint: str = "") -> Fault:
        """A mistake of form at a column of the file, which takes along the line it stands in."""
        return Fault(
            file=self.file,
            line=line + 1,
            column=column + 1,
            path="",
            problem=problem,
            found=found,
            hint=hint,
            source=self.source(line),
            is_of_form=True,
        )

    def column(self, line: int, column: int) -> int:
        """The column in the file of what is at this column of the mended line."""
        for start, added in reversed(self._shifts.get(line, [])):
            if column >= start + max(added, 0):
                column -= added
            elif column > start:
                column = start
        return column

    def indent_of(self, line: int) -> int:
        """Columns before the first character that is no space; of a line in it."""
        text = self.lines[line]
        return len(text) - len(text.lstrip(" "))

    def is_blank(self, line: int) -> bool:
        """Whether there is nothing on the line but a comment."""
        text = self.lines[line].strip()
        return not text or text.startswith("#")

    def above(self, line: int) -> int | None:
        """The nearest line above that holds something."""
        return next((n for n in range(line - 1, -1, -1) if not self.is_blank(n)), None)

    def insert(self, line: int, column: int, text: str) -> None:
        """Put text in front of what stands at a column."""
        self._replace(line, column, column, text)

    def indent(self, line: int, columns: int) -> None:
        """Give a line another indentation, and what is indented deeper below it as much more."""
        own = self.indent_of(line)
        end = line + 1
        while end < len(self.lines) and (self.is_blank(end) or self.indent_of(end) > own):
            end += 1
        for number in range(line, end):
            before = self.indent_of(number)
            if not self.is_blank(number):
                self._replace(number, 0, before, " " * max(before + columns - own, 0))

    def untab(self, line: int, width: int) -> None:
        """Replace the tabs that a line begins with."""
        text = self.lines[line]
        length = len(text) - len(text.lstrip(" \t"))
        self._replace(line, 0, length, text[:length].replace("\t", " " * width))
        self.has_guessed_indents = True

    def erase(self, line: int, column: int) -> None:
        """Replace one character by a space."""
        text = self.lines[line]
        self.lines[line] = f"{text[:column]} {text[column + 1 :]}"

    def delete(self, line: int, column: int) -> None:
        """Take one character out; what follows it moves to the left."""
        self._replace(line, column, column + 1, "")

    def mask(self, line: int, start: int, end: int) -> None:
        """Put harmless text of the same length there; what stood there cannot be read."""
        text = self.lines[line]
        self.lines[line] = text[:start] + "x" * (end - start) + text[end:]
        self._masks.setdefault(line, []).append((start, end))

    def give_up(self, line: int) -> None:
        """Leave a line out; the sheet is not whole any more."""
        self.lines[line] = ""
        self.is_whole = False

    def is_masked(self, line: int, column: int) -> bool:
        """Whether what begins there stands for something that cannot be read."""
        return any(start <= column < end for start, end in self._masks.get(line, []))

    def _replace(self, line: int, start: int, end: int, text: str) -> None:
        before = self.lines[line]
        self.lines[line] = before[:start] + text + before[end:]
        added = len(text) - (end - start)
        if added:
            self._shifts.setdefault(line, []).append((start, added))
            self._masks[line] = [
                (a + added, b + added) if a >= start else (a, b)
                for a, b in self._masks.get(line, [])
            ]
