"""YAML text to a :mod:`tree <simtraffic.documents.tree>`, with every fault of form on the way.

Built on the parser's events, so that duplicate keys, tags, anchors, depth and the size of expanded
aliases are decided here and nothing is read that was not meant.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from collections.abc import Mapping as MappingABC
from dataclasses import replace
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

from simtraffic.documents.references import has_references, substituted
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
    dotted,
    printable,
    quoted,
    resolve,
)

if TYPE_CHECKING:
    from simtraffic.documents.sheet import Sheet
    from simtraffic.errors import Fault

MAX_DEPTH = 40
MAX_ALIASED_NODES = 10_000

# Besides its own errors the parser lets these out on hostile text, such as "\U00110000".
_PARSER_ERRORS = (YAMLError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError)
_KEYS = "write keys with values"
_CORE = "tag:yaml.org,2002:"
_UNSENDABLE = re.compile("[\0\ud800-\udfff]")
_DASHED = re.compile(r"-[A-Za-z_]")
_ITEM = re.compile(r"-(?: |[A-Za-z_])")


class Composer:
    """Reads one document; ``faults`` grows on the way."""

    def __init__(
        self, sheet: Sheet, environ: MappingABC[str, str] | None, hints: MappingABC[str, str]
    ) -> None:
        """For one reading of the sheet.

        Args:
            sheet: The text.
            environ: Values for ``${NAME}``; None leaves references as they are written.
            hints: What to do, by problem, where somebody knows better than YAML does.
        """
        self.faults: list[Fault] = []
        self._sheet = sheet
        self._text = sheet.text
        self._file = sheet.file
        self._environ = environ
        self._hints = hints
        self._anchors: dict[str, Node | None] = {}  # None while the node is still being read
        self._extents: dict[int, tuple[int, int]] = {}  # of what aliases named, by identity
        self._unused: dict[str, tuple[Mark, Path]] = {}  # anchors of scalars without an alias
        self._aliased = 0
        self._last = Mark(sheet.file, 1, 1)
        self._events = self._read_events()

    def document(self) -> Mapping:
        """The mapping that the document is.

        Raises:
            MarkedYAMLError: YAML stumbled; what was meant may be clear, so that it can be mended.
            YAMLError: Nothing can be made of it; why is among the faults.
        """
        first = next(self._events)
        while isinstance(first, StreamStartEvent | DocumentStartEvent):
            first = next(self._events)
        if isinstance(first, StreamEndEvent):
            self._stop(self._last, (), "the file is empty", hint=_KEYS)
        root = self._node(first, ())
        self._expect_end()
        for name, (mark, path) in self._unused.items():
            hint = "put the value in quotes, or leave the anchor out"
            self._note(mark, path, "an anchor without an alias", f"found &{printable(name)}", hint)
        if isinstance(root, Scalar) and root.value is None:
            self._stop(root.mark, (), "the file is empty", hint=_KEYS)
        if not isinstance(root, Mapping):
            kind = "a list" if isinstance(root, Sequence) else "a single value"
            self._stop(root.mark, (), "not a mapping", f"found {kind}", _KEYS)
        return root

    def _expect_end(self) -> None:
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                mark = self._mark(event)
                self._note(mark, (), "more than one document", hint="keep one per file")
                return
            if not isinstance(event, DocumentEndEvent | StreamEndEvent):  # pragma: no cover
                self._stop(self._mark(event), (), "unexpected content after the document")

    def _read_events(self) -> Iterator[Any]:
        try:
            for event in YAML(typ="safe", pure=True).parse(self._text):
                self._last = self._mark(event)
                yield event
        except MarkedYAMLError:
            raise
        except _PARSER_ERRORS:
            line = self._last.line - 1
            hint = "look for a quote, bracket or escape gone wrong here"
            found = "found " + quoted(self._sheet.source(line).strip())
            self._stop(self._last, (), "YAML cannot go on after this", found, hint)

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
        text = _joined(str(event.value))
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
        text = _joined(str(event.value))
        if self._is_masked(event):
            return Scalar(self._mark(event), UNREAD, text)
        is_plain = bool(event.implicit[0]) and event.tag is None
        mark = self._tagged(event, path, "str", "int", "float", "bool", "null")
        if not self._is_clean(text, mark, path) or (is_plain and self._swallows(event, path)):
            return Scalar(mark, UNREAD, text)
        if self._environ is not None and has_references(text):
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
        filled, wrong = substituted(text, self._environ or {})
        for problem, hint in wrong:
            self._note(mark, path, problem, f"found {quoted(text)}", hint)
        if wrong:
            return Scalar(mark, UNREAD, text)
        value = Referenced(filled)
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
        if not _UNSENDABLE.search(text):
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
        hint = self._hints.get(problem, hint)
        fault = self._sheet.fault(mark.line - 1, mark.column - 1, problem, found, hint)
        self.faults.append(replace(fault, path=dotted(path)))

    def _stop(
        self, mark: Mark, path: Path, problem: str, found: str = "", hint: str = ""
    ) -> NoReturn:
        self._note(mark, path, problem, found, hint)
        raise YAMLError("the rest of the document cannot be read")


def _joined(text: str) -> str:
    """Pairs of surrogates as the characters that JSON means by them."""
    if not _UNSENDABLE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _is_nothing(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None and not node.text
