"""Faults of files for people: a line each, and below it the line of the file with a caret."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simtraffic.cli import console

if TYPE_CHECKING:
    from simtraffic.errors import Fault

_INDENT = "    "


def tell_faults(faults: Sequence[Fault]) -> None:
    """One line a fault on standard error.

    Where YAML itself is broken the line of the file follows, as words alone do not show it.
    """
    # One write, so that nothing of another program comes between a fault and its line.
    if faults:
        console.tell("\n".join(line for fault in faults for line in _lines(fault)))


def _lines(fault: Fault) -> list[str]:
    if not (fault.is_of_form and fault.source.strip()):
        return [str(fault)]
    source, caret = fault.excerpt()
    return [str(fault), _INDENT + source, _INDENT + caret]
