"""Which requests continue a conversation, and how its prompts grow, without carried state.

The arrivals of a flow are numbered through the run (:class:`Numbering`). Numbers are dealt to
*slots* in turn; a slot is a sequence of conversations, one turn a *round*. Whether a conversation
starts in a round is a hash of flow, slot and round: any block knows its turns alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simtraffic.arrays import Bools, Floats, Ints, Words
from simtraffic.distributions import inverse_normal, normal_of_hash
from simtraffic.randomness import mix, uniform

if TYPE_CHECKING:
    from simtraffic.randomness import Streams
    from simtraffic.scenario import Conversation
    from simtraffic.schedule import Schedule

LONGEST = 64
"""Turns after which a conversation ends in any case; a power of two."""

LONGEST_GAP_S = 20.0
SHORTEST_GAP_S = 4.0
"""Mean time between turns: a twelfth of the run between these. Own assumption."""

GROWTH = 0.8
"""Correlation of a prompt's length (as a normal score) with how far the conversation has come."""

HIT_CHANCE = 0.9
"""Chance that the provider still has the turn before in its cache. Own assumption."""

BLOCKS_AN_ERA = 1024
"""Blocks that a block may have to look back over."""

_ROUNDS_A_HASH = 4
_JITTERS = 256
_PACK = np.uint32((1 << 28) | (1 << 21) | (1 << 14) | (1 << 7))
"""Multiplying four 0/1 bytes by this brings them side by side into the four highest bits."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What a flow's rows are in their conversations, one item a row."""

    conversation: Words
    turn: Ints
    user: Ints
    score: Floats
    """Normal score of the input; standard normal over all rows."""
    previous_score: Floats
    """The same of the turn before; meaningless in the first turn."""
    hit: Bools
    """Whether the turn before is still in the provider's cache."""
    choice: Floats
    """Uniform, the same in all turns: which model the conversation stays with."""


class Numbering:
    """Numbers each flow's rows through the run, from any block on.

    How many rows of a flow came before a block is counted by drawing the choices of the blocks
    before it again, back to the start of its era. An era's numbers begin far from those of others,
    so that no conversation goes from one into the next: once in two million arrivals.
    """

    def __init__(self, flows: int, flow_counts: Callable[[int], Ints]) -> None:
        """``flow_counts`` gives how many rows of each flow a block has."""
        self._flow_counts = flow_counts
        self._era = -1
        self._before = [np.zeros(flows, dtype=np.int64)]

    def numbers(self, flow: int, block_of: Ints) -> Ints:
        """Numbers of a flow's rows, given their blocks, one whole block after the other."""
        starts = np.flatnonzero(np.diff(block_of, prepend=-1))
        sizes = np.diff(np.append(starts, len(block_of)))
        first = np.array([self._first(flow, int(block)) for block in block_of[starts]])
        numbers: Ints = (
            np.arange(len(block_of)) - np.repeat(starts, sizes) + np.repeat(first, sizes)
        )
        return numbers

    def _first(self, flow: int, block: int) -> int:
        era, place = divmod(block, BLOCKS_AN_ERA)
        if era != self._era:
            self._era, self._before = era, self._before[:1]
        while len(self._before) <= place:
            counted = self._flow_counts(era * BLOCKS_AN_ERA + len(self._before) - 1)
            self._before.append(self._before[-1] + counted)
        return (era << 40) + int(self._before[place][flow])


class ConversationModel:
    """The conversations of one flow."""

    def __init__(
        self,
        conversation: Conversation,
        share: float,
        schedule: Schedule,
        streams: Streams,
        *,
        flow: str,
    ) -> None:
        seconds = max(schedule.duration_ns, 1) / 1e9
        gap = min(LONGEST_GAP_S, max(SHORTEST_GAP_S, seconds / 12.0))
        self.slots = max(1, round(share * schedule.total_expected / seconds * gap))
        self.users = conversation.users
        self.salt = streams.salt(f"conversations of {flow}")
        # Windows of 64 rounds begin with a start of their own; the chance of the others makes up
        # for it, so that the mean length is the one asked for.
        mean = max(conversation.turns.mean, 1.0)
        chance = max(0.0, (1.0 / mean - 1.0 / LONGEST) / (1.0 - 1.0 / LONGEST))
        self.threshold = round(chance * 65536) - 1
        self.turn_scores = _turn_scores(chance)

    def turns(self, number: Ints, bits: Words) -> Dialogue:
        """What each of the flow's rows is in its conversation.

        Args:
            number: The rows' numbers among all rows of the flow.
            bits: Random bits of each row.
        """
        slot = number % self.slots
        rounds = number // self.slots
        rounds += (mix(slot.view(np.uint64), self.salt) >> np.uint64(58)).view(np.int64)
        turn = self._turn(slot, rounds)
        conversation = mix(
            mix(((slot << 32) + rounds - turn).view(np.uint64), self.salt), np.uint64(21)
        )
        traits = mix(conversation, self.salt)
        own = normal_of_hash(traits)
        own *= np.sqrt(1.0 - GROWTH * GROWTH)
        place = turn * _JITTERS
        place += (traits >> np.uint64(56)).view(np.int64)
        score = self.turn_scores.take(place) * GROWTH + own
        place -= _JITTERS
        previous = self.turn_scores.take(place, mode="clip") * GROWTH + own
        user = ((traits >> np.uint64(24)) & np.uint64(0xFFFF_FFFF)).view(np.int64)
        return Dialogue(
            conversation=np.maximum(conversation, np.uint64(1)),
            turn=turn + 1,
            user=(user * self.users) >> 32,
            score=score,
            previous_score=previous,
            hit=(turn > 0) & ((bits & np.uint64(0xFFFF)) < np.uint64(HIT_CHANCE * 65536)),
            choice=uniform(mix(traits, np.uint64(23))),
        )

    def _turn(self, slot: Ints, rounds: Ints) -> Ints:
        """Rounds back to the start of the conversation: 0 in its first turn."""
        turn = np.zeros(len(slot), dtype=np.int64)
        rows = np.arange(len(slot))
        word = (slot << 32) + (rounds >> 2)
        last = rounds & (_ROUNDS_A_HASH - 1)
        back = np.zeros(len(slot), dtype=np.int64)
        while len(rows):
            starts = self._starts(word)
            found = _BACK.take(last * 16 + starts)
            turn[rows] = back + found
            missing = np.flatnonzero(found < 0)
            rows, word = rows[missing], word[missing] - 1
            back = back[missing] + last[missing] + 1
            last = np.full(len(missing), _ROUNDS_A_HASH - 1)
        return turn

    def _starts(self, word: Ints) -> Ints:
        """Four bits a word: the rounds in which a conversation starts."""
        hashes = mix(word.view(np.uint64), self.salt)
        chances = hashes.view(np.uint16) <= self.threshold
        packed = chances.view(np.uint32) * _PACK
        starts: Ints = (packed >> np.uint32(28)).astype(np.int64)
        starts |= word & (LONGEST // _ROUNDS_A_HASH - 1) == 0
        return starts


def _back_table() -> Ints:
    """Rounds from each place in a word back to the nearest start; -1 when the word has none."""
    table = [
        next((back for back in range(place + 1) if starts >> (place - back) & 1), -1)
        for place in range(_ROUNDS_A_HASH)
        for starts in range(16)
    ]
    return np.array(table, dtype=np.int64)


_BACK = _back_table()


def _turn_scores(chance: float) -> Floats:
    """Normal scores by turn and jitter, such that all turns together are standard normal.

    Seen at a random moment, a conversation has come at least ``a`` turns beyond its first with the
    chance that none of ``a`` rounds started another, nor a window of 64 rounds did.
    """
    age = np.arange(LONGEST + 1)
    beyond = (1.0 - chance) ** age * (1.0 - age / LONGEST)
    jitter = (np.arange(_JITTERS) + 0.5) / _JITTERS
    upper = beyond[:-1, None] - jitter * (beyond[:-1] - beyond[1:])[:, None]
    scores: Floats = -inverse_normal(np.clip(upper, 1e-300, None)).ravel()
    return scores
