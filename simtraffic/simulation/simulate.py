"""Arrivals turned into what happened to them: a block of due times into tables of columns.

Every block is a function of scenario, schedule and its own number, whatever else is simulated, and
in which order. Ids are a function of the run's id as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simtraffic.arrays import Bools, Codes, Indices, Ints, Words
from simtraffic.randomness import Streams
from simtraffic.simulation.calls import CallModel, Calls
from simtraffic.simulation.capacity import Load
from simtraffic.simulation.conversations import ConversationModel, Numbering
from simtraffic.simulation.draws import Hashed, draw_choices, draw_ids, draw_requests
from simtraffic.simulation.faults import RETRYABLE, ROOT_STATUS, FaultModel
from simtraffic.simulation.forecast import Forecast
from simtraffic.simulation.latency import LatencyModel
from simtraffic.simulation.prices import PriceModel
from simtraffic.simulation.tables import Attempts, Exchanges, Operations, Requests
from simtraffic.simulation.tokens import TokenModel
from simtraffic.simulation.traffic import Choice, Mix

if TYPE_CHECKING:
    from simtraffic.catalog import Catalog
    from simtraffic.scenario.model import Scenario
    from simtraffic.schedule import Schedule
    from simtraffic.simulation.calls import Made
    from simtraffic.simulation.draws import Ids, RequestDraws

SEQ_BITS = 20
"""An arrival's number is its block's shifted by so many bits, plus its rank in the block."""

LONE_USERS = 1000
"""Users of a flow without conversations."""

# Overhead of the gateway before and after its operations: this much and up to as much again.
_GATEWAY_NS = 500_000
_GATEWAY_JITTER_NS = 1_000_000


class Simulator:
    """Simulates the blocks of a schedule."""

    def __init__(
        self, scenario: Scenario, schedule: Schedule, catalog: Catalog, *, run_id: str
    ) -> None:
        streams, id_streams = Streams(scenario.seed), Streams(run_id)
        mix = Mix.of(scenario, catalog)
        load = Load.of(mix, scenario.capacity, schedule)
        latency, faults = LatencyModel(mix), FaultModel(scenario, mix, catalog)
        self.schedule = schedule
        self.catalog = catalog
        self.vocabulary = mix.vocabulary(scenario, tuple(s.name for s in schedule.stages))
        self.models = tuple(mix.models)
        """Model of each route code."""
        self.known_statuses = faults.known_statuses
        """Every HTTP status that a request or an attempt may have, in order."""
        self._streams, self._id_streams = streams, id_streams
        self._instances = scenario.service.instances
        self._sampling = scenario.telemetry.sampling
        self._stage_ends = np.array([s.end_ns for s in schedule.stages[:-1]], dtype=np.int64)
        self._choice = Choice.of([weight for weight in mix.weights if weight > 0])
        self._flow = np.array([c.flow for c in mix.combinations], dtype=np.int16)
        self._route = np.array([c.route for c in mix.combinations], dtype=np.int16)
        self._streaming = np.array([c.streaming for c in mix.combinations])
        self._generates = np.array([mix.models[c.route].kind == "chat" for c in mix.combinations])
        self._fallbacks = np.array(mix.fallbacks, dtype=np.intp)
        self._falls_back = bool((self._fallbacks >= 0).any())
        self._tokens = TokenModel(mix, catalog)
        self._prices = PriceModel(mix)
        self._hashed = Hashed.of(streams, id_streams)
        self._conversations = _conversations(mix, schedule, streams)
        self._flow_choices = {flow: _choice_within(mix, flow) for flow in self._conversations}
        self._numbering = Numbering(len(mix.flows), self._flow_counts)
        self._calls = CallModel(
            load,
            latency,
            faults,
            self._hashed,
            route=self._route,
            max_attempts=scenario.retries.max_attempts,
            backoff_ns=scenario.retries.backoff_ns,
        )
        self.forecast = Forecast.of(
            mix, self._tokens, latency, faults, load, schedule, instances=self._instances
        )

    def simulate(self, block: int) -> Exchanges:
        """What happened to the arrivals of one block."""
        return self.simulate_blocks((block,))

    def simulate_blocks(self, blocks: Sequence[int]) -> Exchanges:
        """The same for several blocks in one table, which is faster; the first gives its number.

        Every row is the one that its block alone would have; operations and attempts keep their
        order within a block, and their row indices refer to the joined tables.
        """
        dues = [self.schedule.arrivals(block) for block in blocks]
        sizes = [len(due) for due in dues]
        due = dues[0] if len(dues) == 1 else np.concatenate(dues)
        seq = np.concatenate(
            [np.arange(s) + (b << SEQ_BITS) for b, s in zip(blocks, sizes, strict=True)]
        )
        draws, call_draws = draw_requests(self._streams, blocks, sizes)
        ids = draw_ids(self._id_streams, blocks, sizes)
        requests, combination, draws, previous = self._requests(due, seq, draws, ids)
        small = draws.small.view(np.uint16).reshape(-1, 4)
        calls = Calls(
            seq=seq,
            combination=combination,
            instance=requests.instance,
            start_ns=due + _gateway_ns(small[:, 0]),
            tokens=self._tokens.of(combination, draws, previous),
            hop=0,
        )
        made = self._calls.make(calls, call_draws, ids.attempt)
        requests.queue_ns = made.queue_ns
        parts = [self._operations(calls, made, ids.operation, ids.response)]
        attempts = made.tables
        if self._falls_back:
            self._fall_back(calls, made, draws, parts, attempts)
        operations = Operations.concat(parts)
        self._conclude(requests, parts, _gateway_ns(small[:, 1]))
        return Exchanges(blocks[0], requests, operations, Attempts.concat(attempts))

    def _requests(
        self, due: Ints, seq: Ints, draws: RequestDraws, ids: Ids
    ) -> tuple[Requests, Indices, RequestDraws, Ints | None]:
        """The requests as far as they are known when they arrive."""
        count = len(due)
        combination = self._choice.pick(draws.choice)
        flow = self._flow.take(combination)
        halves = draws.places.view(np.uint32).reshape(-1, 2)
        user = (halves[:, 0] * np.uint64(LONE_USERS) >> np.uint64(32)).view(np.int64)
        instance = (halves[:, 1] * np.uint64(self._instances) >> np.uint64(32)).astype(np.int16)
        requests = Requests(
            seq=seq,
            due_ns=due,
            end_ns=due,
            flow=flow,
            route=self._route.take(combination),
            instance=instance,
            stage=self._stages(due),
            user=user,
            conversation=np.zeros(count, dtype=np.uint64),
            turn=np.ones(count, dtype=np.int16),
            streaming=self._streaming.take(combination),
            sampled=self._sampled(ids.trace),
            error=np.zeros(count, dtype=np.int16),
            status_code=np.zeros(count, dtype=np.int16),
            queue_ns=due,
            trace_id=ids.trace,
            span_id=ids.root,
            cost_pusd=due,
        )
        previous = self._converse(requests, combination, draws) if self._conversations else None
        return requests, combination, draws, previous

    def _flow_counts(self, block: int) -> Ints:
        """How many rows of each flow a block has."""
        draws = draw_choices(self._streams, block, self.schedule.count(block))
        flows = self._flow.take(self._choice.pick(draws))
        return np.bincount(flows, minlength=len(self.vocabulary.flows))

    def _converse(self, requests: Requests, combination: Indices, draws: RequestDraws) -> Ints:
        """Fill in conversations; the input that each row's turn before left in the cache."""
        previous = np.zeros(len(requests), dtype=np.int64)
        for flow, model in self._conversations.items():
            rows = np.flatnonzero(requests.flow == flow)
            if not len(rows):
                continue
            number = self._numbering.of(flow, requests.seq[rows] >> SEQ_BITS)
            turns = model.turns(number, draws.places[rows])
            # A conversation stays with its model, and its client with streaming or not.
            picks, choices = self._flow_choices[flow]
            combination[rows] = picks[choices.pick(turns.choice)]
            requests.route[rows] = self._route.take(combination[rows])
            requests.streaming[rows] = self._streaming.take(combination[rows])
            requests.conversation[rows] = turns.conversation
            requests.turn[rows] = turns.turn
            requests.user[rows] = turns.user
            draws.input[rows] = turns.score
            if self._tokens.cached_from_conversation[flow]:
                hits = np.flatnonzero(turns.hit)
                hit_rows = rows[hits]
                previous[hit_rows] = self._tokens.input(
                    combination[hit_rows], turns.previous_score[hits]
                )
        return previous

    def _stages(self, due: Ints) -> Codes:
        if not len(due):
            return np.zeros(0, dtype=np.int16)
        first, last = np.searchsorted(self._stage_ends, [due.min(), due.max()], side="right")
        if first == last:
            return np.full(len(due), first, dtype=np.int16)
        return np.searchsorted(self._stage_ends, due, side="right").astype(np.int16)

    def _sampled(self, trace: Words) -> Bools:
        """Consistent with W3C trace context level 2: the last 56 bits against a threshold."""
        if self._sampling >= 1.0:
            return np.ones(len(trace), dtype=bool)
        threshold = round((1.0 - self._sampling) * 2**56)
        randomness = trace[:, 1].byteswap() & np.uint64(2**56 - 1)
        sampled: Bools = randomness >= np.uint64(threshold)
        return sampled

    def _operations(self, calls: Calls, made: Made, span: Words, response: Words) -> Operations:
        """One row per call; what failed has no tokens, no costs, no answer."""
        tokens, count = calls.tokens, len(calls.seq)
        input_cost, output_cost = self._prices.of(calls.combination, tokens)
        first_token = made.first_token_ns
        if not self._tokens.all_generate:
            first_token *= self._generates.take(calls.combination)
        failed = np.flatnonzero(made.error)
        if len(failed):
            for column in (
                tokens.input, tokens.cached, tokens.output, tokens.reasoning, tokens.finish,
                input_cost, output_cost, first_token, response,
            ):  # fmt: skip
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
            input_tokens=tokens.input,
            cached_tokens=tokens.cached,
            output_tokens=tokens.output,
            reasoning_tokens=tokens.reasoning,
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
        draws: RequestDraws,
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
                tokens=self._tokens.of(combination, few, None),
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


def _choice_within(mix: Mix, flow: int) -> tuple[Indices, Choice]:
    """The combinations of a flow that can be chosen, and the choice among them."""
    picks = [
        number
        for number, combination in enumerate(mix.combinations)
        if combination.flow == flow and mix.weights[number] > 0
    ]
    return np.array(picks, dtype=np.intp), Choice.of([mix.weights[number] for number in picks])


def _gateway_ns(bits: NDArray[np.uint16]) -> Ints:
    return (bits.astype(np.int64) * _GATEWAY_JITTER_NS >> 16) + _GATEWAY_NS


def _conversations(mix: Mix, schedule: Schedule, streams: Streams) -> dict[int, ConversationModel]:
    """The conversation model of each flow that has one, by the flow's number."""
    shares = [0.0] * len(mix.flows)
    for combination, weight in zip(mix.combinations, mix.weights, strict=True):
        shares[combination.flow] += weight
    return {
        number: ConversationModel(
            flow.conversation, shares[number], schedule, streams, flow=flow.name
        )
        for number, flow in enumerate(mix.flows)
        if flow.conversation is not None
    }
