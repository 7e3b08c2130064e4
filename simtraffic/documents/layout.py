"""Mistakes of indentation, of lists and keys at wrong places, and of brackets."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from simtraffic.documents.slips import value_end
from simtraffic.documents.stumble import (
    FRESH,
    ITEM,
    KEY,
    NAMES,
    Mistake,
    closes_nothing,
    value_start,
)

if TYPE_CHECKING:
    from simtraffic.documents.sheet import Sheet
    from simtraffic.documents.stumble import Stumble

_CLOSERS = {"[": "]", "{": "}"}


def indented(at: Stumble, above: int) -> Mistake | None:
    """A line that is indented other than those it belongs to."""
    sheet, line = at.sheet, at.line
    own = sheet.indent_of(line)
    beside = _neighbour(sheet, line, above, own)
    if beside is None or beside == own:
        return None
    problem = f"begins at column {own + 1}, its neighbours at {beside + 1}"
    more, fewer = ("more", "fewer") if beside - own not in {1, -1} else ("more", "less")
    count = abs(beside - own)
    hint = f"indent it by {count} {'space' if count == 1 else 'spaces'} "
    hint += more if beside > own else fewer
    fault = at.fault(line, own, problem, at.shown(line, own), hint)
    return Mistake(fault, lambda it: it.indent(line, beside), is_of_indents=True)


def _neighbour(sheet: Sheet, line: int, above: int, own: int) -> int | None:
    """The column at which the lines begin that this one seems to belong to."""
    is_item = sheet.lines[line].lstrip().startswith("- ")
    nearest: int | None = None
    number: int | None = above
    while number is not None:
        text = sheet.lines[number]
        dash = sheet.indent_of(number)
        key = len(ITEM.match(text)[0])  # type: ignore[index]
        column = dash if is_item else key
        # Of an item in brackets no line can be the neighbour.
        is_open = is_item or key == dash or text[key : key + 1] not in _CLOSERS
        if nearest is None and column < own:
            return column
        if is_open and column > own:
            nearest = column if nearest is None else min(nearest, column)
        if dash <= own:
            break
        number = sheet.above(number)
    return nearest


def block_end(at: Stumble) -> Mistake | None:
    """Something that cannot follow in a block."""
    if "expected <block end>" not in at.problem and "<document start>" not in at.problem:
        return None
    char = at.text[at.column : at.column + 1]
    if char in {"]", "}"}:
        return closes_nothing(at)
    if not at.is_at_start:
        return _after_value(at, char)
    above = at.sheet.above(at.line)
    if above is None:
        return None
    if at.column == at.from_column and "block mapping" in at.context and char == "-":
        fault = at.fault(
            at.line,
            at.column,
            "an item of a list among keys",
            at.shown(at.line, at.column),
            "write it below the key that it belongs to",
        )
        return Mistake(fault, lambda sheet: _give_up(sheet, at.line))
    if at.column == at.from_column and "block collection" in at.context:
        text = at.sheet.lines[above]
        beside = max(len(ITEM.match(text)[0]), at.column + 2)  # type: ignore[index]
        count = beside - at.column
        fault = at.fault(
            at.line,
            at.column,
            "a key among the items of a list",
            at.shown(at.line, at.column),
            f"indent it by {count} spaces more for the item above, or less to end the list",
        )
        return Mistake(fault, lambda it: it.indent(at.line, beside), is_of_indents=True)
    if "<document start>" in at.problem:
        return _directive(at) or _first_line(at)
    return indented(at, above)


def _directive(at: Stumble) -> Mistake | None:
    """A line that begins with a percent sign, which is for the parser."""
    number = next((n for n in range(at.line) if at.sheet.lines[n].startswith("%")), None)
    if number is None:
        return None
    found = at.shown(number, 0)
    fault = at.fault(number, 0, "a line cannot start with %", found, "write # before it")
    return Mistake(fault, lambda sheet: sheet.give_up(number))


def _give_up(sheet: Sheet, line: int) -> None:
    """Leave out a line and what belongs to it."""
    own = sheet.indent_of(line)
    sheet.give_up(line)
    for number in range(line + 1, len(sheet.lines)):
        if not sheet.is_blank(number) and sheet.indent_of(number) <= own:
            break
        sheet.give_up(number)


def _first_line(at: Stumble) -> Mistake | None:
    """The first line is indented more than those that follow."""
    first = next((n for n in range(at.line) if not at.sheet.is_blank(n)), None)
    if first is None or at.sheet.indent_of(first) <= at.column:
        return None
    own = at.sheet.indent_of(first)
    problem = f"begins at column {own + 1}, the lines below at {at.column + 1}"
    fault = at.fault(
        first, own, problem, at.shown(first, own), f"begin it at column {at.column + 1}"
    )

    def mend(sheet: Sheet) -> None:
        for number in range(first, at.line):
            if not sheet.is_blank(number) and sheet.indent_of(number) == own:
                sheet.indent(number, at.column)

    return Mistake(fault, mend, is_of_indents=True)


def _after_value(at: Stumble, char: str) -> Mistake | None:
    """Text after what a value has ended with."""
    before = at.text[: at.column].rstrip()
    if char == ",":
        hint = "leave it out; between lines there are none"
        fault = at.fault(
            at.line, at.column, "a comma after a value", at.shown(at.line, at.column), hint
        )
        return Mistake(fault, lambda sheet: sheet.erase(at.line, at.column))
    what = {'"': "quote", "'": "quote", "]": "bracket", "}": "brace"}.get(before[-1:])
    start = value_start(at.text, at.column)
    if start is None:
        start = len(ITEM.match(at.text)[0])  # type: ignore[index]
    if what is None:
        if at.text[start : start + 1] in {"*", "&", "!"}:
            return at.unquoted(at.line, start, f"a value cannot start with {at.text[start]}")
        return None
    hint = "put the whole value in quotes"
    if before[-1] == "'":
        hint = "inside single quotes write '' for '"
    mistake = at.unquoted(at.line, start, f"text after the {what} that closes")
    fault = replace(
        mistake.fault,
        column=at.sheet.column(at.line, at.column) + 1,
        found=at.shown(at.line, at.column),
        hint=hint,
    )
    return Mistake(fault, mistake.mend)


def open_bracket(at: Stumble) -> Mistake | None:
    """A list or mapping in brackets that is not closed, or lacks a comma."""
    if "a flow" not in at.context or "expected ','" not in at.problem:
        return None
    sheet, first = at.sheet, at.from_line
    opener = sheet.lines[first][at.from_column : at.from_column + 1]
    closer = _CLOSERS.get(opener)
    if closer is None:
        return None
    char = at.text[at.column : at.column + 1]
    if char in {"]", "}"}:
        where = (
            f"the {opener} of line {first + 1}, column {sheet.column(first, at.from_column) + 1}"
        )
        fault = at.fault(
            at.line, at.column, f"{where} is closed by {char}", "", f"write {closer} before it"
        )
        return Mistake(fault, lambda it: it.insert(at.line, at.column, closer))
    is_over = "<stream end>" in at.problem
    for number in range(first + 1, at.line + 1):
        is_outside = sheet.indent_of(number) <= sheet.indent_of(first)
        if is_outside and FRESH.match(sheet.lines[number]):
            is_over = True
            break
    if is_over:
        return _never_closed(at, opener, closer)
    return _comma(at, char)


def _never_closed(at: Stumble, opener: str, closer: str) -> Mistake:
    sheet, first = at.sheet, at.from_line
    last = first
    for number in range(first + 1, min(at.line + 1, len(sheet.lines))):
        if sheet.is_blank(number):
            continue
        if sheet.indent_of(number) <= sheet.indent_of(first):
            break
        last = number
    fault = at.fault(
        first,
        at.from_column,
        f"a {NAMES[opener]} that is never closed",
        at.shown(first, at.from_column),
        f"close it with {closer}",
    )
    end = value_end(sheet.lines[last], at.from_column + 1 if last == first else 0)
    end = max(end, len(sheet.lines[last].partition(" #")[0].rstrip()))
    return Mistake(fault, lambda it: it.insert(last, end, closer))


def _comma(at: Stumble, char: str) -> Mistake:
    """A comma is missing before what stands there, or a colon is one too many."""
    line, column = at.line, at.column
    if char == ":":
        before = at.text[:column]
        entry = re.search(r"[^,\[{]*$", before)
        said = entry[0].strip() if entry else ""
        inside = re.match(rf"({KEY}\s*:)\s+(\S+)$", said)
        if inside:
            start = column - len(inside[2])
            mistake = at.unquoted(line, start, "a colon inside a value")
            fault = replace(mistake.fault, column=at.sheet.column(line, column) + 1)
            return Mistake(fault, mistake.mend)
        word = re.search(rf"{KEY}\s*$", before)
        column = word.start() if word else column
    if not at.text[:column].strip():
        above = at.sheet.above(line)
        line = line if above is None else above
        column = len(at.sheet.lines[line].partition(" #")[0].rstrip())
        found = at.shown(line, 0)
    else:
        found = at.shown(line, column)
    fault = at.fault(line, column, "a comma is missing before this", found, "write one")
    if line != at.line:
        fault = replace(fault, problem="a comma is missing after this")
    return Mistake(fault, lambda sheet: sheet.insert(line, column, ", "))
