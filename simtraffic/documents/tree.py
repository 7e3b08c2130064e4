"""A YAML document as a tree whose every node knows its file, line and column.

The tree is what faults point at. Plain data for validation is made from it (:func:`plain`), and
places in that data are found again by path (:meth:`Mapping.find`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence as SequenceABC
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from simtraffic.errors import Fault

Path: TypeAlias = "tuple[str | int, ...]"

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SHOWN = 60

# A leading zero makes it text: some readers of YAML would take it for octal.
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,3999})")
_OCTAL_OR_HEX = re.compile(r"0(?:o[0-7]{1,1000}|x[0-9a-fA-F]{1,1000})")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class Unread:
    """What stands for a value that could not be read; why is told already.

    No field takes it, so that whatever rests on the value is in doubt.
    """

    def __repr__(self) -> str:
        return "UNREAD"


UNREAD = Unread()


class Referenced(str):
    """A value that the environment filled in: text, or whatever else its field asks for."""

    __slots__ = ("quoted",)
    quoted: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def fault(self, path: Path, problem: str, found: str = "", hint: str = "") -> Fault:
        """A fault at this place."""
        return Fault(
            file=self.file,
            line=self.line,
            column=self.column,
            path=dotted(path),
            problem=problem,
            found=found,
            hint=hint,
        )


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value that is neither a list nor a mapping."""

    mark: Mark
    value: bool | int | float | str | Unread | None
    text: str
    """As written, without quotes, before references were filled in."""
    offset: int | None = None
    """Columns from ``mark`` to the first character of ``value``; None when it is not in one piece
    on one line."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list, each item with its place."""

    mark: Mark
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys with values, in the order of the file."""

    mark: Mark
    entries: dict[str, tuple[Mark, Node]]
    """By key: where the key stands, and the value."""

    def find(self, path: Path) -> tuple[Mark, Node]:
        """The place and the node of ``path``, or of the longest part of it that exists."""
        mark: Mark = self.mark
        node: Node = self
        for step in path:
            if isinstance(node, Mapping) and step in node.entries:
                mark, node = node.entries[str(step)]
                mark = node.mark
            elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
                node = node.items[step]
                mark = node.mark
            else:
                break
        return mark, node

    def at(self, path: Path) -> Node | None:
        """The node at exactly this path; None where there is none."""
        node: Node = self
        for step in path:
            if isinstance(node, Mapping) and step in node.entries:
                node = node.entries[str(step)][1]
            elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
                node = node.items[step]
            else:
                return None
        return node

    def key_mark(self, path: Path) -> Mark:
        """Where the last key of ``path`` stands; for an item of a list, where that item starts."""
        _, parent = self.find(path[:-1])
        if isinstance(parent, Mapping) and path and path[-1] in parent.entries:
            return parent.entries[str(path[-1])][0]
        return self.find(path)[0]


Node: TypeAlias = Scalar | Sequence | Mapping


def resolve(text: str) -> bool | int | float | str | None:
    """What an unquoted scalar means: YAML 1.2's core schema, and ``0755`` is text.

    ``yes``, ``on``, ``12:30`` and ``1_000`` are text there as well.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _OCTAL_OR_HEX.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _NOT_FINITE.fullmatch(text):
        return float(text.replace(".", "", 1))
    return text


def survives(text: str) -> bool:
    """Whether an unquoted scalar is text, or reads the same once it has become a value."""
    value = resolve(text)
    if isinstance(value, bool):
        return text in {"true", "false"}
    if isinstance(value, int):
        return str(value) == text
    if isinstance(value, float):
        return _PLAIN_FLOAT.fullmatch(text) is not None and Decimal(repr(value)) == Decimal(text)
    return True


_PLAIN_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)\.(?:[0-9]*[1-9]|0)")


def children(node: Sequence | Mapping) -> tuple[Node, ...]:
    """The items of a list, the values of a mapping, in the order of the file."""
    if isinstance(node, Sequence):
        return node.items
    return tuple(value for _, value in node.entries.values())


def plain(node: Node) -> object:
    """The tree as dicts, tuples and scalars."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return tuple(plain(item) for item in node.items)
    return {key: plain(value) for key, (_, value) in node.entries.items()}


def dotted(path: SequenceABC[str | int]) -> str:
    """``load.stages[2].target``; a key that is not a plain word stands in brackets."""
    parts: list[str] = []
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif _BARE_KEY.fullmatch(step):
            parts.append(f".{step}" if parts else step)
        else:
            parts.append(f"[{printable(step)}]")
    return "".join(parts)


def described(node: Node) -> str:
    """What stands there, for the middle part of a fault."""
    if isinstance(node, Mapping):
        keys = ", ".join(printable(key) for key in list(node.entries)[:4])
        return f"found a mapping of {keys}" if keys else "found an empty mapping"
    if isinstance(node, Sequence):
        return f"found a list of {len(node.items)}" if node.items else "found an empty list"
    if isinstance(node.value, Referenced):
        return f"found {quoted(node.value)} from {printable(node.text)}"
    if node.value is not None and not isinstance(node.value, str):
        return f"found {printable(node.text)}"
    return "found nothing" if node.value is None else f"found {quoted(str(node.value))}"


def described_value(value: object) -> str:
    """The same of plain data, as :func:`plain` makes it or as it was worked out."""
    if isinstance(value, dict):
        keys = ", ".join(printable(str(key)) for key in list(value)[:4])
        return f"found a mapping of {keys}" if keys else "found an empty mapping"
    if isinstance(value, list | tuple):
        return f"found a list of {len(value)}" if value else "found an empty list"
    if isinstance(value, str):
        return f"found {quoted(value)}"
    if value is None:
        return "found nothing"
    return f"found {printable(str(value).lower() if isinstance(value, bool) else str(value))}"


def is_unread(node: Node | None) -> bool:
    """Whether something at the node or below it could not be read; why is told already."""
    if node is None or isinstance(node, Scalar):
        return node is not None and node.value is UNREAD
    return any(map(is_unread, children(node)))


def quoted(text: str) -> str:
    """Text in double quotes on one line."""
    return f'"{printable(text)}"'


def printable(text: str) -> str:
    """Text on one line: control characters escaped, the middle of a long one left out."""
    if len(text) > _SHOWN:
        text = f"{text[: _SHOWN - 20]}…{text[-19:]}"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
