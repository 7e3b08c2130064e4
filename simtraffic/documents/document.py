"""A YAML or JSON file as a document that is read key by key and remembers all that is wrong."""

from __future__ import annotations

import math
from collections.abc import Iterable
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ruamel.yaml.error import MarkedYAMLError, YAMLError

from simtraffic.documents.compose import Composer
from simtraffic.documents.mistakes import diagnosed
from simtraffic.documents.names import HINTED, hint_for, nearest_name
from simtraffic.documents.sheet import Sheet
from simtraffic.documents.slips import slips
from simtraffic.documents.source import MAX_BYTES, decoded
from simtraffic.documents.tree import (
    Mapping,
    Path,
    described,
    described_value,
    dotted,
    is_unread,
    plain,
)
from simtraffic.errors import Fault

MAX_MISTAKES = 20
"""So many mistakes of YAML are told in one go."""
MAX_REREAD = 200_000
"""Characters; in a larger text the first mistake is told alone, to be quick."""

Place = tuple[int, int, str]
"""Line and column in a file, and the dotted path to what stands there."""
_Default = TypeVar("_Default")


@dataclass(frozen=True, slots=True)
class Document:
    """What could be read of a file, and what is wrong with it, as far as it is known by now.

    Its methods take what stands at a path (a part of :attr:`data`) and give it back as what it
    should be. What it is not becomes a fault with its place, and something harmless is given back,
    so that the caller goes on and all faults are found in one go.
    """

    file: str
    """Its name in faults."""
    tree: Mapping | None
    """Where everything stands; None when nothing can be made of the file."""
    faults: list[Fault] = field(default_factory=list)
    """Of form at first; the methods add theirs."""
    is_whole: bool = True
    """False when something was left out, so that keys may be missing for that reason alone."""

    @property
    def data(self) -> Any:
        """The whole as dicts, tuples and scalars; None when nothing can be made of the file."""
        return None if self.tree is None else plain(self.tree)

    def fault(
        self,
        path: Path,
        problem: str,
        found: object = None,
        hint: str = "",
        *,
        at_key: bool = False,
    ) -> None:
        """Remember one fault, unless it rests on something that could not be read at all.

        Args:
            path: Where it is; the longest part of it that exists is pointed at.
            problem: What is wrong.
            found: What is there instead; what stands at the path when left out.
            hint: What to do.
            at_key: Point at the key, not at its value.
        """
        node = None if self.tree is None else self.tree.at(path)
        if is_unread(node):
            return
        if found is not None:
            said = described_value(found)
        else:
            said = "" if node is None else described(node)
        line, column, where = self._place(path, at_key=at_key)
        self.faults.append(
            Fault(
                file=self.file,
                line=line,
                column=column,
                path=where,
                problem=problem,
                found=said,
                hint=hint,
            )
        )

    def place(self, path: Path) -> Place:
        """Where a key stands, for what is only found to be wrong later."""
        return self._place(path, at_key=True)

    def mapping(
        self, node: object, path: Path, known: Iterable[str], required: Iterable[str] = ()
    ) -> dict[str, Any]:
        """The node as a mapping with only these keys; an empty one when it is none.

        Args:
            node: What stands at the path.
            path: Where it stands.
            known: Every key that there may be.
            required: Those of them that there must be.
        """
        if not isinstance(node, dict):
            self.fault(path, "must be a mapping", node, "write keys with values")
            return {}
        keys = list(known)
        meant: set[str | None] = set()
        for key in node:
            if key not in keys:
                near = nearest_name(key, keys) if len(self.faults) < HINTED else None
                hint = f"did you mean {near}?" if near else hint_for("", keys)
                self.fault((*path, key), "unknown key", key, hint, at_key=True)
                meant.add(near)
        for key in required:
            # One that is misspelt is told once, and lines that were given up may hold it.
            if key not in node and key not in meant and self.is_whole:
                self.fault((*path, key), "a required key is missing", node, f"add {key}")
        return node

    def names(self, node: object, path: Path, of: str) -> dict[str, Any]:
        """The node as a mapping from names without blanks to something; empty when it is none."""
        if not isinstance(node, dict) or not node:
            self.fault(path, f"must be a mapping of names to {of}", node)
            return {}
        for key in node:
            if not key or key != "".join(key.split()):
                self.fault((*path, key), "not a name", key, "leave blanks out", at_key=True)
        return node

    def items(self, node: object, path: Path) -> tuple[Any, ...]:
        """The node as a list; empty when there is none, or nothing in its place."""
        if node is None:
            return ()
        if isinstance(node, tuple):
            return node
        self.fault(path, "must be a list", node, "write items that start with '-'")
        return ()

    def choice(
        self, node: object, path: Path, choices: Iterable[str], default: _Default
    ) -> str | _Default:
        """One of these words; the default when it is none of them."""
        known = list(choices)
        if isinstance(node, str) and node in known:
            return node
        self.fault(path, "unknown value", node, self.hint(str(node), known))
        return default

    def text(self, node: object, path: Path) -> str:
        """A text; empty when it is none."""
        if isinstance(node, str):
            return node
        is_number = isinstance(node, bool | int | float)
        self.fault(path, "not text", node, "put it in quotes" if is_number else "write text")
        return ""

    def whole(self, node: object, path: Path, least: int, most: int) -> int:
        """A whole number between these, inclusive; the least of them when it is none."""
        if not isinstance(node, int) or isinstance(node, bool):
            hint = f"write a number from {least} to {most}"
            self.fault(path, "not a whole number", node, hint)
            return least
        if not least <= node <= most:
            self.fault(path, f"must be from {least} to {most}", node)
            return least
        return node

    def number(self, node: object, path: Path, *, above: float = -math.inf) -> float:
        """A number greater than ``above``; NaN when it is none."""
        if not isinstance(node, int | float) or isinstance(node, bool):
            self.fault(path, "not a number", node, "write it like 3 or 0.5")
        elif not node > above:
            self.fault(path, f"must be more than {above:g}", node)
        else:
            return node
        return math.nan

    def hint(self, name: str, known: Iterable[str]) -> str:
        """The nearest known name, or some of the known."""
        # Comparing takes long when thousands of names are wrong; then they are only listed.
        return hint_for(name if len(self.faults) < HINTED else "", list(known))

    def _place(self, path: Path, *, at_key: bool) -> Place:
        if self.tree is None:
            return 0, 0, dotted(path)
        mark = self.tree.key_mark(path) if at_key else self.tree.find(path)[0]
        return mark.line, mark.column, dotted(path)


def read_document(
    content: str | bytes,
    file: str,
    environ: MappingABC[str, str] | None = None,
    *,
    hints: MappingABC[str, str] | None = None,
    most: int = MAX_BYTES,
) -> Document:
    """The document, read over its mistakes where it is clear how it goes on after them.

    Args:
        content: Bytes in UTF-8, or text. JSON is read as well.
        file: Its name in faults.
        environ: Values for ``${NAME}``; None leaves references as they are written.
        hints: What to do about problems of form, by problem, where this sort of file has words of
            its own: ``{"the file is empty": "start with groups:"}``.
        most: Bytes; of a larger file nothing is read.
    """
    text, faults = decoded(content, file, most) if isinstance(content, bytes) else (content, [])
    if text is None:
        return Document(file, None, faults, is_whole=False)
    sheet = Sheet(text.removeprefix("\ufeff"), file)
    faults = slips(sheet)
    for _ in range(MAX_MISTAKES if len(text) <= MAX_REREAD else 1):
        composer = Composer(sheet, environ, hints or {})
        try:
            tree = composer.document()
        except MarkedYAMLError as error:
            mistake = diagnosed(sheet, error)
            is_guessed = mistake.is_of_indents and sheet.has_guessed_indents
            if not is_guessed:
                faults.append(mistake.fault)
            if mistake.mend is None or is_guessed:
                return Document(file, None, _in_order([*faults, *composer.faults]), is_whole=False)
            mistake.mend(sheet)
        except YAMLError:
            return Document(file, None, _in_order([*faults, *composer.faults]), is_whole=False)
        else:
            return Document(file, tree, _in_order([*faults, *composer.faults]), sheet.is_whole)
    return Document(file, None, _in_order(faults), is_whole=False)


def _in_order(faults: list[Fault]) -> list[Fault]:
    """By place, each once; the first that a mended text brought out twice."""
    kept: dict[tuple[int, int, str], Fault] = {}
    for fault in faults:
        kept.setdefault((fault.line, fault.column, fault.problem), fault)
    return sorted(kept.values(), key=lambda fault: (fault.line, fault.column))
