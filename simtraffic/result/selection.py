"""What one threshold, incident or stage looks at: a choice of requests and of their operations.

A choice is by due time of the request and by flow, instance, provider and model. It turns into
masks over the columns of a block; nothing of a block is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simtraffic.arrays import Bools, Ints
from simtraffic.result.sketch import QuantileSketch, bucket_indices

if TYPE_CHECKING:
    from simtraffic.result.rows import Window
    from simtraffic.simulation.tables import Exchanges, Vocabulary

    Rows = Bools | slice

EVERYTHING = slice(None)
SKETCHED = ("time_to_first_token", "duration", "input_tokens", "output_tokens")
"""Measures of operations that have quantiles."""


class Columns:
    """The columns of one block that several choices share, each computed once."""

    __slots__ = ("_values", "exchanges", "failed", "first_due_ns", "last_due_ns", "op_failed")

    def __init__(self, exchanges: Exchanges) -> None:
        self.exchanges = exchanges
        requests = exchanges.requests
        self.failed = requests.error != 0
        self.op_failed = exchanges.operations.error != 0
        self.first_due_ns = int(requests.due_ns.min())
        self.last_due_ns = int(requests.due_ns.max())
        self._values: dict[str, tuple[Ints, Ints, Bools | None]] = {}

    def spread(self, column: NDArray[np.generic]) -> NDArray[np.generic]:
        """A column of the requests, spread over the operations inside them."""
        return column[self.exchanges.operations.request]

    def sketch_into(self, sketch: QuantileSketch, measure: str, rows: Rows) -> None:
        """Count one of :data:`SKETCHED` for the chosen operations that have it."""
        values, indices, has = self._measured(measure)
        if isinstance(rows, slice):
            sketch.add(values, indices)
            return
        chosen = rows if has is None else rows[has]
        sketch.add(values[chosen], indices[chosen])

    def _measured(self, measure: str) -> tuple[Ints, Ints, Bools | None]:
        """Values of the operations that have any, their buckets, and which operations those are."""
        if measure not in self._values:
            values, has = self._raw(measure)
            if has is not None:
                values = values[has]
            self._values[measure] = values, bucket_indices(values), has
        return self._values[measure]

    def _raw(self, measure: str) -> tuple[Ints, Bools | None]:
        operations = self.exchanges.operations
        if measure == "duration":
            return operations.end_ns - operations.start_ns, None
        if measure == "time_to_first_token":
            streamed = self.exchanges.requests.streaming[operations.request]
            return operations.first_token_ns, streamed & (operations.first_token_ns > 0)
        # Failed operations have no tokens and embeddings no output: both would only be zeros.
        tokens: Ints = getattr(operations, measure)
        return tokens, tokens > 0


@dataclass(frozen=True, slots=True)
class Choice:
    """Which requests and operations are meant; None stands for all."""

    window: Window | None = None
    flow: int | None = None
    instance: int | None = None
    """Counted from 0, as in the tables."""
    routes: tuple[int, ...] | None = None

    @classmethod
    def of(
        cls, vocabulary: Vocabulary, window: Window | None, where: Mapping[str, str | int | None]
    ) -> Choice:
        """From the words of a scenario: provider, model (``provider/model``), flow, instance."""
        flow, instance = where.get("flow"), where.get("instance")
        provider, model = where.get("provider"), where.get("model")
        routes = None
        if provider is not None or model is not None:
            routes = tuple(
                code
                for code, route in enumerate(vocabulary.routes)
                if provider in (None, route.provider) and model in (None, route.full_name)
            )
        return cls(
            window,
            # A flow that the run does not have selects nothing.
            None if flow is None else _code(vocabulary.flows, str(flow)),
            None if instance is None else int(instance) - 1,
            routes,
        )

    def overlaps(self, columns: Columns) -> bool:
        """Whether any request of the block may be due inside the window."""
        window = self.window
        return window is None or (
            window.start_ns <= columns.last_due_ns and columns.first_due_ns < window.end_ns
        )

    def requests(self, columns: Columns, *, by_route: bool) -> Rows:
        """Rows of the requests; ``by_route`` asks for the model that the mix chose as well."""
        requests = columns.exchanges.requests
        masks = []
        if self.window is not None:
            masks.append(requests.due_ns >= self.window.start_ns)
            masks.append(requests.due_ns < self.window.end_ns)
        if self.flow is not None:
            masks.append(requests.flow == self.flow)
        if self.instance is not None:
            masks.append(requests.instance == self.instance)
        if by_route and self.routes is not None:
            masks.append(np.isin(requests.route, self.routes))
        return np.logical_and.reduce(masks) if masks else EVERYTHING

    def operations(self, columns: Columns, requests: Rows) -> Rows:
        """Rows of the operations inside these requests, at the chosen providers and models."""
        operations = columns.exchanges.operations
        inside = EVERYTHING if isinstance(requests, slice) else requests[operations.request]
        if self.routes is None:
            return inside
        there = np.isin(operations.route, self.routes)
        return there if isinstance(inside, slice) else inside & there


def _code(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else -1
