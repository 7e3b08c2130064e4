"""Walking a convention file's tree while remembering every fault with its place."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from simtraffic.errors import Fault

if TYPE_CHECKING:
    Locate = Callable[[tuple[str | int, ...], bool], tuple[int, int]]
    """Line and column of the value at a path, or of its key."""

Path = tuple[str | int, ...]
Place = tuple[int, int, str]
"""Line and column in a file, and the dotted path to what stands there."""
_SHOWN = 60


class Reader:
    """Walks the tree of one file and remembers what is wrong."""

    def __init__(self, file: str, locate: Locate) -> None:
        self.file = file
        self.locate = locate
        self.faults: list[Fault] = []

    def fault(
        self,
        path: Path,
        problem: str,
        found: object = "",
        hint: str = "",
        *,
        at_key: bool = False,
    ) -> None:
        """Remember one fault."""
        line, column = self.locate(path, at_key)
        shown = repr(found)
        shown = shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"
        text = f"found {shown}" if found != "" else ""
        self.faults.append(Fault(self.file, line, column, dotted(path), problem, text, hint))

    def place(self, path: Path) -> Place:
        """Where a key stands, for what is only found to be wrong later."""
        line, column = self.locate(path, True)
        return line, column, dotted(path)

    def mapping(
        self, node: object, path: Path, known: Iterable[str], required: Iterable[str] = ()
    ) -> dict[str, object]:
        """The node as a mapping with only these keys; an empty one when it is none."""
        if not isinstance(node, dict):
            self.fault(path, "a mapping is wanted", node)
            return {}
        keys = list(known)
        for key in node:
            if key not in keys:
                hint = nearest(str(key), keys)
                self.fault((*path, str(key)), "unknown key", key, hint, at_key=True)
        for key in required:
            if key not in node:
                self.fault(path, f"the key {key!r} is missing")
        return {str(key): value for key, value in node.items()}

    def choice(self, node: object, path: Path, choices: Iterable[str], default: str) -> str:
        """One of these words."""
        options = list(choices)
        if node in options:
            return str(node)
        self.fault(path, "an unknown word", node, nearest(str(node), options))
        return default

    def text(self, node: object, path: Path) -> str:
        """A string."""
        if isinstance(node, str):
            return node
        self.fault(path, "a text is wanted", node, "put it in quotes")
        return ""

    def entries(self, node: object, path: Path) -> list[object]:
        """A list; empty when there is none."""
        if node is None:
            return []
        if isinstance(node, list | tuple):
            return list(node)
        self.fault(path, "a list is wanted", node)
        return []


def dotted(path: Path) -> str:
    """``("spans", "request", 0)`` as ``spans.request[0]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def nearest(word: str, choices: Iterable[str]) -> str:
    """A hint that names the nearest of the choices, or all of them."""
    options = [str(choice) for choice in choices]
    close = difflib.get_close_matches(word, options, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(options)}"
