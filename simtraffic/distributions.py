"""Quantile functions: from a standard normal score to a value.

Everything random with a shape of its own is drawn as a normal score and turned into a value here,
so that scores can be correlated (a conversation's inputs) without touching the distribution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from simtraffic.arrays import Floats, Indices, Words

if TYPE_CHECKING:
    Mixture = Sequence[tuple[float, float, float]]

Z95 = 1.6448536269514722
"""The normal score of the 95th percentile."""

_LIMIT = 6.0
_STEPS = 64
"""Table points per unit of the score: a relative error below 2e-4 at a sigma of 2."""

# Algorithm AS 241 (PPND16): M. J. Wichura, "The percentage points of the normal distribution",
# Applied Statistics 37 (1988); relative accuracy about 1e-16. Numerator and denominator,
# highest power first, for the middle, the near and the far tail.
_MIDDLE = (
    (2.50908_09287_30122_6727e3, 3.34305_75583_58812_8105e4, 6.72657_70927_00870_0853e4,
     4.59219_53931_54987_1457e4, 1.37316_93765_50946_1125e4, 1.97159_09503_06551_4427e3,
     1.33141_66789_17843_7745e2, 3.38713_28727_96366_6080e0),
    (5.22649_52788_52854_5610e3, 2.87290_85735_72194_2674e4, 3.93078_95800_09271_0610e4,
     2.12137_94301_58659_5867e4, 5.39419_60214_24751_1077e3, 6.87187_00749_20579_0830e2,
     4.23133_30701_60091_1252e1, 1.0),
)  # fmt: skip
_NEAR = (
    (7.74545_01427_83414_07640e-4, 2.27238_44989_26918_45833e-2, 2.41780_72517_74506_11770e-1,
     1.27045_82524_52368_38258e0, 3.64784_83247_63204_60504e0, 5.76949_72214_60691_40550e0,
     4.63033_78461_56545_29590e0, 1.42343_71107_49683_57734e0),
    (1.05075_00716_44416_84324e-9, 5.47593_80849_95344_94600e-4, 1.51986_66563_61645_71966e-2,
     1.48103_97642_74800_74590e-1, 6.89767_33498_51000_04550e-1, 1.67638_48301_83803_84940e0,
     2.05319_16266_37758_82187e0, 1.0),
)  # fmt: skip
_FAR = (
    (2.01033_43992_92288_13265e-7, 2.71155_55687_43487_57815e-5, 1.24266_09473_88078_43860e-3,
     2.65321_89526_57612_30930e-2, 2.96560_57182_85048_91230e-1, 1.78482_65399_17291_33580e0,
     5.46378_49111_64114_36990e0, 6.65790_46435_01103_77720e0),
    (2.04426_31033_89939_78564e-15, 1.42151_17583_16445_88870e-7, 1.84631_83175_10054_68180e-5,
     7.86869_13114_56132_59100e-4, 1.48753_61290_85061_48525e-2, 1.36929_88092_27358_05310e-1,
     5.99832_20655_58879_37690e-1, 1.0),
)  # fmt: skip


def inverse_normal(p: ArrayLike) -> Floats:
    """The normal score below which a share ``p`` (between 0 and 1, exclusive) lies."""
    share = np.asarray(p, dtype=np.float64)
    q = share - 0.5
    with np.errstate(divide="ignore"):
        r = np.sqrt(-np.log(np.minimum(share, 1.0 - share)))
    middle = _ratio(_MIDDLE, 0.180625 - q * q) * q
    tail = np.where(r <= 5.0, _ratio(_NEAR, r - 1.6), _ratio(_FAR, r - 5.0))
    scores: Floats = np.where(np.abs(q) <= 0.425, middle, np.copysign(tail, q))
    return scores


def _ratio(parts: tuple[tuple[float, ...], tuple[float, ...]], x: Floats) -> Floats:
    ratio: Floats = np.polyval(parts[0], x) / np.polyval(parts[1], x)
    return ratio


def normal_share(z: float) -> float:
    """The share of the normal distribution below a score."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def lognormal_of_quantiles(p50: float, p95: float) -> tuple[float, float]:
    """Mu and sigma of the lognormal with these quantiles; sigma 0 when they are equal."""
    return math.log(p50), (math.log(p95) - math.log(p50)) / Z95


@dataclass(frozen=True, slots=True)
class QuantileTables:
    """Several quantile functions over one grid of normal scores, read by linear interpolation.

    Scores are cut at plus and minus 6 (two in a thousand million lie beyond).
    """

    values: Floats
    """Shape (functions, points)."""
    _flat: Floats
    _rises: Floats

    @classmethod
    def of_mixtures(cls, mixtures: Sequence[Mixture]) -> QuantileTables:
        """Mixtures of lognormals (weight, mu, sigma); an empty one is 0 everywhere."""
        values = np.stack([_mixture_quantiles(mixture) for mixture in mixtures])
        rises = np.diff(values, axis=1, append=values[:, -1:])
        return cls(values, values.ravel(), rises.ravel())

    def at(self, z: Floats, functions: Indices | int) -> Floats:
        """The value of each score under the function of this number."""
        places = np.clip(z, -_LIMIT, _LIMIT)
        places += _LIMIT
        places *= _STEPS
        cells = places.astype(np.intp)
        places -= cells
        cells += functions * self.values.shape[1]
        places *= self._rises.take(cells)
        places += self._flat.take(cells)
        return places

    def quantile(self, function: int, z: float) -> float:
        """The value of one score under the function of this number."""
        return float(self.at(np.array([z]), function)[0])

    def mean(self, function: int) -> float:
        """The mean of what a function yields for normal scores."""
        scores = _grid()
        density = np.exp(-0.5 * scores * scores)
        return float(np.average(self.values[function], weights=density))


def _grid() -> Floats:
    return np.linspace(-_LIMIT, _LIMIT, int(2 * _LIMIT * _STEPS) + 1)


def _mixture_quantiles(mixture: Mixture) -> Floats:
    scores = _grid()
    if not mixture:
        return np.zeros_like(scores)
    if len(mixture) == 1:
        _, mu, sigma = mixture[0]
        quantiles: Floats = np.exp(mu + sigma * scores)
        return quantiles
    weights = np.array([weight for weight, _, _ in mixture])
    weights /= weights.sum()
    lowest = min(mu - (_LIMIT + 1) * sigma for _, mu, sigma in mixture)
    highest = max(mu + (_LIMIT + 1) * sigma for _, mu, sigma in mixture)
    logs = np.linspace(lowest, highest, 8192)
    # The score of each value under the mixture, from the nearer tail so that none rounds to 0 or 1.
    lower, upper = np.zeros_like(logs), np.zeros_like(logs)
    for weight, (_, mu, sigma) in zip(weights, mixture, strict=True):
        standard = (logs - mu) / max(sigma, 1e-9)
        lower += weight * _normal_shares(standard)
        upper += weight * _normal_shares(-standard)
    tiny = 1e-300
    scores_of_logs = np.where(
        lower < 0.5,
        inverse_normal(np.clip(lower, tiny, 0.5)),
        -inverse_normal(np.clip(upper, tiny, 0.5)),
    )
    return np.exp(np.interp(scores, scores_of_logs, logs))


def _normal_shares(z: Floats) -> Floats:
    return np.array([normal_share(value) for value in z.tolist()])


@cache
def _half_scores() -> Floats:
    # Cell midpoints of 12 bits, scaled so that the sum of two has a variance of exactly one.
    scores = inverse_normal((np.arange(4096) + 0.5) / 4096)
    scaled: Floats = scores / math.sqrt(2.0 * float(np.mean(scores * scores)))
    return scaled


def normal_of_hash(hashes: Words) -> Floats:
    """A normal score from the low 24 bits of each hash: the sum of two tabulated half scores."""
    table = _half_scores()
    low = (hashes & np.uint64(0xFFF)).astype(np.intp)
    high = ((hashes >> np.uint64(12)) & np.uint64(0xFFF)).astype(np.intp)
    scores: Floats = table.take(low) + table.take(high)
    return scores
