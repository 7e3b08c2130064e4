"""Finds the name that was probably meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LISTED = 12
_LONGEST = 80


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The known name closest to this one; None when none is close."""
    from difflib import get_close_matches  # noqa: PLC0415 - only wrong files need it

    names = list(known)
    if len(name) > _LONGEST:
        return None
    lowered = {known_name.lower(): known_name for known_name in names}
    ending = [n for n in names if "/" in n and n.partition("/")[2] == name]
    if ending:
        return ending[0]
    close = get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    return lowered[close[0]] if close else None


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint: ``did you mean X?``, or empty when nothing is close."""
    found = nearest_name(name, known)
    return f"did you mean {found}?" if found else ""


def hint_for(name: str, known: Iterable[str]) -> str:
    """The nearest name, or all that there are."""
    names = list(known)
    near = nearest(name, names)
    if near or not names:
        return near
    listed = ", ".join(names[:_LISTED])
    return f"known: {listed}{', ...' if len(names) > _LISTED else ''}"
