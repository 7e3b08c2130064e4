"""What happened, as columns: requests, the operations inside them, the attempts inside those.

A table is a set of numpy arrays of one length; row *i* of every column belongs to the same thing.
Everything categorical is a small integer code into a vocabulary (:class:`Vocabulary`). Times are
int64 nanoseconds counted from the start of the run. One row becomes one span.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

import numpy as np

from simtraffic import failures, workflows
from simtraffic.arrays import Bools, Codes, Indices, Ints, Words
from simtraffic.token_kinds import TOKEN_KINDS

if TYPE_CHECKING:
    from simtraffic.catalog import Model

ERROR_KINDS = failures.OUTCOMES
"""Error codes in order; 0 means success."""

FINISH_REASONS = ("none", "stop", "length", "tool_call", "content_filter")
"""Finish reason codes in order; 0 means that there was no answer."""

WORKFLOWS = workflows.NAMES
"""Workflow codes in order."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the codes of a run's tables stand for."""

    flows: tuple[str, ...]
    flow_workflows: tuple[int, ...]
    """Workflow code of each flow."""
    routes: tuple[Model, ...]
    """Every model that the traffic or a fallback may reach."""
    stages: tuple[str, ...]
    """The last entry is the hold after the last stage when a run is prolonged."""
    incidents: tuple[str, ...]
    instances: int


class _Table:
    """Shared by the three tables: rows are taken and joined column by column."""

    __slots__ = ()

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))  # type: ignore[arg-type]

    def take(self, rows: Indices | Bools | slice) -> Self:
        """The table with only these rows (an index array, a mask or a slice), in this order."""
        return type(self)(*(getattr(self, f.name)[rows] for f in fields(self)))  # type: ignore[arg-type]

    @classmethod
    def concat(cls, tables: Sequence[Self]) -> Self:
        """One table after the other. Row indices inside (``request``...) are not adjusted."""
        if len(tables) == 1:
            return tables[0]
        return cls(*(np.concatenate([getattr(t, f.name) for t in tables]) for f in fields(cls)))  # type: ignore[arg-type]


@dataclass(slots=True)
class Requests(_Table):
    """One row per arrival, sorted by due time. Its span is the HTTP server root."""

    seq: Ints
    """Number of the arrival in the whole run: block number * 2**20 + rank in the block."""
    due_ns: Ints
    end_ns: Ints
    flow: Codes
    route: Codes
    """The model that the traffic mix chose, that of the first operation."""
    instance: Codes
    """Counted from 0."""
    stage: Codes
    user: Ints
    """Number of the user inside the flow's users, from 0."""
    conversation: Words
    """0 when the request belongs to none."""
    turn: Codes
    """Turn of the conversation, from 1."""
    streaming: Bools
    sampled: Bools
    error: Codes
    """:data:`ERROR_KINDS` of the last operation; the request failed when not 0."""
    status_code: Codes
    """HTTP status of the root."""
    queue_ns: Ints
    """Time spent waiting for the provider's capacity before the first attempt."""
    trace_id: Words
    """Shape (n, 2): the sixteen bytes of the id as two words, in memory order."""
    span_id: Words
    cost_pusd: Ints
    """Sum over the request's operations, in 1e-12 USD."""


@dataclass(slots=True)
class Tokens(_Table):
    """What each call comes to if it succeeds, a kind of token a column."""

    input: Ints
    cached: Ints
    output: Ints
    reasoning: Ints
    max_tokens: Ints
    finish: Codes

    def columns(self) -> dict[str, Ints]:
        """The counts by the names that they have in :class:`Operations`."""
        return {kind.column: getattr(self, kind.name) for kind in TOKEN_KINDS}


@dataclass(slots=True)
class Operations(_Table):
    """One row per logical GenAI call, retries included; a fallback is a further row."""

    request: Ints
    """Row of its request in the same block."""
    start_ns: Ints
    end_ns: Ints
    route: Codes
    is_fallback: Bools
    is_last: Bools
    """Whether the request's outcome is this operation's."""
    error: Codes
    finish: Codes
    attempts: Codes
    """Attempts made, at least 1."""
    first_error: Codes
    """Error of the first attempt: why the first retry happened; 0 when the first succeeded."""
    first_token_ns: Ints
    """From the operation's start to the first token (queue, network and retries included); 0 when
    nothing was generated."""
    input_tokens: Ints
    cached_tokens: Ints
    """Part of ``input_tokens``."""
    output_tokens: Ints
    reasoning_tokens: Ints
    """Part of ``output_tokens``."""
    max_tokens: Ints
    """What the request asked for as the bound of its output."""
    input_cost_pusd: Ints
    output_cost_pusd: Ints
    span_id: Words
    response_id: Words
    """Random; 0 when there was no response."""


@dataclass(slots=True)
class Attempts(_Table):
    """One row per HTTP call to a provider."""

    request: Ints
    operation: Ints
    """Row of its operation in the same block."""
    start_ns: Ints
    end_ns: Ints
    route: Codes
    error: Codes
    status_code: Codes
    """HTTP status of the provider's answer; 0 when none came."""
    resend: Codes
    """0 for the first attempt of an operation."""
    span_id: Words


@dataclass(slots=True)
class Exchanges:
    """All that happened to the arrivals of one block; a failed operation has no tokens, no cost."""

    block: int
    requests: Requests
    operations: Operations
    attempts: Attempts

    def __len__(self) -> int:
        return len(self.requests)

    def keep(self, wanted: Bools) -> Exchanges:
        """Only these requests, with all their operations and attempts; indices are renumbered."""
        requests = np.cumsum(wanted) - 1
        inside = wanted[self.operations.request]
        numbers = np.cumsum(inside) - 1
        operations = self.operations.take(inside)
        operations.request = requests[operations.request]
        attempts = self.attempts.take(wanted[self.attempts.request])
        attempts.request = requests[attempts.request]
        attempts.operation = numbers[attempts.operation]
        return Exchanges(self.block, self.requests.take(wanted), operations, attempts)
