"""Randomness as a function of seed, block and name, never of the order of asking.

Every stream is a counter-based Philox generator whose key is the seed and the stream's name and
whose counter starts at the block's number, so any block can be drawn alone, on any machine. State
that spans blocks is hashed (:func:`mix`) from identities instead of being carried along.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from simtraffic.arrays import Floats, Words

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_A = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B = np.uint64(0x94D049BB133111EB)
_TWO_53 = 2.0**-53


def key_of(*parts: object) -> int:
    """A 128-bit key from the text of these parts, the same on every machine."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")


@dataclass(frozen=True, slots=True)
class Streams:
    """Named random streams of one seed."""

    seed: int | str

    def block(self, name: str, block: int) -> np.random.Generator:
        """The generator of this block under this name; each block owns 2**192 counter values."""
        key = key_of(self.seed, name)
        counter = np.array([0, 0, 0, block], dtype=np.uint64)
        return np.random.Generator(np.random.Philox(key=key, counter=counter))

    def salt(self, name: str) -> np.uint64:
        """A 64-bit number of this name, to hash identities with."""
        return np.uint64(key_of(self.seed, name) & 0xFFFF_FFFF_FFFF_FFFF)


def mix(values: Words, salt: np.uint64) -> Words:
    """Hash each value (the finaliser of SplitMix64, Steele et al. 2014, over value and salt)."""
    with np.errstate(over="ignore"):
        z = (values + np.uint64(1)) * _GAMMA + salt
        z = (z ^ (z >> np.uint64(30))) * _MIX_A
        z = (z ^ (z >> np.uint64(27))) * _MIX_B
        return z ^ (z >> np.uint64(31))


def uniform(hashes: Words) -> Floats:
    """Hashes as numbers in [0, 1)."""
    return (hashes >> np.uint64(11)).astype(np.float64) * _TWO_53
