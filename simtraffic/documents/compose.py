"""YAML text to a :mod:`tree <simtraffic.documents.tree>`, with every fault of form on the way.

Built on the parser's events, so that duplicate keys, tags, anchors, depth and the size of expanded
aliases are decided here and nothing is read that was not meant.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from simtraffic.documents.mistakes import diagnosed
from simtraffic.documents.references import UnfilledError, has_references, substituted
from simtraffic.documents.sheet import Sheet
from simtraffic.documents.slips import Slip, slips
from simtraffic.documents.stumble import Mistake
from simtraffic.documents.tree import (
    UNREAD,
    Mapping,
    Mark,
    Node,
    Path,
    Referenced,
    Scalar,
    Sequence,
    children,
    printable,
    quoted,
    resolve,
)

if TYPE_CHECKING:
    from simtraffic.errors import Fault

MAX_DEPTH = 40
MAX_MISTAKES = 20
"""So many mistakes of YAML are told in one go."""
MAX_REREAD = 200_000
"""Characters; in a larger text the first mistake is told alone, to be quick."""
MAX_ALIASED_NODES = 10_000

# Besides its own errors the parser lets these out on hostile text, such as "\U00110000".
_PARSER_ERRORS = (YAMLError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError)
_CORE = "tag:yaml.org,2002:"
_DASHED = re.compile(r"-[A-Za-z_]")
_ITEM = re.compile(r"-(?: |[A-Za-z_])")


class _Mistaken(Exception):  # noqa: N818 - internal: YAML stumbled
    """Carries what a person would say of it."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.slip.problem)
        self.mistake = mistake


class _Unreadable(Exception):  # noqa: N818 - internal: the rest of this document cannot be read
    """Stops the reading of one document; its fault is already noted."""


@dataclass(frozen=True, slots=True)
class Document:
    """What could be read of a YAML text."""

    tree: Mapping | None
    """None when nothing can be made of it."""
    faults: list[Fault]
    """Of form."""
    is_whole: bool
    """False when something was left out, so that keys may be missing for that reason alone."""


def compose(
    text: str, file: str, environ: MappingABC[str, str]
) -> tuple[Mapping | None, list[Fault]]:
    """The document's mapping, or None when nothing can be made of it, and the faults of form."""
    document = read_document(text, file, environ)
    return document.tree, document.faults


def read_document(text: str, file: str, environ: MappingABC[str, str]) -> Document:
    """The document, read over its mistakes where it is clear how it goes on after them."""
    sheet = Sheet(text)
    faults = [_told(sheet, file, slip) for slip in slips(sheet)]
    for _ in range(MAX_MISTAKES if len(text) <= MAX_REREAD else 1):
        composer = _Composer(sheet, file, environ)
        try:
            tree = composer.document()
        except _Unreadable:
            return Document(None, _in_order([*faults, *composer.faults]), is_whole=False)
        except _Mistaken as error:
            mistake = error.mistake
            if not (mistake.is_of_indents and sheet.has_guessed_indents):
                faults.append(_told(sheet, file, mistake.slip))
            if mistake.mend is None or (mistake.is_of_indents and sheet.has_guessed_indents):
                return Document(None, _in_order([*faults, *composer.faults]), is_whole=False)
            mistake.mend(sheet)
        else:
            return Document(tree, _in_order([*faults, *composer.faults]), sheet.is_whole)
    return Document(None, _in_order(faults), is_whole=False)


def _told(sheet: Sheet, file: str, slip: Slip) -> Fault:
    mark = Mark(file, slip.line + 1, slip.column + 1)
    return sheet.shown(mark.fault((), slip.problem, slip.found, slip.hint))


def _in_order(faults: list[Fault]) -> list[Fault]:
    """By place, each once; the first that a mended text brought out twice."""
    kept: dict[tuple[int, int, str], Fault] = {}
    for fault in faults:
        kept.setdefault((fault.line, fault.column, fault.problem), fault)
    return sorted(kept.values(), key=lambda fault: (fault.line, fault.column))


class _Composer:
    """Reads one document; ``faults`` grows on the way."""

    def __init__(self, sheet: Sheet, file: str, environ: MappingABC[str, str]) -> None:
        self.faults: list[Fault] = []
        self._sheet = sheet
        self._text = sheet.text
        self._file = file
        self._environ = environ
        self._anchors: dict[str, Node | None] = {}  # None while the node is still being read
        self._extents: dict[int, tuple[int, int]] = {}  # of what aliases named, by identity
        self._unused: dict[str, tuple[Mark, Path]] = {}  # anchors of scalars without an alias
        self._aliased = 0
        self._last = Mark(file, 1, 1)
        self._events = self._read_events()

    def document(self) -> Mapping:
        first = next(self._events)
        while isinstance(first, StreamStartEvent | DocumentStartEvent):
            first = next(self._events)
        if isinstance(first, StreamEndEvent):
            self._stop(
                self._last, (), "the file is empty", hint="simtraffic init writes a scenario"
            )
        root = self._node(first, ())
        self._expect_end()
        for name, (mark, path) in self._unused.items():
            hint = "put the value in quotes, or leave the anchor out"
            self._note(mark, path, "an anchor without an alias", f"found &{printable(name)}", hint)
        if isinstance(root, Scalar) and root.value is None:
            self._stop(root.mark, (), "the file is empty", hint="simtraffic init writes a scenario")
        if not isinstance(root, Mapping):
            kind = "a list" if isinstance(root, Sequence) else "a single value"
            self._stop(root.mark, (), "not a mapping", f"found {kind}", "start with version: 1")
        return root

    def _expect_end(self) -> None:
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                mark = self._mark(event)
                self._note(mark, (), "more than one document", hint="keep one scenario per file")
                return
            if not isinstance(event, DocumentEndEvent | StreamEndEvent):  # pragma: no cover
                self._stop(self._mark(event), (), "unexpected content after the document")

    def _read_events(self) -> Iterator[Any]:
        try:
            for event in YAML(typ="safe", pure=True).parse(self._text):
                self._last = self._mark(event)
                yield event
        except MarkedYAMLError as error:
            raise _Mistaken(diagnosed(self._sheet, error)) from error
        except _PARSER_ERRORS as error:
            line = self._last.line - 1
            hint = "look for a quote, bracket or escape gone wrong here"
            found = "found " + quoted(self._sheet.source(line).strip())
            slip = Slip(line, self._last.column - 1, "YAML cannot go on after this", found, hint)
            raise _Mistaken(Mistake(slip)) from error

    def _node(self, event: Any, path: Path) -> Node:
        if isinstance(event, AliasEvent):
            return self._alias(event, path)
        if len(path) > MAX_DEPTH:
            self._stop(self._mark(event), path[:4], f"nested deeper than {MAX_DEPTH} levels")
        anchor = event.anchor
        if anchor is not None:
            self._anchors[str(anchor)] = None
        node: Node
        if isinstance(event, ScalarEvent):
            node = self._scalar(event, path)
        elif isinstance(event, SequenceStartEvent):
            node = self._sequence(event, path)
        else:
            node = self._mapping(event, path)
        if anchor is not None:
            self._anchors[str(anchor)] = node
            if isinstance(event, ScalarEvent):
                self._unused[str(anchor)] = (self._mark(event), path)
        return node

    def _alias(self, event: Any, path: Path) -> Node:
        name, mark = str(event.anchor), self._mark(event)
        if name not in self._anchors:
            hint = f"put it in quotes; an alias needs &{printable(name)} above it"
            self._note(mark, path, "unknown alias", f"found *{printable(name)}", hint)
            return Scalar(mark, UNREAD, f"*{name}")
        self._unused.pop(name, None)
        node = self._anchors[name]
        if node is None:
            self._stop(mark, path, "alias inside itself", f"found *{printable(name)}")
        size, height = self._extent(node)
        self._aliased += size
        if self._aliased > MAX_ALIASED_NODES:
            self._stop(mark, path, f"aliases expand beyond {MAX_ALIASED_NODES:,} nodes")
        if len(path) + height > MAX_DEPTH:
            self._stop(mark, path[:4], f"nested deeper than {MAX_DEPTH} levels")
        return node

    def _extent(self, node: Node) -> tuple[int, int]:
        """Nodes and levels of a finished subtree; shared parts are walked once."""
        if isinstance(node, Scalar):
            return 1, 0
        known = self._extents.get(id(node))
        if known is None:
            extents = [self._extent(child) for child in children(node)]
            known = (
                1 + sum(size for size, _ in extents),
                1 + max((height for _, height in extents), default=0),
            )
            self._extents[id(node)] = known
        return known

    def _sequence(self, start: Any, path: Path) -> Sequence:
        mark = self._tagged(start, path, "seq")
        items: list[Node] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        return Sequence(mark, tuple(items))

    def _mapping(self, start: Any, path: Path) -> Mapping:
        mark = self._tagged(start, path, "map")
        entries: dict[str, tuple[Mark, Node]] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            key_mark = self._mark(event)
            key = self._key(event, path)
            value = self._node(next(self._events), (*path, "?" if key is None else key))
            if key is None:
                continue
            if ":" in key and _is_nothing(value):
                key, value = self._split(key, key_mark, path)
            if key in entries:
                line = entries[key][0].line
                self._note(
                    key_mark, (*path, key), "duplicate key", f"first on line {line}", "remove one"
                )
                continue
            entries[key] = (key_mark, value)
        return Mapping(mark, entries)

    def _split(self, text: str, mark: Mark, path: Path) -> tuple[str, Node]:
        """The key of ``{rate:5/s}``, which YAML reads as a key without a value."""
        key, _, value = text.partition(":")
        hint = f"write {printable(key)}: {printable(value)}"
        self._note(mark, (*path, key), "a space is missing after :", f"found {quoted(text)}", hint)
        return key, Scalar(mark, UNREAD, value)

    def _key(self, event: Any, path: Path) -> str | None:
        """A key's text; None after a fault. Keys are never filled in from the environment."""
        mark = self._mark(event)
        if isinstance(event, AliasEvent) or not isinstance(event, ScalarEvent):
            self._note(mark, path, "a key must be plain text")
            self._node(event, (*path, "?"))
            return None
        if self._is_masked(event):
            return None
        self._tagged(event, path, "str")
        text = str(event.value)
        if text == "<<" and event.implicit[0]:
            self._note(mark, path, "merge keys are not read", 'found "<<"', "write the keys out")
            return None
        value = resolve(text) if event.implicit[0] and event.tag is None else text
        if event.implicit[0] and _DASHED.match(text):
            hint = f"write - {printable(text[1:])}"
            self._note(mark, path, "a space is missing after -", f"found {quoted(text)}", hint)
            return None
        if not isinstance(value, str):
            self._note(mark, path, "a key must be text", f"found {printable(text)}", "quote it")
            return None
        return value if self._is_clean(value, mark, path) else None

    def _scalar(self, event: Any, path: Path) -> Scalar:
        text = str(event.value)
        if self._is_masked(event):
            return Scalar(self._mark(event), UNREAD, text)
        is_plain = bool(event.implicit[0]) and event.tag is None
        mark = self._tagged(event, path, "str", "int", "float", "bool", "null")
        if not self._is_clean(text, mark, path) or (is_plain and self._swallows(event, path)):
            return Scalar(mark, UNREAD, text)
        if has_references(text):
            return self._filled_in(text, mark, path, is_plain=is_plain)
        value = resolve(text) if is_plain or self._core_tag(event) not in {None, "str"} else text
        if isinstance(value, float) and not math.isfinite(value):
            self._note(mark, path, "not a finite number", f"found {printable(text)}")
            return Scalar(mark, UNREAD, text)
        return Scalar(mark, value, text, self._offset(event, text))

    def _swallows(self, event: Any, path: Path) -> bool:
        """Whether unquoted text goes on over a line that was meant to be an item of a list."""
        for line in range(event.start_mark.line + 1, event.end_mark.line + 1):
            indent = self._sheet.indent_of(line)
            text = self._sheet.lines[line][indent : event.end_mark.column + 1]
            if _ITEM.match(text):
                mark = Mark(self._file, line + 1, self._sheet.column(line, indent) + 1)
                found = f"found {quoted(self._sheet.lines[line].strip())}"
                hint = "indent it as the items above, with a space after -"
                self._note(mark, path, "an item that YAML adds to the text above", found, hint)
                return True
        return False

    def _filled_in(self, text: str, mark: Mark, path: Path, *, is_plain: bool) -> Scalar:
        try:
            value = Referenced(substituted(text, self._environ))
        except UnfilledError as error:
            self._note(mark, path, error.problem, f"found {quoted(text)}", error.hint)
            return Scalar(mark, UNREAD, text)
        value.quoted = not is_plain
        if not self._is_clean(value, mark, path):
            return Scalar(mark, UNREAD, text)
        return Scalar(mark, value, text)

    def _offset(self, event: Any, text: str) -> int | None:
        if event.start_mark.line != event.end_mark.line:
            return None
        written = self._text[event.start_mark.index : event.end_mark.index]
        at = written.find(text)
        return at if at >= 0 else None

    def _is_clean(self, text: str, mark: Mark, path: Path) -> bool:
        """Whether the text can be shown and sent; lone surrogates and NUL cannot."""
        if not any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text):
            return True
        self._note(mark, path, "a character that cannot be sent", f"found {quoted(text)}")
        return False

    def _tagged(self, event: Any, path: Path, *allowed: str) -> Mark:
        """The mark of a node, after noting a tag that is not YAML's own."""
        mark = self._mark(event)
        if event.tag is not None and self._core_tag(event) not in allowed:
            found = f"found {printable(str(event.tag))}"
            hint = "put the value in quotes, or leave the tag out"
            self._note(mark, path, "a tag that is not read", found, hint)
        return mark

    @staticmethod
    def _core_tag(event: Any) -> str | None:
        tag = str(event.tag) if event.tag is not None else None
        return tag.removeprefix(_CORE) if tag and tag.startswith(_CORE) else None

    def _mark(self, event: Any) -> Mark:
        """Where it is in the file."""
        line, column = event.start_mark.line, event.start_mark.column
        return Mark(self._file, line + 1, self._sheet.column(line, column) + 1)

    def _is_masked(self, event: Any) -> bool:
        return self._sheet.is_masked(event.start_mark.line, event.start_mark.column)

    def _note(self, mark: Mark, path: Path, problem: str, found: str = "", hint: str = "") -> None:
        fault = mark.fault(path, problem, found, hint)
        self.faults.append(self._sheet.shown(fault))

    def _stop(
        self, mark: Mark, path: Path, problem: str, found: str = "", hint: str = ""
    ) -> NoReturn:
        self._note(mark, path, problem, found, hint)
        raise _Unreadable


def _is_nothing(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None and not node.text
