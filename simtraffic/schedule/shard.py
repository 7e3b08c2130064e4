"""A fair share of a run for one of several machines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from simtraffic.errors import UsageError

MAX_SHARDS = 10_000


@dataclass(frozen=True, slots=True)
class Shard:
    """The ``index``-th of ``count`` shares, counted from 1. Without arguments: the whole."""

    index: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        """Refuse what is no share.

        Raises:
            UsageError: when the index is not within 1 to count, or count is beyond any fleet.
        """
        if not 1 <= self.index <= self.count <= MAX_SHARDS:
            raise UsageError(
                f"--shard: no such share; found {self}; "
                f"write K/N with K from 1 to N and N up to {MAX_SHARDS}"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``2/8``.

        Raises:
            UsageError: when the text is no share.
        """
        match = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*", text, re.ASCII)
        if match is None:
            raise UsageError(f"--shard: not a share; found {text!r}; write K/N, such as 2/8")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        """As it is written: ``2/8``."""
        return f"{self.index}/{self.count}"
