"""What the series of one instrument hold between two collections."""

from __future__ import annotations

import numpy as np

from simtraffic.arrays import Array, Floats, Ints


class SeriesState:
    """Values of one instrument since the start of the run, or of the interval for delta.

    Arrays have the shape (instances, series), buckets one axis more.
    """

    def __init__(self, instances: int, width: int = 0) -> None:
        """No series yet; histograms have ``width`` buckets, others 0."""
        self.buckets: Ints = np.zeros((instances, 0, width), dtype=np.int64)
        self.sums: Ints = np.zeros((instances, 0), dtype=np.int64)
        self.least: Floats = np.full((instances, 0), np.inf)
        self.greatest: Floats = np.full((instances, 0), -np.inf)
        self.seen: Ints = np.zeros((instances, 0), dtype=np.int64)
        """0 for series that have no point yet."""
        self.shown: Floats = np.zeros((instances, 0))
        """What a gauge of a rate or of standing rows shows, in the metric's unit."""
        self.exemplars: Array = np.empty(0, dtype=EXEMPLAR_DTYPE)
        """Of the last interval alone, ordered by instance and series."""

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


EXEMPLAR_DTYPE = np.dtype(
    [
        ("interval", "<i8"),
        ("instance", "<i4"),
        ("series", "<i4"),
        ("bucket", "<i4"),
        ("value", "<f8"),
        ("time_ns", "<i8"),
        ("trace_id", "<u8", (2,)),
        ("span_id", "<u8"),
    ]
)
