"""The kinds of token that a call is counted in: one entry each, from which the others derive.

The simulation draws them, a convention has a column of each, a result counts them and a report says
them, all in this order.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TokenKind:
    """A kind of token, named as people read it at the head of a column."""

    name: str
    about: str = ""
    """What a convention's column of it holds; empty where the reference has words of its own."""
    part_of: str | None = None
    """Name of the kind that includes it; None for what a provider charges by."""
    short: str = ""
    """In a sentence, if not its name."""

    @property
    def column(self) -> str:
        """Its name in tables, conventions and results, such as ``input_tokens``."""
        return f"{self.name}_tokens"

    @property
    def word(self) -> str:
        """As it stands behind a figure: ``in``, ``cached``."""
        return self.short or self.name


TOKEN_KINDS = (
    TokenKind("input", short="in"),
    TokenKind("cached", "part of the input", part_of="input"),
    TokenKind("output", short="out"),
    TokenKind("reasoning", "part of output", part_of="output"),
)

TOKEN_COLUMNS = tuple(kind.column for kind in TOKEN_KINDS)
WHOLES = tuple(kind for kind in TOKEN_KINDS if kind.part_of is None)
PARTS = tuple(kind for kind in TOKEN_KINDS if kind.part_of is not None)
