"""A draft under review: what can be judged of it, and the faults found so far.

One fault must not hide another. So every check asks about just what its verdict rests on: a value
(:meth:`Review.is_sound`), a mapping or list whose items may be wrong (:meth:`Review.is_read`), a
name that the unreadable name of another item might turn out to be (:meth:`Review.expect_named`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simtraffic.documents.names import HINTED, hint_for, nearest_name
from simtraffic.documents.tree import Mapping as Tree
from simtraffic.documents.tree import Scalar, Sequence, described, quoted
from simtraffic.scenario.explained import known_keys

if TYPE_CHECKING:
    from simtraffic.documents.tree import Path
    from simtraffic.errors import Fault
    from simtraffic.scenario.known import Known
    from simtraffic.scenario.model import Scenario


@dataclass(frozen=True, slots=True)
class Review:
    """A draft under review and the faults found so far."""

    scenario: Scenario
    """Stand-ins included."""
    tree: Tree
    known: Known
    faults: list[Fault]
    doubts: frozenset[Path] = frozenset()
    """Paths at which something stands in for what is broken, or is left out."""
    above_doubts: frozenset[Path] = frozenset()
    """Every path that has a doubt somewhere below it."""

    def is_sound(self, *path: str | int) -> bool:
        """Whether nothing at, above or below the path is a stand-in."""
        return path not in self.above_doubts and self.is_read(*path)

    def is_read(self, *path: str | int) -> bool:
        """Whether nothing at or above the path is a stand-in, whatever is wrong below it."""
        return not any(path[:length] in self.doubts for length in range(1, len(path) + 1))

    def broken_below(self, *path: str | int) -> tuple[str, ...]:
        """The keys directly below the path whose values are stand-ins or left out."""
        length = len(path) + 1
        return tuple(
            str(doubt[-1]) for doubt in self.doubts if len(doubt) == length and doubt[:-1] == path
        )

    def note(self, path: Path, problem: str, found: str = "", hint: str = "") -> None:
        """A fault at a value, told with what stands there unless ``found`` says better."""
        mark, node = self.tree.find(path)
        self.faults.append(mark.fault(path, problem, found or described(node), hint))

    def note_key(self, path: Path, problem: str, hint: str = "") -> None:
        """A fault at a key."""
        found = f"found {quoted(str(path[-1]))}"
        self.faults.append(self.tree.key_mark(path).fault(path, problem, found, hint))

    def hint(self, name: str, known: Collection[str]) -> str:
        """The nearest known name, or some of the known."""
        # Comparing takes long when thousands of names are wrong; then they are only listed.
        return hint_for(name if len(self.faults) < HINTED else "", known)

    def expect_name(self, path: Path, name: str, known: Collection[str], noun: str) -> bool:
        """Whether the name is known; notes a fault with the nearest when not."""
        if name in known:
            return True
        self.note(path, f"unknown {noun}", f"found {quoted(name)}", self.hint(name, known))
        return False

    def keys(self, path: Path) -> tuple[str, ...]:
        """The keys that the file gives at this path, right or wrong."""
        node = self.tree.at(path)
        return tuple(node.entries) if isinstance(node, Tree) else ()

    def given(self, path: Path) -> tuple[str, ...]:
        """The keys at this path that have a value."""
        return tuple(key for key in self.keys(path) if not self._is_empty((*path, key)))

    def _is_empty(self, path: Path) -> bool:
        node = self.tree.at(path)
        return isinstance(node, Scalar) and node.value is None

    def has_stray_key(self, path: Path) -> bool:
        """Whether a key there means nothing, so that it may have been meant for any."""
        return bool(set(self.keys(path)) - set(known_keys(path)))

    def expect_some(self, path: Path, items: Sized, hint: str = "") -> bool:
        """Whether a list or a mapping has something in it; notes a fault when not."""
        if not items and self.is_sound(*path):
            self.note(path, "must not be empty", hint=hint)
        return bool(items)

    def expect_distinct(self, path: Path, names: Iterable[str], noun: str) -> None:
        """Notes every name that another item of the list has already."""
        first: dict[str, int] = {}
        for index, name in enumerate(names):
            here = (*path, index, "name")
            if not self.is_sound(*here):
                continue
            if name in first:
                other = self.tree.find((*path, first[name]))[0]
                found = f"found {quoted(name)}, first on line {other.line}"
                self.note(here, f"duplicate name of {noun}", found, "rename one")
            first.setdefault(name, index)

    def expect_named(
        self, path: Path, name: str, known: Collection[str], noun: str, lists: Collection[Path]
    ) -> bool:
        """Whether an item of these lists has the name; notes a fault unless one may be meant so."""
        if name in known or any(self._may_be_named(name, where) for where in lists):
            return name in known
        return self.expect_name(path, name, known, noun)

    def _may_be_named(self, name: str, path: Path) -> bool:
        """Whether an item of the list whose name is in doubt may be meant to have this one."""
        node = self.tree.at(path)
        if not isinstance(node, Sequence):
            return not self.is_read(*path)
        for index in range(len(node.items)):
            if self.is_sound(*path, index, "name"):
                continue
            written = self.tree.at((*path, index, "name"))
            is_text = isinstance(written, Scalar) and isinstance(written.value, str)
            if not is_text or nearest_name(name, [written.text]):  # type: ignore[union-attr]
                return True
        return False
