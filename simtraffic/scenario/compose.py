"""YAML text to a :mod:`tree <simtraffic.scenario.tree>`, with every fault of form on the way.

Built on the parser's events, so that duplicate keys, tags, anchors, depth and the size of expanded
aliases are decided here and nothing is read that was not meant.
"""

from __future__ import annotations

import math
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
from ruamel.yaml.reader import ReaderError

from simtraffic.scenario.references import UnfilledError, has_references, substituted
from simtraffic.scenario.tree import (
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
    from collections.abc import Iterator
    from collections.abc import Mapping as MappingABC

    from simtraffic.errors import Fault

MAX_DEPTH = 40
MAX_ALIASED_NODES = 10_000

# Besides its own errors the parser lets these out on hostile text, such as "\U00110000".
_PARSER_ERRORS = (YAMLError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError)
_CORE = "tag:yaml.org,2002:"


class _Unreadable(Exception):  # noqa: N818 - internal: the rest of this document cannot be read
    """Stops the reading of one document; its fault is already noted."""


def compose(
    text: str, file: str, environ: MappingABC[str, str]
) -> tuple[Mapping | None, list[Fault]]:
    """The document's mapping, or None when nothing can be made of it, and the faults of form."""
    composer = _Composer(text, file, environ)
    try:
        return composer.document(), composer.faults
    except _Unreadable:
        return None, composer.faults


class _Composer:
    """Reads one document; ``faults`` grows on the way."""

    def __init__(self, text: str, file: str, environ: MappingABC[str, str]) -> None:
        self.faults: list[Fault] = []
        self._text = text
        self._file = file
        self._environ = environ
        self._anchors: dict[str, Node | None] = {}  # None while the node is still being read
        self._extents: dict[int, tuple[int, int]] = {}  # of what aliases named, by identity
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
            place = error.problem_mark or error.context_mark
            mark = Mark(self._file, place.line + 1, place.column + 1) if place else self._last
            said = " ".join(str(part) for part in (error.context, error.problem) if part)
            self._note(mark, (), "not valid YAML", printable(said))
            raise _Unreadable from error
        except ReaderError as error:
            before = self._text[: error.position]
            column = error.position - (before.rfind("\n") + 1)
            mark = Mark(self._file, before.count("\n") + 1, column + 1)
            self._note(mark, (), "a character that YAML forbids", f"found U+{_code(error):04X}")
            raise _Unreadable from error
        except _PARSER_ERRORS as error:
            said = printable(str(error))
            self._note(self._last, (), "not valid YAML after this place", said)
            raise _Unreadable from error

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
        return node

    def _alias(self, event: Any, path: Path) -> Node:
        name, mark = str(event.anchor), self._mark(event)
        if name not in self._anchors:
            self._stop(mark, path, "unknown alias", f"found *{printable(name)}", "define it above")
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
            if key in entries:
                line = entries[key][0].line
                self._note(
                    key_mark, (*path, key), "duplicate key", f"first on line {line}", "remove one"
                )
                continue
            entries[key] = (key_mark, value)
        return Mapping(mark, entries)

    def _key(self, event: Any, path: Path) -> str | None:
        """A key's text; None after a fault. Keys are never filled in from the environment."""
        mark = self._mark(event)
        if isinstance(event, AliasEvent) or not isinstance(event, ScalarEvent):
            self._note(mark, path, "a key must be plain text")
            self._node(event, (*path, "?"))
            return None
        self._tagged(event, path, "str")
        text = str(event.value)
        if text == "<<" and event.implicit[0]:
            self._note(mark, path, "merge keys are not read", 'found "<<"', "write the keys out")
            return None
        value = resolve(text) if event.implicit[0] and event.tag is None else text
        if not isinstance(value, str):
            self._note(mark, path, "a key must be text", f"found {printable(text)}", "quote it")
            return None
        return value if self._is_clean(value, mark, path) else None

    def _scalar(self, event: Any, path: Path) -> Scalar:
        text = str(event.value)
        is_plain = bool(event.implicit[0]) and event.tag is None
        mark = self._tagged(event, path, "str", "int", "float", "bool", "null")
        if not self._is_clean(text, mark, path):
            return Scalar(mark, UNREAD, text)
        if has_references(text):
            return self._filled_in(text, mark, path, is_plain=is_plain)
        value = resolve(text) if is_plain or self._core_tag(event) not in {None, "str"} else text
        if isinstance(value, float) and not math.isfinite(value):
            self._note(mark, path, "not a finite number", f"found {printable(text)}")
            return Scalar(mark, UNREAD, text)
        return Scalar(mark, value, text, self._offset(event, text))

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
        if event.tag is not None and self._core_tag(event) not in {*allowed, ""}:
            found = f"found {printable(str(event.tag))}"
            self._note(mark, path, "a tag that is not read", found, "leave the tag out")
        return mark

    @staticmethod
    def _core_tag(event: Any) -> str | None:
        tag = str(event.tag) if event.tag is not None else None
        if tag == "!":
            return ""
        return tag.removeprefix(_CORE) if tag and tag.startswith(_CORE) else None

    def _mark(self, event: Any) -> Mark:
        return Mark(self._file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _note(self, mark: Mark, path: Path, problem: str, found: str = "", hint: str = "") -> None:
        self.faults.append(mark.fault(path, problem, found, hint))

    def _stop(
        self, mark: Mark, path: Path, problem: str, found: str = "", hint: str = ""
    ) -> NoReturn:
        self._note(mark, path, problem, found, hint)
        raise _Unreadable


def _code(error: ReaderError) -> int:
    character = error.character
    return character if isinstance(character, int) else ord(character)
