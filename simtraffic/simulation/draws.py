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


@dataclass(frozen=True, slots=True)
class RequestDraws:
    """What chance decides about each request."""

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

    def take(self, rows: Indices) -> RequestDraws:
        """The draws of these requests."""
        return RequestDraws(
            self.choice[rows],
            self.places[rows],
            self.small[rows],
            self.input[rows],
            self.output[rows],
        )


@dataclass(frozen=True, slots=True)
class CallDraws:
    """What chance decides about each attempt."""

    error: Floats
    """Uniform: which error, if any."""
    first: Floats
    """Normal score of the first token's delay."""
    pace: Floats
    """Normal score of the time between tokens."""


@dataclass(frozen=True, slots=True)
class Ids:
    """Random words that are never 0."""

    trace: Words
    """Shape (n, 2)."""
    root: Words
    operation: Words
    attempt: Words
    response: Words


def draw_requests(
    streams: Streams, blocks: Sequence[int], sizes: Sequence[int]
) -> tuple[RequestDraws, CallDraws]:
    """The draws of every arrival of these blocks and of its first attempt."""
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
    requests = RequestDraws(uniforms[0], words[0], words[1], scores[0], scores[1])
    return requests, CallDraws(uniforms[1], scores[2], scores[3])


def draw_choices(streams: Streams, block: int, size: int) -> Floats:
    """The first of a block's draws alone: what decides flow and model."""
    choices: Floats = streams.block("requests", block).random(size)
    return choices


def draw_ids(streams: Streams, blocks: Sequence[int], sizes: Sequence[int]) -> Ids:
    """The ids of every arrival of these blocks and of its first operation and attempt."""
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
    return Ids(trace, *columns)


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
