"""What the series of one instrument hold between two collections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


class Running:
    """Values of one instrument since the start of the run, or of the interval for delta."""

    def __init__(self, instances: int, width: int) -> None:
        """No series yet; histograms have ``width`` buckets, others 0."""
        self.buckets = np.zeros((instances, 0, width), dtype=np.int64)
        self.sums = np.zeros((instances, 0), dtype=np.int64)
        self.least = np.full((instances, 0), np.inf)
        self.greatest = np.full((instances, 0), -np.inf)
        self.seen = np.zeros((instances, 0), dtype=np.int64)
        self.shown = np.zeros((instances, 0))
        """What a gauge of a rate or of standing rows shows, in the metric's unit."""

    def grow(self, series: int) -> None:
        """Make room for this many series."""
        more = series - self.sums.shape[1]
        if more <= 0:
            return
        pad = ((0, 0), (0, more))
        self.buckets = np.pad(self.buckets, (*pad, (0, 0)))
        self.sums = np.pad(self.sums, pad)
        self.seen = np.pad(self.seen, pad)
        self.shown = np.pad(self.shown, pad)
        self.least = np.pad(self.least, pad, constant_values=np.inf)
        self.greatest = np.pad(self.greatest, pad, constant_values=-np.inf)

    def restart(self, instance: int) -> None:
        """Begin anew at one instance, as its process would; series stay known."""
        self.buckets[instance], self.sums[instance] = 0, 0
        self.least[instance], self.greatest[instance] = np.inf, -np.inf

    def reset(self) -> None:
        """Begin a new interval of delta points."""
        self.buckets[:], self.sums[:], self.seen[:] = 0, 0, 0
        self.least[:], self.greatest[:] = np.inf, -np.inf


@dataclass
class MetricSettings:
    """How metrics are collected."""

    start_unix_ns: int
    interval_ns: int
    is_delta: bool
    exemplars: bool
    arrivals_end_ns: int
    """End of the last stage, nanoseconds since the start."""
    shard_index: int = 0
    shard_count: int = 1
