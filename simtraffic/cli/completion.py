"""What a shell proposes for the values of options and arguments."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

_ENDINGS = (".yaml", ".yml")
_SPEEDS = ("real", "max", "10", "60")


def words(*known: str) -> Callable[[str], list[str]]:
    """Proposes these."""

    def propose(incomplete: str) -> list[str]:
        return _beginning_with(incomplete, known)

    return propose


def listed(*known: str) -> Callable[[str], list[str]]:
    """Proposes these, also after a comma."""

    def propose(incomplete: str) -> list[str]:
        before, comma, begun = incomplete.rpartition(",")
        taken = before.split(",")
        left = [word for word in known if word not in taken]
        return [before + comma + word for word in _beginning_with(begun, left)]

    return propose


def speeds(incomplete: str) -> list[str]:
    """Proposes some speeds."""
    return _beginning_with(incomplete, _SPEEDS)


def conventions(incomplete: str) -> list[str]:
    """Proposes conventions that ship, and files."""
    from simtraffic.scenario.known import convention_names  # noqa: PLC0415 - only when asked

    return _beginning_with(incomplete, convention_names()) + _files(incomplete)


def scenarios(incomplete: str) -> list[str]:
    """Proposes scenarios that ship, by name, and files."""
    from simtraffic.shipped import shipped_scenarios  # noqa: PLC0415 - only when asked

    return _beginning_with(incomplete, shipped_scenarios()) + _files(incomplete)


def _beginning_with(incomplete: str, known: Iterable[str]) -> list[str]:
    return [word for word in known if word.startswith(incomplete)]


def _files(incomplete: str) -> list[str]:
    """Folders, with a slash behind them, and YAML files that this may become."""
    folder, begun = os.path.split(incomplete)
    try:
        with os.scandir(folder or ".") as entries:
            found = [
                os.path.join(folder, entry.name) + ("/" if entry.is_dir() else "")
                for entry in entries
                if entry.name.startswith(begun)
                and (begun.startswith(".") or not entry.name.startswith("."))
                and (entry.is_dir() or entry.name.endswith(_ENDINGS))
            ]
    except OSError:
        return []
    return sorted(found)
