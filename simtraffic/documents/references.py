"""Fills in ``${NAME}`` and ``${NAME:-default}`` in values; ``$$`` stands for one ``$``."""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(
    r"\$(?:(?P<escape>\$)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}"
    r"|(?P<broken>\{[^}]*\}?))"
)


def has_references(text: str) -> bool:
    """Whether :func:`substituted` would change the text."""
    return "$" in text and _REFERENCE.search(text) is not None


def substituted(text: str, environ: Mapping[str, str]) -> tuple[str, list[tuple[str, str]]]:
    """The text with every reference filled in, and what is wrong with those that are not.

    As in a shell, ``:-default`` also stands in for a variable that is set but empty.

    Args:
        text: As it is written.
        environ: Values by name.

    Returns:
        The text, to be used only when nothing is wrong, and problem and hint of each reference that
        is malformed, or whose variable is not set and has no default.
    """
    wrong: list[tuple[str, str]] = []

    def value_of(match: re.Match[str]) -> str:
        if match["escape"]:
            return "$"
        if match["broken"]:
            wrong.append(("malformed reference", "write ${NAME}, ${NAME:-default} or $${"))
            return ""
        name, default = match["name"], match["default"]
        value = environ.get(name)
        if default is not None:
            return value or default
        if value is None:
            problem = f"environment variable {name} is not set"
            wrong.append((problem, f"set it, or write ${{{name}:-default}}"))
            return ""
        return value

    return _REFERENCE.sub(value_of, text), wrong
