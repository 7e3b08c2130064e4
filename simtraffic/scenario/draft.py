"""Reads what can be read of a scenario, so that all of it is checked in one go.

What is broken is replaced by something harmless and its path remembered as a doubt; the checks
that look across the scenario then leave out whatever rests on a doubt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from simtraffic.documents.tree import plain
from simtraffic.scenario.explained import stand_in
from simtraffic.scenario.model import Scenario
from simtraffic.scenario.wording import Finding, findings, path_of

if TYPE_CHECKING:
    from simtraffic.documents.tree import Mapping, Path

_ROUNDS = 12
"""Replacing a value may bring out one missing key below it, never more than the tree is deep."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A scenario of which some parts may be stand-ins."""

    scenario: Scenario
    doubts: frozenset[Path]
    above_doubts: frozenset[Path]
    """Every path that has a doubt somewhere below it."""

    def is_sound(self, *path: str | int) -> bool:
        """Whether nothing at, above or below the path is a stand-in."""
        if path in self.above_doubts:
            return False
        return self.is_read(*path)

    def is_read(self, *path: str | int) -> bool:
        """Whether nothing at or above the path is a stand-in; below it there may be some."""
        return not any(path[:length] in self.doubts for length in range(1, len(path) + 1))

    def broken_below(self, *path: str | int) -> tuple[str, ...]:
        """The keys directly below the path whose values are stand-ins or left out."""
        length = len(path) + 1
        return tuple(
            str(doubt[-1]) for doubt in self.doubts if len(doubt) == length and doubt[:-1] == path
        )


def read_draft(tree: Mapping) -> tuple[Draft | None, list[Finding]]:
    """The scenario that the tree describes, with what was found wrong in it.

    The draft is None when so much is broken that there is nothing left to check.
    """
    data: Any = plain(tree)
    found: list[Finding] = []
    doubts: set[Path] = set()
    for attempt in range(_ROUNDS):
        try:
            return _draft(Scenario.model_validate(data), doubts), found
        except ValidationError as error:
            if attempt == 0:
                found = findings(error, tree)
            paths = {path_of(detail["loc"]) for detail in error.errors(include_url=False)}
            doubts |= paths
            data = _mended(data, _forest(paths), ())
    return None, found  # pragma: no cover - the fuzz test looks for a way to get here


def _draft(scenario: Scenario, doubts: set[Path]) -> Draft:
    above = {doubt[:length] for doubt in doubts for length in range(len(doubt))}
    return Draft(scenario, frozenset(doubts), frozenset(above))


def _forest(paths: set[Path]) -> dict[Any, Any]:
    """The paths as nested dicts, step by step; an empty one ends a path."""
    forest: dict[Any, Any] = {}
    # Longest first: a path that ends above others takes their place.
    for path in sorted(paths, key=len, reverse=True):
        branch = forest
        for step in path[:-1]:
            branch = branch.setdefault(step, {})
        branch[path[-1]] = {}
    return forest


def _mended(data: Any, forest: dict[Any, Any], path: Path) -> Any:
    """A copy of the data without what is broken, or with something harmless there."""
    if isinstance(data, dict):
        mended = {}
        for key in [*data, *(key for key in forest if key not in data)]:
            if key not in forest:
                mended[key] = data[key]
                continue
            value = _stand_in(data.get(key), forest[key], (*path, key))
            if value is not None:
                mended[key] = value
        return mended
    return tuple(
        _stand_in(item, forest[index], (*path, index)) if index in forest else item
        for index, item in enumerate(data)
    )


def _stand_in(data: Any, below: dict[Any, Any], path: Path) -> Any:
    if below and isinstance(data, dict | tuple):
        return _mended(data, below, path)
    return stand_in(path)
