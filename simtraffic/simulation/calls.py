"""Calls at providers: attempts, their retries, and the operation that covers them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from simtraffic.arrays import Bools, Codes, Floats, Indices, Ints, Words
from simtraffic.simulation.faults import LONGEST_NS, RETRYABLE, FaultModel
from simtraffic.simulation.tables import Attempts

if TYPE_CHECKING:
    from simtraffic.simulation.capacity import ProviderLoad
    from simtraffic.simulation.draws import CallDraws, Hashed
    from simtraffic.simulation.faults import IncidentEffect
    from simtraffic.simulation.latency import LatencyModel
    from simtraffic.simulation.tables import Tokens

OVERHEAD_NS = 200_000
"""From an operation's start to its first attempt, and from its last attempt to its end: building
the request and reading the answer. Own assumption."""

_SLOWEST = 1e12
"""Factor beyond which further incidents make no difference: all of it is over the longest."""

_JITTER = 0.2
"""Waits before a retry vary by so much to both sides."""


@dataclass(slots=True)
class Calls:
    """Operations about to be made, one a row."""

    seq: Ints
    """Number of the arrival that each belongs to."""
    combination: Indices
    instance: Codes
    start_ns: Ints
    tokens: Tokens
    hop: int
    """0 for the first operation of a request, 1 for its first fallback."""

    def take(self, rows: Indices) -> Calls:
        """The calls of these rows alone."""
        return Calls(
            seq=self.seq[rows],
            combination=self.combination[rows],
            instance=self.instance[rows],
            start_ns=self.start_ns[rows],
            tokens=self.tokens.take(rows),
            hop=self.hop,
        )


@dataclass(slots=True)
class Made:
    """How operations went, one item an operation."""

    end_ns: Ints
    error: Codes
    attempts: Codes
    first_error: Codes
    first_token_ns: Ints
    """From the operation's start; of a failed operation meaningless."""
    queue_ns: Ints
    """Of the first attempt."""
    tables: list[Attempts] = field(default_factory=list)
    """First attempts, second attempts and so on; rows of operations count from 0."""


class CallModel:
    """Makes calls at providers, with their retries."""

    def __init__(
        self,
        load: ProviderLoad,
        latency: LatencyModel,
        faults: FaultModel,
        hashed: Hashed,
        *,
        route: Codes,
        max_attempts: int,
        backoff_ns: int,
    ) -> None:
        self.load = load
        self.latency = latency
        self.faults = faults
        self.hashed = hashed
        self.route = route
        self.max_attempts = max_attempts
        self.backoff_ns = backoff_ns

    def make(self, calls: Calls, draws: CallDraws | None = None, ids: Words | None = None) -> Made:
        """Make every call, with retries.

        Args:
            calls: The operations.
            draws: Chance of the first attempts; hashed when None.
            ids: Span ids of the first attempts; hashed when None.
        """
        if draws is None:
            draws, _ = self.hashed.call(calls.seq, calls.hop, 0)
        if ids is None:
            ids = self.hashed.id(calls.seq, calls.hop, 0, 1)
        start = calls.start_ns + OVERHEAD_NS
        table = self._table(np.arange(len(start)), calls, start, ids, 0)
        first, queue = self._serve(table, calls, draws)
        made = Made(
            end_ns=table.end_ns,
            error=table.error,
            attempts=np.ones(len(start), dtype=np.int16),
            first_error=table.error,
            first_token_ns=(first + OVERHEAD_NS).astype(np.int64),
            queue_ns=queue.astype(np.int64),
            tables=[table],
        )
        self._retry(calls, made)
        made.end_ns = made.end_ns + OVERHEAD_NS
        return made

    def _retry(self, calls: Calls, made: Made) -> None:
        if self.max_attempts < 2:
            return
        again = np.flatnonzero(RETRYABLE.take(made.error))
        if not len(again):
            return
        # The table of the first attempts keeps these arrays as they are.
        made.end_ns, made.error = made.end_ns.copy(), made.error.copy()
        for attempt in range(1, self.max_attempts):
            few = calls.take(again)
            draws, jitter = self.hashed.call(few.seq, calls.hop, attempt)
            wait = self.backoff_ns * 2.0 ** (attempt - 1) * (1.0 + _JITTER * (2.0 * jitter - 1.0))
            start = made.end_ns[again] + wait.astype(np.int64)
            ids = self.hashed.id(few.seq, calls.hop, attempt, 1)
            table = self._table(again, few, start, ids, attempt)
            first, _ = self._serve(table, few, draws)
            made.tables.append(table)
            made.end_ns[again] = table.end_ns
            made.error[again] = table.error
            made.attempts[again] = attempt + 1
            made.first_token_ns[again] = start - few.start_ns + first.astype(np.int64)
            again = again[RETRYABLE.take(table.error)]
            if not len(again):
                return

    def _table(
        self, rows: Indices, calls: Calls, start: Ints, ids: Words, attempt: int
    ) -> Attempts:
        """Attempts that begin; how they go is not known yet."""
        unknown = np.zeros(len(start), dtype=np.int16)
        return Attempts(
            request=rows,
            operation=rows,
            start_ns=start,
            end_ns=start,
            route=self.route.take(calls.combination),
            error=unknown,
            status_code=unknown,
            resend=np.full(len(start), attempt, dtype=np.int16),
            span_id=ids,
        )

    def _serve(self, table: Attempts, calls: Calls, draws: CallDraws) -> tuple[Floats, Floats]:
        """Fill in how attempts went; the time to the first token of each, and its wait, in ns."""
        start, combinations = table.start_ns, calls.combination
        cells = self.load.cells(combinations, start)
        queue = self.load.queue_ns.take(cells)
        slowdown = self.load.slowdown.take(cells)
        first, duration = self.latency.times(combinations, calls.tokens, draws, queue, slowdown)
        met = [
            (incident, incident.meets(combinations, calls.instance, start))
            for incident in self.faults.in_force(start)
        ]
        slower = _slower(met, len(start))
        if slower is not None:
            first *= slower
            duration *= slower
            np.minimum(first, LONGEST_NS, out=first)
            np.minimum(duration, LONGEST_NS, out=duration)
        turned_away = self.load.turned_away.take(cells) if self.load.turns_away else None
        failed, kinds = self.faults.errors(combinations, draws.error, turned_away, met)
        error = np.zeros(len(start), dtype=np.int16)
        if len(failed):
            error[failed] = kinds
            slow = np.ones(len(failed)) if slower is None else slower[failed]
            lasted = self.faults.durations(kinds, duration[failed], slow, draws.take(failed))
            duration[failed] = np.minimum(lasted, LONGEST_NS)
        end = duration.astype(np.int64)
        # Nothing takes less than a microsecond, so that every child span has a length.
        np.maximum(end, 1000, out=end)
        end += start
        table.end_ns, table.error = end, error
        table.status_code = self.faults.statuses(table.route, error)
        return first, queue


def _slower(met: list[tuple[IncidentEffect, Bools]], count: int) -> Floats | None:
    """Factor by which incidents slow each call; None when they slow none."""
    if all(incident.slowdown == 1.0 for incident, _ in met):
        return None
    slower = np.ones(count)
    for incident, affected in met:
        np.multiply(slower, incident.slowdown, out=slower, where=affected)
        np.minimum(slower, _SLOWEST, out=slower)
    return slower
