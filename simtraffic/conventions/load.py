"""Convention files: the built-in ones by name, a user's own by path."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from simtraffic.conventions.agreement import agreed
from simtraffic.conventions.parse import parse_convention
from simtraffic.documents.document import read_document
from simtraffic.documents.source import read_bytes
from simtraffic.errors import Fault, FaultsError

if TYPE_CHECKING:
    from simtraffic.conventions.model import Convention

BUILT_IN = Path(__file__).parent
ALWAYS_ON = "http"
"""Has the spans of requests and attempts, whichever convention has those of the operations."""

_START = "start with convention: NAME"
_HINTS = {
    "the file is empty": _START,
    "not a mapping": _START,
    "more than one document": "keep one convention per file",
}


def built_in_names() -> list[str]:
    """Names that a scenario may list under ``telemetry.conventions``."""
    return sorted(path.stem for path in BUILT_IN.glob("*.yaml") if path.stem != ALWAYS_ON)


def load_conventions(names: Sequence[str]) -> list[Convention]:
    """The conventions of a run, the always-on one last; keys that they share have one value.

    Raises:
        FaultsError: one is wrong, two claim a metric of one name (a stream has one writer), or
            two give a key of the same rows values that cannot agree.
        UsageError: a file cannot be read.
    """
    conventions: list[Convention] = []
    faults: list[Fault] = []
    for name in (*names, ALWAYS_ON):
        try:
            conventions.append(load_convention(name))
        except FaultsError as error:
            faults += error.faults
    owners: dict[str, Convention] = {}
    for convention in conventions:
        for metric in convention.metrics:
            owner = owners.setdefault(metric.name, convention)
            if owner is not convention:
                problem = f"two conventions emit this metric, {owner.name} and {convention.name}"
                hint = "give it another name in one of them, or leave one of them out"
                place = f"telemetry.conventions {metric.name}"
                faults.append(Fault(convention.file, 0, 0, place, problem, hint=hint))
    if faults:
        raise FaultsError(faults)
    return agreed(conventions)


def is_path(name: str) -> bool:
    """Whether a scenario names a file instead of a built-in convention."""
    return "/" in name or name.endswith((".yaml", ".yml"))


@cache
def load_convention(name: str) -> Convention:
    """The convention of this name, or in the file at this path.

    Raises:
        FaultsError: the file is wrong; carries every fault.
        UsageError: the file cannot be read.
    """
    path = Path(name) if is_path(name) else BUILT_IN / f"{name}.yaml"
    file = str(path)
    return read_convention(read_bytes(file), file)


def read_convention(data: bytes, file: str) -> Convention:
    """The convention that these bytes hold; ``file`` is their name in faults.

    Raises:
        FaultsError: They are wrong; carries every fault.
    """
    document = read_document(data, file, {}, hints=_HINTS)
    of_form = list(document.faults)
    if document.tree is None:
        raise FaultsError(of_form)
    convention = parse_convention(document)
    if document.faults:
        # Lines that were given up may hold what seems to be missing or at odds with the rest.
        told = document.faults if document.is_whole else of_form
        raise FaultsError(sorted(told, key=lambda fault: (fault.line, fault.column)))
    return convention
