"""Quantiles of a stream in fixed memory: a mergeable log-linear histogram of integers.

Every power of two is cut into 256 equal buckets, found through the bits of the float64 (exponent
and the first eight bits of the mantissa), so a bucket is never wider than 1/256 of its values.
Integers below 512 have a bucket each and come back exactly. It knows nothing of what it measures.
"""

from __future__ import annotations

import math

import numpy as np

from simtraffic.arrays import Ints

_SUB_BITS = 8
_SHIFT = 52 - _SUB_BITS  # float64 has 52 bits of mantissa.
# Bits of 1.0 after the shift, less one: bucket 0 is for the value 0, bucket 1 begins at 1.
_ORIGIN = (1023 << _SUB_BITS) - 1
# Room on both sides when the window of kept buckets grows, so that it seldom grows again.
_MARGIN = 1 << _SUB_BITS


def bucket_indices(values: Ints) -> Ints:
    """Bucket number of each value; values are non-negative int64."""
    indices: Ints = values.astype(np.float64).view(np.int64)
    indices >>= _SHIFT
    indices -= _ORIGIN
    np.maximum(indices, 0, out=indices)
    return indices


def _index(value: int) -> int:
    """Bucket number of one value, without the cost of making an array."""
    if not value:
        return 0
    mantissa, exponent = math.frexp(float(value))  # value = mantissa * 2**exponent, 1/2 <= m < 1
    return ((exponent - 1) << _SUB_BITS) + int((2 * mantissa - 1) * (1 << _SUB_BITS)) + 1


def _bounds(index: int) -> tuple[float, float]:
    """The smallest value of a bucket, and the smallest beyond it."""
    if index == 0:
        return 0.0, 1.0
    exponent, part = divmod(index - 1, 1 << _SUB_BITS)
    width = math.ldexp(1.0, exponent - _SUB_BITS)
    low = math.ldexp(1.0, exponent) + part * width
    return low, low + width


class QuantileSketch:
    """Counts of non-negative integers (nanoseconds, tokens) by size, from which quantiles come.

    A quantile differs from the true one by less than 0.4 % of its value (half a bucket, 0.2 %);
    count, sum, minimum and maximum are exact. Memory is bounded by about 16,000 counts.
    """

    __slots__ = ("_counts", "_first", "count", "maximum", "minimum", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0
        """Sum of all values."""
        self.minimum = 0
        self.maximum = 0
        self._first = 0
        self._counts: Ints = np.zeros(0, dtype=np.int64)

    def add(self, values: Ints, indices: Ints | None = None) -> None:
        """Count values (int64, any length).

        ``indices`` are their :func:`bucket_indices`, for callers that need them several times.

        Raises:
            ValueError: when a value is negative.
        """
        if not len(values):
            return
        low, high = int(values.min()), int(values.max())
        self._extend(low, high, len(values), int(values.sum()))
        if indices is None:
            indices = bucket_indices(values)
        # Buckets keep the order of values, so the ends of the one are the ends of the other.
        first = _index(low)
        self._reserve(first, _index(high))
        counts = np.bincount(indices - first)
        start = first - self._first
        self._counts[start : start + len(counts)] += counts

    def add_repeated(self, value: int, count: int) -> None:
        """Count one value several times, such as the lateness that all records of a tick share."""
        if not count:
            return
        self._extend(value, value, count, value * count)
        index = _index(value)
        self._reserve(index, index)
        self._counts[index - self._first] += count

    def merge(self, other: QuantileSketch) -> None:
        """Add everything that another sketch counted."""
        if not other.count:
            return
        self._extend(other.minimum, other.maximum, other.count, other.total)
        self._reserve(other._first, other._first + len(other._counts) - 1)
        start = other._first - self._first
        self._counts[start : start + len(other._counts)] += other._counts

    def quantile(self, share: float) -> float | None:
        """The smallest value with at least this share (0 to 1) of the values at or below it.

        None when nothing was counted.
        """
        if not self.count:
            return None
        rank = max(1, math.ceil(share * self.count))
        if rank >= self.count:
            return float(self.maximum)
        position = int(np.searchsorted(np.cumsum(self._counts), rank))
        low, high = _bounds(self._first + position)
        # The integers of a bucket are low ... high - 1; narrow buckets hold one.
        middle = low + max(0.0, high - 1 - low) / 2
        return min(max(middle, float(self.minimum)), float(self.maximum))

    @property
    def mean(self) -> float | None:
        """Arithmetic mean, exact; None when nothing was counted."""
        return self.total / self.count if self.count else None

    def _extend(self, low: int, high: int, count: int, total: int) -> None:
        if low < 0:
            raise ValueError(f"a sketch counts non-negative integers; found {low}")
        self.minimum = min(self.minimum, low) if self.count else low
        self.maximum = max(self.maximum, high)
        self.count += count
        self.total += total

    def _reserve(self, first: int, last: int) -> None:
        """Make the window of kept buckets reach from ``first`` to ``last``."""
        kept = len(self._counts)
        if kept and self._first <= first and last < self._first + kept:
            return
        low = min(first, self._first) if kept else first
        high = max(last, self._first + kept - 1) if kept else last
        low = max(0, low - _MARGIN)
        grown = np.zeros(high + _MARGIN + 1 - low, dtype=np.int64)
        grown[self._first - low : self._first - low + kept] = self._counts
        self._first, self._counts = low, grown
