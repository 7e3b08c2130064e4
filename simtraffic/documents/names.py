"""Finds the name that was probably meant."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice

HINTED = 500
"""Names are compared for so many faults of a file; the rest list what is known, to be quick."""

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


def hint_for(name: str, known: Collection[str]) -> str:
    """The nearest name, or what there is; an empty name is near nothing."""
    near = nearest(name, known) if name else ""
    if near or not known:
        return near
    listed = ", ".join(islice(known, _LISTED))
    return f"known: {listed}{', ...' if len(known) > _LISTED else ''}"
