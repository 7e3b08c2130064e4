"""The rate of arrivals over time, its integral, and the inverse of that; all exact.

The rate is linear inside a segment, so its integral ("operational time": how many arrivals are
expected by then) is quadratic and the inverse a square root.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from simtraffic.arrays import Floats, Indices, Ints

_NS = 1e9


@dataclass(frozen=True, slots=True)
class Segment:
    """A stage as it takes place: the rate goes straight from one value to another."""

    start_ns: int
    """Since the start of the run."""
    end_ns: int
    start_rate: float
    """Arrivals a second when it starts."""
    end_rate: float
    name: str = ""
    """Of the stage."""

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return (self.end_ns - self.start_ns) / _NS

    @property
    def expected(self) -> float:
        """Arrivals expected in it."""
        return 0.5 * (self.start_rate + self.end_rate) * self.seconds


@dataclass(frozen=True, slots=True)
class RateCurve:
    """Segments one after the other, from 0 on, at least one."""

    segments: tuple[Segment, ...]
    _start: Floats = field(init=False, repr=False, compare=False)
    _end: Floats = field(init=False, repr=False, compare=False)
    _rate: Floats = field(init=False, repr=False, compare=False)
    _slope: Floats = field(init=False, repr=False, compare=False)
    _seconds: Floats = field(init=False, repr=False, compare=False)
    _before: Floats = field(init=False, repr=False, compare=False)
    _after: Floats = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Lay the segments out as arrays."""
        parts = self.segments
        seconds = [part.seconds for part in parts]
        slopes = [
            (part.end_rate - part.start_rate) / s if s > 0 else 0.0
            for part, s in zip(parts, seconds, strict=True)
        ]
        after = np.cumsum([part.expected for part in parts])
        columns = {
            "_start": [part.start_ns for part in parts],
            "_end": [part.end_ns for part in parts],
            "_rate": [part.start_rate for part in parts],
            "_slope": slopes,
            "_seconds": seconds,
            "_before": [0.0, *after[:-1]],
            "_after": after,
        }
        for name, values in columns.items():
            object.__setattr__(self, name, np.array(values, dtype=np.float64))

    @property
    def total(self) -> float:
        """Arrivals expected in all."""
        return float(self._after[-1])

    def rate(self, t_ns: ArrayLike) -> Floats:
        """Arrivals a second at these times; 0 outside the run, the later rate at a jump."""
        t = np.asarray(t_ns, dtype=np.float64)
        at = np.minimum(np.searchsorted(self._end, t, side="right"), len(self._end) - 1)
        rate = self._rate[at] + self._slope[at] * ((t - self._start[at]) / _NS)
        inside: Floats = np.where((t >= 0) & (t <= self._end[-1]), rate, 0.0)
        return inside

    def expected(self, t_ns: ArrayLike) -> Floats:
        """Arrivals expected from the start until these times."""
        t = np.clip(np.asarray(t_ns, dtype=np.float64), 0, self._end[-1])
        at = np.minimum(np.searchsorted(self._end, t, side="right"), len(self._end) - 1)
        seconds = (t - self._start[at]) / _NS
        expected: Floats = self._before[at] + seconds * (
            self._rate[at] + 0.5 * self._slope[at] * seconds
        )
        return expected

    def times(self, expected: Floats) -> Ints:
        """The earliest times, in whole ns rounded down, by which so many arrivals are expected.

        Args:
            expected: Sorted, between 0 and :attr:`total`.
        """
        if not len(expected):
            return np.empty(0, dtype=np.int64)
        last = len(self._after) - 1
        first_at = min(int(np.searchsorted(self._after, expected[0])), last)
        # Most calls stay inside one segment; then its figures are scalars, with equal results.
        at: int | Indices = first_at
        if expected[-1] > self._after[first_at]:
            at = np.minimum(np.searchsorted(self._after, expected), last)
        rate, slope = self._rate[at], self._slope[at]
        more = np.maximum(expected - self._before[at], 0.0)
        # 2y / (r + sqrt(r^2 + 2ay)) has no cancellation and holds for a slope of zero as well.
        root = np.sqrt(np.maximum(rate * rate + 2.0 * slope * more, 0.0))
        seconds = 2.0 * more / np.maximum(rate + root, 1e-300)
        seconds = np.minimum(seconds, self._seconds[at])
        times: Ints = (self._start[at] + seconds * _NS).astype(np.int64)
        return times
