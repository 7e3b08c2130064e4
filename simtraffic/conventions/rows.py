"""What a convention's columns are: rows to be read, and the sorts of columns over them.

Four sorts. A *category* takes few values and is baked into a shape: it depends on one or more
*axes*, small integer codes such as the route or the error kind. A *number* differs from row to row
and fills a slot. A *text* differs from row to row too and always has the same width, so that a slot
can hold it. A *standing* number holds at a moment of the run, whatever its requests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from simtraffic.arrays import Array, Ints

if TYPE_CHECKING:
    from simtraffic.conventions.context import Context
    from simtraffic.conventions.model import Scalar
    from simtraffic.simulation.forecast import Forecast
    from simtraffic.simulation.tables import Attempts, Exchanges, Operations, Requests

TABLES = ("request", "operation", "attempt")
"""Tables whose rows become spans, the enclosing ones first."""

_MOST_STATUS = 999


class Rows:
    """One table of a block together with what its rows inherit from their requests."""

    def __init__(self, kind: str, exchanges: Exchanges, context: Context) -> None:
        self.kind = kind
        self.context = context
        self.requests: Requests = exchanges.requests
        self.operations: Operations = exchanges.operations
        self.attempts: Attempts = exchanges.attempts
        tables = (exchanges.requests, exchanges.operations, exchanges.attempts)
        self.table = dict(zip(TABLES, tables, strict=True))[kind]

    def __len__(self) -> int:
        return len(self.table)

    def of_request(self, name: str) -> Array:
        """A column of the requests, one value per row of this table."""
        column: Array = getattr(self.requests, name)
        return column if self.kind == "request" else column[self.own("request")]

    def own(self, name: str) -> Array:
        """A column of this table."""
        column: Array = getattr(self.table, name)
        return column

    def workflow(self) -> Array:
        """Workflow code of each row."""
        codes: Array = self.context.flow_workflows[self.of_request("flow")]
        return codes

    def start_ns(self) -> Array:
        """When each row began, nanoseconds since the start of the run."""
        return self.own("due_ns" if self.kind == "request" else "start_ns")

    def status(self) -> Array:
        """The place of each row's HTTP status among those of the run.

        Raises:
            ValueError: a status is none of them; it would be emitted as another one.
        """
        found: Array = self.own("status_code")
        places = _places(self.context.statuses)[found]
        if len(places) and places.min() < 0:
            stray = sorted(set(found[places < 0].tolist()))
            raise ValueError(f"statuses that the run does not know: {stray}")
        return places


@cache
def _places(statuses: tuple[int, ...]) -> Ints:
    """The place of each status among these, by status; -1 for all others."""
    places = np.full(_MOST_STATUS + 1, -1, dtype=np.int64)
    places[list(statuses)] = np.arange(len(statuses))
    return places


@dataclass(frozen=True, slots=True)
class Axis:
    """A small integer code per row."""

    size: Callable[[Context], int]
    codes: Callable[[Rows], Array]


@dataclass(frozen=True, slots=True)
class Category:
    """A value that follows from the codes of some axes."""

    axes: tuple[str, ...]
    value: Callable[..., Scalar]
    """Called with the context and one code per axis."""
    tables: tuple[str, ...] = TABLES
    about: str = ""


@dataclass(frozen=True, slots=True)
class Number:
    """A number per row; int64 or float64."""

    read: Callable[[Rows], Array]
    tables: tuple[str, ...] = TABLES
    about: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A text per row, always of the same width."""

    source: str
    """How to write it. ``hex16``: an id of eight bytes; ``hex32``: of sixteen; ``digits``: a
    number, zero-padded; ``time``: an instant in ISO 8601 with milliseconds; ``instance``: the
    instance's id."""
    read: Callable[[Rows], Array]
    tables: tuple[str, ...] = TABLES
    about: str = ""


@dataclass(frozen=True, slots=True)
class StandingNumber:
    """A number that each row of a standing table has at a moment of the run."""

    read: Callable[[Context, Forecast, int], Sequence[int | float]]
    """Called with nanoseconds since the start; one value per incident, or one for an instance."""
    table: str
    about: str
    of_run: bool = True
    """Whether it is the run's and has one writer, or each instance's own."""
