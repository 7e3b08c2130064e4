"""Slips of the pen that are seen in the text itself, before YAML is asked.

Some make the parser stumble far from where they are, others it takes for text: tabs, characters
that nobody sees, templates, quotes of word processors, the marks of a merge.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING

from simtraffic.documents.tree import printable, quoted

if TYPE_CHECKING:
    from simtraffic.documents.sheet import Sheet
    from simtraffic.errors import Fault

MOST = 20
"""So many slips of a file are told one by one."""


_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_NOTHING = "\u00ad\u200b-\u200f\u2060\ufeff"
_UNSEEN = re.compile(f"[{_SPACES}{_NOTHING}]")
_EDGES = re.compile(f"^[- \t{_SPACES}{_NOTHING}]*|[ \t{_SPACES}{_NOTHING}]*$")
_KEY = re.compile(f"^[^\"'#\\[{{]*?:(?=[ \t{_SPACES}{_NOTHING}]|$)[ \t{_SPACES}{_NOTHING}]*")
_CONFLICT = re.compile(r"(<{7}|={7}|>{7}|\|{7})(?: |$)")
_BEFORE_VALUE = r"(?:(?<=: )|(?<=- )|(?<=[\[,] )|(?<=\[))"
_TEMPLATE = re.compile(r"(?:(?<=: )|(?<=- )|(?<=[\[,] )|(?<=\[)|^\s*)(\{\{|\{%)")
_SMART = re.compile(
    _BEFORE_VALUE + "([\u201c\u201d\u201e\u00ab\u2018\u201a][^,\\]}#]*[\u201d\u201c\u00bb\u2019])"
)
_BLOCK = re.compile(r"(?:^|[:-] +|\s)[|>][-+0-9]{0,2}\s*(?:#.*)?$")


def slips(sheet: Sheet) -> list[Fault]:
    """What is found, with the sheet mended so that the rest can be read."""
    found = [*_conflicts(sheet)]
    width = _indent_width(sheet)
    # Inside of brackets tabs are as good as spaces.
    is_json = next(filter(None, map(str.strip, sheet.lines)), "").startswith(("{", "["))
    for line in _code_lines(sheet):
        found += [*_forbidden(sheet, line), *_unseen(sheet, line)]
        found += [] if is_json else [*_tabs(sheet, line, width)]
        found += [*_templates(sheet, line), *_smart_quotes(sheet, line)]
        if len(found) > MOST:
            break
    return found


def _code_lines(sheet: Sheet) -> Iterator[int]:
    """Lines outside block scalars, comments and quotes that go on from line to line."""
    block: int | None = None
    for number in range(len(sheet.lines)):
        text = sheet.lines[number]
        indent = len(text) - len(text.lstrip(" \t"))
        if block is not None and (not text.strip() or indent > block):
            continue
        block = None
        if not sheet.is_blank(number):
            yield number
            if _BLOCK.search(sheet.lines[number]):
                block = sheet.indent_of(number)


def _conflicts(sheet: Sheet) -> Iterator[Fault]:
    """A merge that was not resolved, once; its upper version is read."""
    start: int | None = None
    is_lower = False
    for number, text in enumerate(sheet.lines):
        match = _CONFLICT.match(text)
        mark = match[1][0] if match else ""
        if mark == "<":
            start, is_lower = number, False
            hint = "keep one of the two versions and delete the marks"
            yield sheet.fault(number, 0, "a merge conflict that is not resolved", shown(text), hint)
        if start is None:
            continue
        is_lower |= mark in ("=", "|") and bool(mark)
        if mark or is_lower:
            sheet.lines[number] = ""
        if mark == ">":
            start, is_lower = None, False


def _forbidden(sheet: Sheet, line: int) -> Iterator[Fault]:
    for match in _FORBIDDEN.finditer(sheet.lines[line]):
        column = sheet.column(line, match.start())
        found = f"found {_code(match[0])}"
        yield sheet.fault(line, column, "a character that YAML forbids", found, "delete it")
        sheet.mask(line, *match.span())


def _unseen(sheet: Sheet, line: int) -> Iterator[Fault]:
    """Characters that look like a space or like nothing, where YAML wants a space or nothing."""
    text = sheet.lines[line]
    if not _UNSEEN.search(text):
        return
    spans = [match.span() for match in (*_EDGES.finditer(text), *_KEY.finditer(text))]
    places = {at for start, end in spans for at in range(start, end) if _UNSEEN.match(text[at])}
    for at in sorted(places, reverse=True):
        name = unicodedata.name(text[at], "a control character").lower()
        is_space = unicodedata.category(text[at]) == "Zs"
        hint = "type a space over it" if is_space else "delete it"
        found = f"found {_code(text[at])}, {name}"
        yield sheet.fault(line, sheet.column(line, at), "a character that nobody sees", found, hint)
        (sheet.erase if is_space else sheet.delete)(line, at)


def _tabs(sheet: Sheet, line: int, width: int) -> Iterator[Fault]:
    text = sheet.lines[line]
    at = text.find("\t", 0, len(text) - len(text.lstrip(" \t")))
    if at >= 0:
        yield sheet.fault(line, at, "a tab", shown(text.strip()), "YAML wants spaces to indent")
        sheet.untab(line, width)


def _indent_width(sheet: Sheet) -> int:
    """The spaces that one step seems to have in this file."""
    steps = [sheet.indent_of(n) for n in range(len(sheet.lines)) if not sheet.is_blank(n)]
    return min((step for step in steps if step > 1), default=2)


def _templates(sheet: Sheet, line: int) -> Iterator[Fault]:
    match = _TEMPLATE.search(sheet.lines[line])
    if match is None:
        return
    text, start = sheet.lines[line], match.start(1)
    hint = "write ${NAME}, or put it in quotes to mean it literally"
    column = sheet.column(line, start)
    yield sheet.fault(line, column, "a template is not filled in", shown(text[start:]), hint)
    if text[:start].strip(" -"):
        sheet.mask(line, start, value_end(text, start))
    else:
        sheet.give_up(line)


def _smart_quotes(sheet: Sheet, line: int) -> Iterator[Fault]:
    match = _SMART.search(sheet.lines[line])
    if match is not None:
        column = sheet.column(line, match.start(1))
        hint = "write \" or '"
        yield sheet.fault(line, column, "quotes that YAML does not know", shown(match[1]), hint)
        sheet.mask(line, *match.span(1))


def value_end(text: str, start: int) -> int:
    """Where a value that begins here ends: at a comment, or at the end of brackets around it."""
    is_flow = _depth(text[:start]) > 0
    end, depth = start, 0
    while end < len(text):
        char = text[end]
        if char == "#" and text[end - 1 : end] in {" ", "\t"}:
            break
        depth += (char in "[{") - (char in "]}")
        if is_flow and (depth < 0 or (char == "," and depth == 0)):
            break
        end += 1
    return len(text[:end].rstrip())


def _depth(text: str) -> int:
    """Brackets that are open after this text."""
    return sum((char in "[{") - (char in "]}") for char in text)


def shown(text: str) -> str:
    """What stands there, for the middle of a fault; in quotes unless it has some."""
    return "found " + (printable(text) if '"' in text else quoted(text))


def _code(character: str) -> str:
    return f"U+{ord(character):04X}"
