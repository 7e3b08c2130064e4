"""Arrivals turned into what happened to them: requests into tables of columns.

Who comes is in :mod:`simtraffic.simulation.arrivals`. What happens to a request follows from its
own row and what chance has in store for it, whatever else is simulated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simtraffic.arrays import Array, Indices, Ints, Words
from simtraffic.randomness import Streams
from simtraffic.simulation.arrivals import ArrivalModel
from simtraffic.simulation.calls import CallModel, Calls
from simtraffic.simulation.capacity import ProviderLoad
from simtraffic.simulation.draws import Hashed
from simtraffic.simulation.faults import RETRYABLE, ROOT_STATUS, FaultModel
from simtraffic.simulation.forecast import Forecast
from simtraffic.simulation.latency import LatencyModel
from simtraffic.simulation.prices import PriceModel
from simtraffic.simulation.tables import Attempts, Exchanges, Operations, Requests
from simtraffic.simulation.tokens import TokenModel
from simtraffic.simulation.traffic import Mix

if TYPE_CHECKING:
    from simtraffic.catalog import Catalog
    from simtraffic.scenario.model import Scenario
    from simtraffic.schedule import Schedule
    from simtraffic.simulation.calls import Made
    from simtraffic.simulation.draws import Draws

# Overhead of the gateway before and after its operations: this much and up to as much again.
_GATEWAY_NS = 500_000
_GATEWAY_JITTER_NS = 1_000_000


class Simulator:
    """Simulates the blocks of a schedule.

    Attributes:
        schedule: When requests are due.
        arrivals: Who comes.
        forecast: What is known of every moment of the run.
        vocabulary: What the codes of the tables stand for.
        known_statuses: Every HTTP status that a request or an attempt may have, in order.
    """

    def __init__(
        self, scenario: Scenario, schedule: Schedule, catalog: Catalog, *, run_id: str
    ) -> None:
        streams, id_streams = Streams(scenario.seed), Streams(run_id)
        mix = Mix.of(scenario, catalog)
        load = ProviderLoad.of(mix, scenario.capacity, schedule)
        latency, faults = LatencyModel(mix), FaultModel(scenario, mix, catalog)
        self.schedule = schedule
        self.vocabulary = mix.vocabulary(scenario, tuple(s.name for s in schedule.stages))
        self.known_statuses = faults.known_statuses
        self._route = mix.routes()
        self._generates = np.array([mix.models[c.route].kind == "chat" for c in mix.combinations])
        self._fallbacks = np.array(mix.fallbacks, dtype=np.intp)
        self._falls_back = bool((self._fallbacks >= 0).any())
        self._tokens = TokenModel(mix, catalog)
        self._prices = PriceModel(mix)
        self._hashed = Hashed.of(streams, id_streams)
        self._calls = CallModel(
            load,
            latency,
            faults,
            self._hashed,
            route=self._route,
            max_attempts=scenario.retries.max_attempts,
            backoff_ns=scenario.retries.backoff_ns,
        )
        self.arrivals = ArrivalModel(scenario, schedule, mix, self._tokens, streams, id_streams)
        self.forecast = Forecast.of(
            mix,
            self._tokens,
            latency,
            faults,
            load,
            schedule,
            instances=scenario.service.instances,
        )

    def simulate(self, block: int) -> Exchanges:
        """What happened to the arrivals of one block."""
        return self.simulate_blocks((block,))

    def simulate_blocks(self, blocks: Sequence[int]) -> Exchanges:
        """The same for several blocks in one table, which is faster; the first gives its number.

        Every row is the one that its block alone would have; operations and attempts keep their
        order within a block, and their row indices refer to the joined tables.
        """
        return self.happen(*self.arrivals.arrive(blocks), block=blocks[0])

    def happen(
        self, requests: Requests, combination: Indices, draws: Draws, *, block: int = 0
    ) -> Exchanges:
        """What happens to requests, wherever they come from.

        Args:
            requests: What is not known of them before is filled in.
            combination: Kind of call that each asks for, as its flow, route and streaming say.
            draws: What chance has in store for each.
            block: Number that the exchanges are given.
        """
        small = draws.small.view(np.uint16).reshape(-1, 4)
        calls = Calls(
            seq=requests.seq,
            combination=combination,
            instance=requests.instance,
            start_ns=requests.due_ns + _gateway_ns(small[:, 0]),
            tokens=self._tokens.tokens(combination, draws, draws.previous),
            hop=0,
        )
        made = self._calls.make(calls, draws.call, draws.attempt)
        requests.queue_ns = made.queue_ns
        parts = [self._operations(calls, made, draws.operation, draws.response)]
        attempts = made.tables
        if self._falls_back:
            self._fall_back(calls, made, draws, parts, attempts)
        operations = Operations.concat(parts)
        self._conclude(requests, parts, _gateway_ns(small[:, 1]))
        return Exchanges(block, requests, operations, Attempts.concat(attempts))

    def _operations(self, calls: Calls, made: Made, span: Words, response: Words) -> Operations:
        """One row per call; what failed has no tokens, no costs, no answer."""
        tokens, count = calls.tokens, len(calls.seq)
        input_cost, output_cost = self._prices.costs(calls.combination, tokens)
        first_token = made.first_token_ns
        if not self._tokens.all_generate:
            first_token *= self._generates.take(calls.combination)
        failed = np.flatnonzero(made.error)
        if len(failed):
            columns: list[Array] = [*tokens.columns().values(), tokens.finish]
            for column in (*columns, input_cost, output_cost, first_token, response):
                column[failed] = 0
        return Operations(
            request=np.arange(count),
            start_ns=calls.start_ns,
            end_ns=made.end_ns,
            route=self._route.take(calls.combination),
            is_fallback=np.full(count, calls.hop > 0),
            is_last=np.ones(count, dtype=bool),
            error=made.error,
            finish=tokens.finish,
            attempts=made.attempts,
            first_error=made.first_error,
            first_token_ns=first_token,
            **tokens.columns(),
            max_tokens=tokens.max_tokens,
            input_cost_pusd=input_cost,
            output_cost_pusd=output_cost,
            span_id=span,
            response_id=response,
        )

    def _fall_back(
        self,
        calls: Calls,
        made: Made,
        draws: Draws,
        parts: list[Operations],
        attempts: list[Attempts],
    ) -> None:
        """Further operations at other providers, hop by hop, for what retries did not cure."""
        request = np.arange(len(calls.seq))
        before = 0
        while True:
            target = self._fallbacks.take(calls.combination)
            rows = np.flatnonzero(RETRYABLE.take(made.error) & (target >= 0))
            if not len(rows):
                return
            parts[-1].is_last[rows] = False
            before += len(calls.seq)
            request = request[rows]
            combination = target[rows]
            few = draws.take(request)
            calls = Calls(
                seq=calls.seq[rows],
                combination=combination,
                instance=calls.instance[rows],
                start_ns=made.end_ns[rows],
                tokens=self._tokens.tokens(combination, few, None),
                hop=calls.hop + 1,
            )
            made = self._calls.make(calls)
            hashed = self._hashed
            span = hashed.id(calls.seq, calls.hop, 0, 2)
            response = hashed.id(calls.seq, calls.hop, 0, 3)
            operations = self._operations(calls, made, span, response)
            operations.request = request
            parts.append(operations)
            for table in made.tables:
                table.request = request[table.operation]
                table.operation = table.operation + before
                attempts.append(table)

    @staticmethod
    def _conclude(requests: Requests, parts: list[Operations], overhead_ns: Ints) -> None:
        """What the last operation and the sum over all say about each request."""
        first = parts[0]
        requests.error = first.error
        requests.cost_pusd = first.input_cost_pusd + first.output_cost_pusd
        requests.end_ns = first.end_ns + overhead_ns
        if len(parts) > 1:
            requests.error = first.error.copy()
        for further in parts[1:]:
            rows = further.request
            requests.error[rows] = further.error
            requests.cost_pusd[rows] += further.input_cost_pusd + further.output_cost_pusd
            requests.end_ns[rows] = further.end_ns + overhead_ns[rows]
        requests.status_code = ROOT_STATUS.take(requests.error)


def _gateway_ns(bits: NDArray[np.uint16]) -> Ints:
    return (bits.astype(np.int64) * _GATEWAY_JITTER_NS >> 16) + _GATEWAY_NS
