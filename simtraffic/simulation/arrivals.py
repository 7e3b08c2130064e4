"""Who comes: the requests of a block, as far as they are known when they arrive.

Every block is a function of scenario, schedule and its own number, whatever else is simulated, and
in which order. Ids are a function of the run's id as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from simtraffic.arrays import Bools, Codes, Indices, Ints, Words
from simtraffic.simulation.conversations import ConversationModel, Numbering
from simtraffic.simulation.draws import Draws, draw, draw_choices
from simtraffic.simulation.tables import Requests
from simtraffic.simulation.traffic import AliasDraw, Mix

if TYPE_CHECKING:
    from simtraffic.randomness import Streams
    from simtraffic.scenario.model import Scenario
    from simtraffic.schedule import Schedule
    from simtraffic.simulation.tokens import TokenModel

SEQ_BITS = 20
"""An arrival's number is its block's shifted by so many bits, plus its rank in the block."""

LONE_USERS = 1000
"""Users of a flow without conversations."""


class ArrivalModel:
    """Makes the requests of the blocks of a schedule."""

    def __init__(
        self,
        scenario: Scenario,
        schedule: Schedule,
        mix: Mix,
        tokens: TokenModel,
        streams: Streams,
        id_streams: Streams,
    ) -> None:
        self._schedule = schedule
        self._tokens = tokens
        self._streams, self._id_streams = streams, id_streams
        self._instances = scenario.service.instances
        self._sampling = scenario.telemetry.sampling
        self._stage_ends = np.array([s.end_ns for s in schedule.stages[:-1]], dtype=np.int64)
        self._choice = AliasDraw.of([weight for weight in mix.weights if weight > 0])
        self._flow = np.array([c.flow for c in mix.combinations], dtype=np.int16)
        self._route = mix.routes()
        self._streaming = np.array([c.streaming for c in mix.combinations])
        self._conversations = _conversations(mix, schedule, streams)
        self._flow_choices = {flow: _choice_within(mix, flow) for flow in self._conversations}
        self._flows = len(mix.flows)
        self._numbering = Numbering(self._flows, self._flow_counts)

    def arrive(self, blocks: Sequence[int]) -> tuple[Requests, Indices, Draws]:
        """The requests of these blocks in one table.

        What follows from what happens (end, error, status, wait and cost) is 0 until then.

        Returns:
            The requests, the kind of call that each asks for, and what chance has in store for it.
        """
        dues = [self._schedule.arrivals(block) for block in blocks]
        sizes = [len(due) for due in dues]
        due = dues[0] if len(dues) == 1 else np.concatenate(dues)
        seq = np.concatenate(
            [np.arange(s) + (b << SEQ_BITS) for b, s in zip(blocks, sizes, strict=True)]
        )
        draws = draw(self._streams, self._id_streams, blocks, sizes)
        combination = self._choice.pick(draws.choice)
        halves = draws.places.view(np.uint32).reshape(-1, 2)
        user = (halves[:, 0] * np.uint64(LONE_USERS) >> np.uint64(32)).view(np.int64)
        instance = (halves[:, 1] * np.uint64(self._instances) >> np.uint64(32)).astype(np.int16)
        unknown, unknown_code = np.zeros(len(due), dtype=np.int64), np.zeros(len(due), dtype="i2")
        requests = Requests(
            seq=seq,
            due_ns=due,
            end_ns=unknown,
            flow=self._flow.take(combination),
            route=self._route.take(combination),
            instance=instance,
            stage=self._stages(due),
            user=user,
            conversation=np.zeros(len(due), dtype=np.uint64),
            turn=np.ones(len(due), dtype=np.int16),
            streaming=self._streaming.take(combination),
            sampled=self._sampled(draws.trace),
            error=unknown_code,
            status_code=unknown_code,
            queue_ns=unknown,
            trace_id=draws.trace,
            span_id=draws.root,
            cost_pusd=unknown,
        )
        if self._conversations:
            draws.previous = self._converse(requests, combination, draws)
        return requests, combination, draws

    def _flow_counts(self, block: int) -> Ints:
        """How many rows of each flow a block has."""
        choices = draw_choices(self._streams, block, self._schedule.count(block))
        flows = self._flow.take(self._choice.pick(choices))
        return np.bincount(flows, minlength=self._flows)

    def _converse(self, requests: Requests, combination: Indices, draws: Draws) -> Ints:
        """Fill in conversations; the input that each row's turn before left in the cache."""
        previous = np.zeros(len(requests), dtype=np.int64)
        for flow, model in self._conversations.items():
            rows = np.flatnonzero(requests.flow == flow)
            if not len(rows):
                continue
            number = self._numbering.numbers(flow, requests.seq[rows] >> SEQ_BITS)
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


def _choice_within(mix: Mix, flow: int) -> tuple[Indices, AliasDraw]:
    """The combinations of a flow that can be chosen, and the choice among them."""
    picks = [
        number
        for number, combination in enumerate(mix.combinations)
        if combination.flow == flow and mix.weights[number] > 0
    ]
    return np.array(picks, dtype=np.intp), AliasDraw.of([mix.weights[number] for number in picks])


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
