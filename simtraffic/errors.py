"""Errors that a user can cause, each with its place, its hint and the exit code it ends in.

Stages raise them, the command line catches them once. A message reads
*where: what is wrong; what was found; what to do*, on one line.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended, for the shell."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    INVALID = 3
    NOT_DELIVERED = 4
    FAILED = 5
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a file, and where."""

    file: str
    line: int
    """Counted from 1; 0 when the fault belongs to the file as a whole."""
    column: int
    """Counted from 1."""
    path: str
    """Dotted path inside the document, such as ``load.stages[2].target``."""
    problem: str
    found: str = ""
    hint: str = ""
    source: str = field(default="", compare=False)
    """The line of the file as it is written, to be shown; empty when it is not at hand."""
    is_of_form: bool = field(default=False, compare=False)
    """Whether YAML itself cannot be read there, so that words without the line do not suffice."""

    def __str__(self) -> str:
        """One line: ``file:line:column path: problem; found; hint``."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        head = f"{place} {self.path}" if self.path else place
        said = "; ".join(part for part in (self.problem, self.found, self.hint) if part)
        return f"{head}: {said}"

    def excerpt(self, width: int = 100) -> tuple[str, str]:
        """The line that it stands in and a line with a caret below the place.

        Args:
            width: Columns; a longer line is cut around the place, and marked so.
        """
        at = min(max(self.column - 1, 0), len(self.source))
        start = max(0, at - width * 2 // 3) if len(self.source) > width else 0
        cut = self.source[start : start + width]
        shown = f"{'…' if start else ''}{cut}{'…' if start + width < len(self.source) else ''}"
        before = shown[: at - start + bool(start)]
        gap = "".join("\t" if c == "\t" else " " * _columns(c) for c in before)
        clean = "".join(c if c == "\t" or c.isprintable() else "\ufffd" for c in shown)
        return clean, f"{gap}^"


def _columns(character: str) -> int:
    """How wide a terminal draws it."""
    if unicodedata.combining(character) or unicodedata.category(character) == "Cf":
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


class SimtrafficError(Exception):
    """Base of every error that is not a bug."""

    exit_code = ExitCode.UNEXPECTED


class UsageError(SimtrafficError):
    """The command line, an option or the environment is wrong."""

    exit_code = ExitCode.USAGE


class FaultsError(SimtrafficError):
    """A file is wrong; carries every fault that was found in it."""

    exit_code = ExitCode.INVALID

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class ScenarioError(FaultsError):
    """A scenario file is wrong."""

    def __init__(self, faults: Sequence[Fault], conventions: Sequence[str] = ()) -> None:
        super().__init__(faults)
        self.conventions = tuple(conventions)
        """Convention files that it names all the same, to be looked at as well."""


class DeliveryError(SimtrafficError):
    """Telemetry cannot be delivered at all, such as a refused credential."""

    exit_code = ExitCode.NOT_DELIVERED
