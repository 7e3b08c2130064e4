"""YAML's own mistakes in human words.

The parser says where it stumbled and over what token; what was probably meant stands in the lines
around. Each mistake is told at the place where it is to be cured, and mended where it is clear how,
so that reading goes on and one mistake does not hide the next.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from simtraffic.documents.layout import block_end, indented, open_bracket
from simtraffic.documents.stumble import (
    FRESH,
    ITEM,
    KEY,
    Mistake,
    Stumble,
    closes_nothing,
    value_start,
)

if TYPE_CHECKING:
    from ruamel.yaml.error import MarkedYAMLError

    from simtraffic.documents.sheet import Sheet

_NO_COLON = re.compile(rf"\s*(?:- +)*({KEY})(?:\s+(.*))?$")
_NO_SPACE = re.compile(rf"\s*(?:- +)*(?P<key>{KEY}?):(?P<value>[^\s:/].*)$")
_DASH = re.compile(r"\s*-[^\s-]")
_OTHER_COLON = re.compile("[\uff1a\ufe55\u02d0\ua789]")


def diagnosed(sheet: Sheet, error: MarkedYAMLError) -> Mistake:
    """What a person would say of the parser's error."""
    place = error.problem_mark or error.context_mark
    line = min(place.line, len(sheet.lines) - 1) if place else 0
    column = place.column if place and line == place.line else len(sheet.lines[line])
    context = error.context_mark or place
    stumble = Stumble(
        sheet=sheet,
        line=line,
        column=column,
        from_line=context.line if context else line,
        from_column=context.column if context else column,
        problem=str(error.problem or ""),
        context=str(error.context or ""),
    )
    for look in _LOOKS:
        mistake = look(stumble)
        if mistake is not None:
            return mistake
    return stumble.unclear()


def _open_quote(at: Stumble) -> Mistake | None:
    """A quote that swallowed the lines below it."""
    opened = _quote_left_open(at.sheet, at.line)
    if opened is None:
        return None
    line, column = opened
    text = at.sheet.lines[line]
    quote = text[column]
    fault = at.fault(
        line,
        column,
        "a quote that is never closed",
        at.shown(line, column),
        f"close it with {quote}",
    )
    return Mistake(fault, lambda sheet: sheet.insert(line, len(text.rstrip()), quote))


def _quote_left_open(sheet: Sheet, upto: int) -> tuple[int, int] | None:
    opened: tuple[int, int] | None = None
    for number in range(min(upto + 1, len(sheet.lines))):
        text = sheet.lines[number]
        if opened is not None and FRESH.match(text):
            return opened
        start = 0
        if opened is not None:
            start = _closing(text, 0, sheet.lines[opened[0]][opened[1]])
            if start < 0:
                continue
            opened = None
        at = _opened_in(text, start)
        opened = None if at < 0 else (number, at)
    return opened if upto >= len(sheet.lines) - 1 else None


def _opened_in(text: str, start: int) -> int:
    """The column of a quote that the line opens and does not close; -1 when there is none."""
    at = start
    while at < len(text):
        before = text[:at].rstrip()
        char = text[at]
        if char == "#" and (at == 0 or text[at - 1] == " "):
            return -1
        is_first = not before or before[-1] in "[{," or (text[at - 1] == " " and before[-1] in ":-")
        if char in "\"'" and is_first:
            end = _closing(text, at + 1, char)
            if end < 0:
                return at
            at = end
            continue
        at += 1
    return -1


def _closing(text: str, start: int, quote: str) -> int:
    """The column after the quote that closes; -1 when none does."""
    at = start
    while at < len(text):
        if quote == '"' and text[at] == "\\":
            at += 2
            continue
        if text[at] == quote:
            if quote == "'" and text[at + 1 : at + 2] == "'":
                at += 2
                continue
            return at + 1
        at += 1
    return -1


def _escape(at: Stumble) -> Mistake | None:
    """A backslash in double quotes, as of a Windows path."""
    if "escape" not in at.problem or "double-quoted" not in at.context:
        return None
    start = at.text.rfind("\\", 0, at.column + 1)
    end = max(_closing(at.text, at.from_column + 1, '"'), at.column + 1)
    problem = "a backslash that means nothing in double quotes"
    hint = "write the value in single quotes, or each backslash twice"
    fault = at.fault(at.line, start, problem, at.shown(at.line, start, start + 2), hint)
    if at.from_line != at.line:
        return Mistake(fault)
    return Mistake(fault, lambda sheet: sheet.mask(at.line, at.from_column, end))


def _tab(at: Stumble) -> Mistake | None:
    if at.text[at.column : at.column + 1] != "\t" or "cannot start any token" not in at.problem:
        return None
    found = at.shown(at.line, at.column)
    fault = at.fault(at.line, at.column, "a tab", found, "YAML wants spaces between its parts")

    def mend(sheet: Sheet) -> None:
        for column, char in enumerate(sheet.lines[at.line]):
            if char == "\t" and column >= at.column:
                sheet.erase(at.line, column)

    return Mistake(fault, mend)


_VALUE_STARTS = (
    "cannot start any token",
    "expected alphabetic or numeric character",
    "mapping keys are not allowed here",
    "expected the node content",
    "expected chomping",
    "expected a comment or a line break",
)


def _reserved_start(at: Stumble) -> Mistake | None:
    """A value that begins with a character of which YAML makes something else."""
    if not any(said in at.problem for said in _VALUE_STARTS):
        return None
    line, column = at.line, at.column
    if "scanning an" in at.context or "scanning a block scalar" in at.context:
        line, column = at.from_line, at.from_column
    char = at.sheet.lines[line][column : column + 1]
    if not char:
        return None
    if char in "]}":
        return closes_nothing(at)
    return at.unquoted(line, column, f"a value cannot start with {char}")


def _tag(at: Stumble) -> Mistake | None:
    if "a tag" not in at.context and "tag handle" not in at.problem:
        return None
    start = at.text.rfind("!", 0, at.column + 1)
    start = at.text.rfind(" ", 0, start) + 1 if start >= 0 else at.column
    return at.unquoted(at.line, start, "a value cannot start with !")


def _list_on_line(at: Stumble) -> Mistake | None:
    if "sequence entries are not allowed here" not in at.problem:
        return None
    mistake = at.unquoted(at.line, at.column, "a list cannot begin on the line of its key")
    hint = "write it on the lines below, or as [a, b]"
    return Mistake(replace(mistake.fault, hint=hint), mistake.mend)


def _colon(at: Stumble) -> Mistake | None:
    """A colon where none may be: inside a value, or after lines that went wrong."""
    if "mapping values are not allowed here" in at.problem:
        start = value_start(at.text, at.column)
        if start is not None:
            mistake = at.unquoted(at.line, start, "a colon inside a value")
            fault = replace(mistake.fault, column=at.sheet.column(at.line, at.column) + 1)
            return Mistake(fault, mistake.mend)
        above = at.sheet.above(at.line)
        if above is None:
            return None
        return colonless(at, above) or indented(at, above)
    if "could not find expected ':'" in at.problem:
        return colonless(at, at.from_line)
    return None


def colonless(at: Stumble, line: int) -> Mistake | None:
    """A line that has no colon, none with a space after it, or a dash without one."""
    text = at.sheet.lines[line]
    start = len(ITEM.match(text)[0])  # type: ignore[index]
    other = _OTHER_COLON.search(text)
    if other and ":" not in text[: other.start()]:
        fault = at.fault(
            line, other.start(), "not the colon of YAML", at.shown(line, start), "write :"
        )

        def mend(sheet: Sheet) -> None:
            sheet.erase(line, other.start())
            sheet.insert(line, other.start(), ":")

        return Mistake(fault, mend)
    if text.lstrip().startswith(("//", "/*", "*/")):
        fault = at.fault(
            line, start, "a comment begins with #", at.shown(line, start), "write # there"
        )
        return Mistake(fault, lambda sheet: sheet.give_up(line))
    if _DASH.match(text):
        column = text.index("-")
        fault = at.fault(
            line,
            column + 1,
            "a space is missing after -",
            at.shown(line, column),
            "write - before it",
        )
        return Mistake(fault, lambda sheet: sheet.insert(line, column + 1, " "))
    tight = _NO_SPACE.match(text)
    if tight and ": " not in text:
        column = tight.end("key") + 1
        hint = f"write {tight['key']}: {tight['value']}"
        fault = at.fault(line, column, "a space is missing after :", at.shown(line, start), hint)
        return Mistake(fault, lambda sheet: sheet.insert(line, column, " "))
    bare = _NO_COLON.match(text)
    if bare is None or ":" in text:
        return None
    value = (bare[2] or "").removeprefix("=").strip()
    hint = f"write {bare[1]}: {value}".rstrip()
    fault = at.fault(line, start, "a colon is missing", at.shown(line, start), hint)
    if (bare[2] or "").startswith("="):
        return Mistake(fault, lambda sheet: sheet.give_up(line))
    return Mistake(fault, lambda sheet: sheet.insert(line, bare.end(1), ":"))


_LOOKS: tuple[Callable[[Stumble], Mistake | None], ...] = (
    _open_quote,
    _escape,
    _tab,
    _tag,
    _reserved_start,
    _list_on_line,
    _colon,
    open_bracket,
    block_end,
)
