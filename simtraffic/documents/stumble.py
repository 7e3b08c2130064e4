"""Where YAML's parser stumbled, and what is made of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simtraffic.documents.slips import shown, value_end

if TYPE_CHECKING:
    from simtraffic.documents.sheet import Sheet
    from simtraffic.errors import Fault

KEY = r"(?:[\w./@+-]+|\"[^\"]*\"|'[^']*')"
"""What stands before a colon."""
FRESH = re.compile(rf"\s*(?:- +)*{KEY}\s*:(?:\s|$)|\s*- ")
"""A line on which a key or an item begins."""
ITEM = re.compile(r"\s*(-+ +)*")
"""What stands before the key of a line, dashes included."""
_QUOTE_IT = "put the value in quotes"


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, and how the sheet is mended so that the rest can be read."""

    fault: Fault
    mend: Callable[[Sheet], None] | None = None
    """None when what follows cannot be made sense of."""
    is_of_indents: bool = False


@dataclass(frozen=True, slots=True)
class Stumble:
    """Where the parser stumbled, over what, and inside of what."""

    sheet: Sheet
    line: int
    column: int
    from_line: int
    from_column: int
    problem: str
    context: str

    @property
    def text(self) -> str:
        """The line where it stumbled."""
        return self.sheet.lines[self.line]

    @property
    def is_at_start(self) -> bool:
        """Whether nothing but spaces stands before on the line."""
        return not self.text[: self.column].strip()

    def fault(self, line: int, column: int, problem: str, found: str = "", hint: str = "") -> Fault:
        """At this place of the mended text."""
        return self.sheet.fault(line, self.sheet.column(line, column), problem, found, hint)

    def shown(self, line: int, start: int, end: int | None = None) -> str:
        """What stands there, for the middle of a fault."""
        said = self.sheet.lines[line][start:end].strip()
        return shown(said) if said else ""

    def unquoted(self, line: int, start: int, problem: str, hint: str = _QUOTE_IT) -> Mistake:
        """A value that has to be in quotes."""
        end = max(value_end(self.sheet.lines[line], start), start + 1)
        fault = self.fault(line, start, problem, self.shown(line, start, end), hint)
        return Mistake(fault, lambda sheet: sheet.mask(line, start, end))

    def unclear(self) -> Mistake:
        """When no cause is seen."""
        hint = "look for a quote, bracket, colon or indentation gone wrong here or just above"
        return Mistake(
            self.fault(
                self.line,
                self.column,
                "YAML does not go on like this",
                self.shown(self.line, self.column),
                hint,
            )
        )


def value_start(text: str, column: int) -> int | None:
    """Where the value begins that the colon at this column stands in; None outside of values."""
    key = re.match(rf"\s*(?:- +)*{KEY}\s*:\s+", text[:column])
    return key.end() if key else None


def closes_nothing(at: Stumble) -> Mistake:
    """A bracket or brace that was not opened."""
    char = at.text[at.column]
    problem = f"a {NAMES[char]} that closes nothing"
    fault = at.fault(
        at.line, at.column, problem, f"found {char}", "leave it out, or open it before"
    )
    return Mistake(fault, lambda sheet: sheet.erase(at.line, at.column))


NAMES = {"[": "bracket", "{": "brace", "]": "bracket", "}": "brace"}
