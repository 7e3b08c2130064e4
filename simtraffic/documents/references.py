"""Fills in ``${NAME}`` and ``${NAME:-default}`` in values; ``$$`` stands for one ``$``."""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(
    r"\$(?:(?P<escape>\$)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}"
    r"|(?P<broken>\{[^}]*\}?))"
)


class UnfilledError(ValueError):
    """A reference cannot be filled in."""

    def __init__(self, problem: str, hint: str) -> None:
        self.problem = problem
        self.hint = hint
        super().__init__(f"{problem}; {hint}")


def has_references(text: str) -> bool:
    """Whether :func:`substituted` would change the text."""
    return "$" in text and _REFERENCE.search(text) is not None


def substituted(text: str, environ: Mapping[str, str]) -> str:
    """The text with every reference filled in.

    As in a shell, ``:-default`` also stands in for a variable that is set but empty.

    Raises:
        UnfilledError: A variable is not set and has no default, or a reference is malformed.
    """

    def value_of(match: re.Match[str]) -> str:
        if match["escape"]:
            return "$"
        if match["broken"]:
            raise UnfilledError("malformed reference", "write ${NAME}, ${NAME:-default} or $${")
        name, default = match["name"], match["default"]
        value = environ.get(name)
        if default is not None:
            return value or default
        if value is None:
            raise UnfilledError(
                f"environment variable {name} is not set",
                f"set it, or write ${{{name}:-default}}",
            )
        return value

    return _REFERENCE.sub(value_of, text)
