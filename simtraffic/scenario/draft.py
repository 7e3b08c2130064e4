"""Reads what can be read of a scenario, so that all of it is checked in one go.

What is broken is replaced by something harmless and its path remembered as a doubt; the checks
that look across the scenario then leave out whatever rests on a doubt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from simtraffic.documents.tree import plain
from simtraffic.scenario.explained import stand_in
from simtraffic.scenario.model import Scenario
from simtraffic.scenario.review import Review
from simtraffic.scenario.wording import path_of, worded

if TYPE_CHECKING:
    from simtraffic.documents.document import Document
    from simtraffic.documents.tree import Mapping, Path
    from simtraffic.scenario.known import Known

_ROUNDS = 12
"""Replacing a value may bring out one missing key below it, never more than the tree is deep."""


def read_draft(document: Document, tree: Mapping, known: Known) -> Review | None:
    """What the document describes, to be reviewed; None when so much is broken that nothing can be.

    Args:
        document: Its faults grow by what is found wrong.
        tree: Of the document.
        known: Names to choose from.
    """
    data: Any = plain(tree)
    doubts: set[Path] = set()
    for attempt in range(_ROUNDS):
        try:
            scenario = Scenario.model_validate(data)
        except ValidationError as error:
            if attempt == 0:
                document.faults.extend(worded(error, tree, is_whole=document.is_whole))
            paths = {path_of(detail["loc"]) for detail in error.errors(include_url=False)}
            doubts |= paths
            data = _mended(data, _forest(paths), ())
        else:
            return Review(
                scenario=scenario,
                tree=tree,
                known=known,
                faults=document.faults,
                doubts=frozenset(doubts),
                above_doubts=frozenset(d[:length] for d in doubts for length in range(len(d))),
            )
    return None  # pragma: no cover - the fuzz test looks for a way to get here


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
