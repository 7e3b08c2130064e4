"""The random numbers of requests and calls, and their ids.

Each block is drawn from streams of its own, column by column, so that joining blocks changes
nothing. What only a few rows need (retries, fallbacks) is hashed from the arrival's number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simtraffic.arrays import Floats, Indices, Ints, Words
from simtraffic.distributions import normal_of_hash
from simtraffic.randomness import mix, uniform

if TYPE_CHECKING:
    from simtraffic.randomness import Streams

_ID_WORDS = 6


@dataclass(slots=True)
class CallDraws:
    """What chance decides about each attempt."""

    error: Floats
    """Uniform: which error, if any."""
    first: Floats
    """Normal score of the first token's delay."""
    pace: Floats
    """Normal score of the time between tokens."""

    def take(self, rows: Indices) -> CallDraws:
        """The draws of these attempts."""
        return CallDraws(self.error[rows], self.first[rows], self.pace[rows])


@dataclass(slots=True, kw_only=True)
class Draws:
    """What chance has in store for each request, its first operation and that one's first attempt.

    The ids are never 0.
    """

    choice: Floats
    """Uniform: flow, model, streaming."""
    places: Words
    """Random bits: instance (high half) and user (low half)."""
    small: Words
    """Random bits, sixteen each: overhead before and after, bound of the output, ending."""
    input: Floats
    """Normal score of the input's length."""
    output: Floats
    """Normal score of the output's length."""
    previous: Ints | None = None
    """Input that the provider has in its cache from the conversation's turn before, 0 for none;
    None when no flow is a conversation."""
    call: CallDraws
    """Of the first attempt."""
    trace: Words
    """Trace ids, of shape (n, 2)."""
    root: Words
    """Span ids of the requests."""
    operation: Words
    attempt: Words
    response: Words

    def take(self, rows: Indices) -> Draws:
        """The draws of these requests."""
        return Draws(
            choice=self.choice[rows],
            places=self.places[rows],
            small=self.small[rows],
            input=self.input[rows],
            output=self.output[rows],
            previous=None if self.previous is None else self.previous[rows],
            call=self.call.take(rows),
            trace=self.trace[rows],
            root=self.root[rows],
            operation=self.operation[rows],
            attempt=self.attempt[rows],
            response=self.response[rows],
        )


def draw(
    streams: Streams, id_streams: Streams, blocks: Sequence[int], sizes: Sequence[int]
) -> Draws:
    """The draws of every arrival of these blocks, of which each has so many.

    Args:
        streams: Of the scenario's seed: what chance decides.
        id_streams: Of the run: the ids.
        blocks: Numbers of the blocks.
        sizes: Arrivals of each.
    """
    count = sum(sizes)
    uniforms = np.empty((2, count))
    scores = np.empty((4, count))
    words = np.empty((2, count), dtype=np.uint64)
    start = 0
    for block, size in zip(blocks, sizes, strict=True):
        generator = streams.block("requests", block)
        rows = slice(start, start + size)
        for column in uniforms:
            generator.random(out=column[rows])
        for column in scores:
            generator.standard_normal(out=column[rows])
        for raw in words:
            raw[rows] = generator.bit_generator.random_raw(size)
        start += size
    trace, ids = _draw_ids(id_streams, blocks, sizes)
    return Draws(
        choice=uniforms[0],
        places=words[0],
        small=words[1],
        input=scores[0],
        output=scores[1],
        call=CallDraws(uniforms[1], scores[2], scores[3]),
        trace=trace,
        root=ids[0],
        operation=ids[1],
        attempt=ids[2],
        response=ids[3],
    )


def _draw_ids(streams: Streams, blocks: Sequence[int], sizes: Sequence[int]) -> tuple[Words, Words]:
    """Trace ids, of shape (n, 2), and four further ids for each arrival, of shape (4, n)."""
    count = sum(sizes)
    words = np.empty(_ID_WORDS * count, dtype=np.uint64)
    trace = words[: 2 * count].reshape(count, 2)
    columns = words[2 * count :].reshape(_ID_WORDS - 2, count)
    start = 0
    for block, size in zip(blocks, sizes, strict=True):
        raw = streams.block("ids", block).bit_generator.random_raw(_ID_WORDS * size)
        trace[start : start + size] = raw[: 2 * size].reshape(size, 2)
        columns[:, start : start + size] = raw[2 * size :].reshape(_ID_WORDS - 2, size)
        start += size
    np.maximum(words, np.uint64(1), out=words)
    return trace, columns


def draw_choices(streams: Streams, block: int, size: int) -> Floats:
    """The first of a block's draws alone: what decides flow and model."""
    choices: Floats = streams.block("requests", block).random(size)
    return choices


@dataclass(frozen=True, slots=True)
class Hashed:
    """Draws and ids of what follows an operation's first attempt, hashed from the arrival."""

    draws: np.uint64
    """Salt of what chance decides."""
    ids: np.uint64
    """Salt of the ids."""

    @classmethod
    def of(cls, streams: Streams, id_streams: Streams) -> Hashed:
        """Draws belong to the scenario's seed, ids to the run."""
        return cls(streams.salt("attempts"), id_streams.salt("attempt ids"))

    def call(self, seq: Ints, hop: int, attempt: int) -> tuple[CallDraws, Floats]:
        """The draws of these arrivals' attempt, and a uniform number for the wait before it."""
        keys = self._keys(self.draws, seq, hop, attempt)
        draws = CallDraws(
            uniform(mix(keys, np.uint64(1))),
            normal_of_hash(mix(keys, np.uint64(2))),
            normal_of_hash(mix(keys, np.uint64(3))),
        )
        return draws, uniform(mix(keys, np.uint64(4)))

    def id(self, seq: Ints, hop: int, attempt: int, kind: int) -> Words:
        """An id of one kind for each arrival's attempt."""
        keys = self._keys(self.ids, seq, hop, attempt)
        return np.maximum(mix(keys, np.uint64(kind)), np.uint64(1))

    @staticmethod
    def _keys(salt: np.uint64, seq: Ints, hop: int, attempt: int) -> Words:
        step = (int(salt) + (hop << 20) + attempt) & 0xFFFF_FFFF_FFFF_FFFF
        return mix(mix(seq.view(np.uint64), salt), np.uint64(step))
