"""A data file of the catalogue, read so that everything that is wrong is told with its place."""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, SequenceNode

from simtraffic.errors import Fault

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from ruamel.yaml.nodes import Node

Path = tuple[str | int, ...]
_SHOWN = 60


class Document:
    """One file: its tree, and what is wrong with it."""

    def __init__(self, file: Traversable, faults: list[Fault]) -> None:
        """``faults`` is shared by all files that are read together."""
        self.file = _shown(str(file))
        self.faults = faults
        self._text = ""
        self._root: Node | None = None
        self.tree: object = self._load(file)

    def _load(self, file: Traversable) -> object:
        try:
            self._text = file.read_text(encoding="utf-8-sig")
            loaded: object = YAML(typ="safe").load(self._text)
        except MarkedYAMLError as error:
            mark = error.problem_mark
            line, column = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
            problem, hint = _in_words(error, self._text, line)
            self.faults.append(Fault(self.file, line, column, "", problem, hint=hint))
        except (YAMLError, UnicodeDecodeError, ValueError) as error:
            said = " ".join(str(error).split())
            self.faults.append(Fault(self.file, 0, 0, "", f"not YAML in UTF-8: {said}"))
        except OSError as error:
            self.faults.append(Fault(self.file, 0, 0, "", f"cannot be read: {error.strerror}"))
        else:
            return loaded
        return None

    @property
    def is_read(self) -> bool:
        """Whether there is a tree; if not, the fault is known."""
        return self.tree is not None or not any(f.file == self.file for f in self.faults)

    def fault(self, path: Path, problem: str, found: object = None, hint: str = "") -> None:
        """Remember one fault; ``found`` is left out when None."""
        line, column = self._place(path)
        said = "" if found is None else f"found {_said(found)}"
        self.faults.append(Fault(self.file, line, column, _dotted(path), problem, said, hint))

    def mapping(
        self, node: object, path: Path, required: Iterable[str], optional: Iterable[str] = ()
    ) -> dict[str, Any]:
        """The node as a mapping with these keys; an empty one when it is none."""
        if not isinstance(node, dict):
            self.fault(path, "a mapping is wanted", node)
            return {}
        needed = list(required)
        known = [*needed, *optional]
        for key in node:
            if key not in known:
                self.fault((*path, str(key)), "unknown key", key, _nearest(str(key), known))
        for key in needed:
            if key not in node:
                self.fault(path, f"the key {key!r} is missing", hint=f"add {key}: ...")
        return {str(key): value for key, value in node.items()}

    def entries(self, node: object, path: Path, of: str) -> dict[str, Any]:
        """The node as a mapping from names to something; an empty one when it is none."""
        if not isinstance(node, dict) or not node:
            self.fault(path, f"a mapping of names to {of} is wanted", node)
            return {}
        for key in node:
            if not isinstance(key, str) or not key or key != "".join(key.split()):
                at = (*path, str(key))
                self.fault(at, "a name without blanks is wanted", key, "put it in quotes")
        return {str(key): value for key, value in node.items()}

    def choice(self, node: object, path: Path, choices: Iterable[str]) -> str | None:
        """One of these words; None when it is none of them."""
        known = list(choices)
        if isinstance(node, str) and node in known:
            return node
        self.fault(path, "an unknown word", node, _nearest(str(node), known))
        return None

    def text(self, node: object, path: Path) -> str:
        """A text that is not empty."""
        if isinstance(node, str) and node.strip():
            return node
        self.fault(path, "a text is wanted", node, "put it in quotes")
        return ""

    def whole(self, node: object, path: Path, least: int, most: int) -> int:
        """A whole number between these, inclusive; the least of them when it is none."""
        if isinstance(node, int) and not isinstance(node, bool) and least <= node <= most:
            return node
        self.fault(path, f"a whole number from {least} to {most} is wanted", node)
        return least

    def number(self, node: object, path: Path, *, above: float = -math.inf) -> float:
        """A finite number greater than ``above``; NaN when it is none."""
        if isinstance(node, int | float) and not isinstance(node, bool):
            if math.isfinite(node) and node > above:
                return node
            bound = "" if above == -math.inf else f" above {above:g}"
            self.fault(path, f"a finite number{bound} is wanted", node)
        else:
            self.fault(path, "a number is wanted", node)
        return math.nan

    def share(self, node: object, path: Path) -> float:
        """A number from 0 to less than 1."""
        if isinstance(node, int | float) and not isinstance(node, bool) and 0 <= node < 1:
            return node
        self.fault(path, "a share from 0 to less than 1 is wanted", node)
        return 0.0

    def sequence(self, node: object, path: Path) -> list[object]:
        """A list; an empty one when it is none."""
        if isinstance(node, list):
            return node
        self.fault(path, "a list is wanted", node)
        return []

    def _place(self, path: Path) -> tuple[int, int]:
        """Line and column of what is at the path, or of the nearest thing around it."""
        if self._root is None:
            self._root = YAML(typ="safe", pure=True).compose(self._text)
        node = self._root
        if node is None:
            return 0, 0
        mark = node.start_mark
        for part in path:
            if isinstance(node, MappingNode):
                pairs = [(k, v) for k, v in node.value if k.value == str(part)]
                if not pairs:
                    break
                key, node = pairs[0]
                mark = key.start_mark
            elif isinstance(node, SequenceNode) and isinstance(part, int):
                node = node.value[part]
                mark = node.start_mark
            else:
                break
        return mark.line + 1, mark.column + 1


def _in_words(error: MarkedYAMLError, text: str, line: int) -> tuple[str, str]:
    """What is wrong with the YAML, and what to do."""
    lines = text.splitlines()
    at = lines[line - 1] if 0 < line <= len(lines) else ""
    if "\t" in at[: len(at) - len(at.lstrip())]:
        return "a tab", "YAML wants spaces"
    said = " ".join((error.problem or "not YAML").split())
    if "duplicate key" in said:
        name = said.partition('"')[2].partition('"')[0]
        return f"the key {name!r} stands here twice", "keep one of them"
    return f"not YAML: {said}", "look at this line and the one before"


def _said(found: object) -> str:
    """What was found, in a few words."""
    if isinstance(found, dict | list):
        return "a mapping" if isinstance(found, dict) else f"a list of {len(found)}"
    said = str(found).lower() if isinstance(found, bool) else repr(found)
    return said if len(said) <= _SHOWN else said[: _SHOWN - 1] + "…"


def _shown(file: str) -> str:
    """The path as people in the checkout write it."""
    try:
        relative = os.path.relpath(file)
    except OSError:
        # The working directory is no more.
        return file
    return file if relative.startswith("..") else relative


def _dotted(path: Path) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _nearest(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
