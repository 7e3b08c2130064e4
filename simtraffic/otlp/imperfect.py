"""Telemetry that is awkward on purpose: what is emitted late, twice, wrong or not at all.

Which rows it hits follows from seed and ids, so that it repeats and does not depend on shards. What
is truly so (tables, metrics, ledger of requests) is not touched: only what is emitted of it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from simtraffic.arrays import Bools, Ints, Words
from simtraffic.randomness import Streams, mix, uniform

if TYPE_CHECKING:
    from simtraffic.conventions.frames import Frame
    from simtraffic.scenario.imperfections import Imperfections

KINDS = (
    "late_spans",
    "missing_roots",
    "duplicate_ids",
    "clock_skew",
    "oversize_attributes",
    "out_of_order_points",
    "missing_points",
    "counter_resets",
)
"""As the keys of the scenario. The first five count spans, the next two data points."""


class Imperfect:
    """Decides about rows and collections, and counts what was handed over.

    Attributes:
        counts: By imperfection, in spans, data points or resets.
        cut_ns: In a run that ends early, until when rows were emitted at their time. Of the rest,
            emitted at once, only rows that had ended by then are late.
    """

    def __init__(
        self, wanted: Imperfections, seed: int | str, instances: int, limit_ns: int
    ) -> None:
        """``limit_ns`` is the last moment of the run at which something may be emitted."""
        self._wanted = wanted
        self._streams = Streams(seed)
        self._limit_ns = limit_ns
        numbers = np.arange(instances, dtype=np.uint64)
        signed = 2 * uniform(mix(numbers, self._streams.salt("clock skew"))) - 1
        self.skew_ns: Ints = np.rint(signed * wanted.clock_skew_ns).astype(np.int64)
        """Of each instance's clock."""
        self.filler_bytes = wanted.oversize_attributes.bytes if wanted.oversize_attributes else 0
        self.counts: Counter[str] = Counter(dict.fromkeys(KINDS, 0))
        self.cut_ns: int | None = None

    # Spans and log records.

    @property
    def delays(self) -> bool:
        """Whether some spans are emitted late."""
        return self._wanted.late_spans is not None

    def emit_ns(self, frame: Frame) -> Ints:
        """When each row is emitted: at its end, or later on purpose."""
        late = self._wanted.late_spans
        if late is None:
            return frame.end_ns
        later = np.minimum(frame.end_ns + late.by_ns, max(self._limit_ns, 0))
        hit = self._hits(frame.raw["span_id"], "late spans", late.share)
        return np.where(hit, np.maximum(later, frame.end_ns), frame.end_ns)

    def skewed(self, frame: Frame) -> Frame:
        """The rows by the clock of their instance."""
        if not self._wanted.clock_skew_ns:
            return frame
        skewed = frame.take(slice(None))
        offset = self.skew_ns[frame.instance]
        skewed.start_ns, skewed.end_ns = frame.start_ns + offset, frame.end_ns + offset
        return skewed

    def spans(self, frame: Frame) -> tuple[Frame, Frame]:
        """Rows whose spans are emitted, those of the usual size and those with a filler.

        Some are in there twice, and some roots are not. Times are still the true ones.
        """
        times, large = self._times(frame), self._large(frame)
        rows = np.arange(len(frame))
        return (
            frame.take(np.repeat(rows, times * ~large)),
            frame.take(np.repeat(rows, times * large)),
        )

    def book(self, frame: Frame) -> None:
        """Count what is wrong in the spans of rows that are handed over."""
        times = self._times(frame)
        # A trace that is not sampled is emitted by nobody.
        seen = frame.raw["sampled"].astype(bool) if "sampled" in frame.raw else True
        late = self.emit_ns(frame) > frame.end_ns
        if self.cut_ns is not None:
            late &= frame.end_ns <= self.cut_ns
        found = {
            "late_spans": times * (late & seen),
            "missing_roots": (times == 0) & seen,
            "duplicate_ids": (times == 2) & seen,
            "clock_skew": times * ((self.skew_ns[frame.instance] != 0) & seen),
            "oversize_attributes": times * (self._large(frame) & seen),
        }
        self.counts.update({name: int(hit.sum()) for name, hit in found.items()})

    def _times(self, frame: Frame) -> Ints:
        """How often the span of each row is emitted."""
        wanted, ids = self._wanted, frame.raw["span_id"]
        times = np.ones(len(frame), dtype=np.int64)
        times[self._hits(ids, "duplicate ids", wanted.duplicate_ids)] = 2
        if frame.kind == "request":
            times[self._hits(ids, "missing roots", wanted.missing_roots)] = 0
        return times

    def _large(self, frame: Frame) -> Bools:
        """Rows whose spans carry a filler."""
        oversize = self._wanted.oversize_attributes
        share = oversize.share if oversize else 0.0
        return self._hits(frame.raw["span_id"], "oversize attributes", share)

    def _hits(self, ids: Words, name: str, share: float) -> Bools:
        if not share:
            return np.zeros(len(ids), dtype=bool)
        return uniform(mix(ids, self._streams.salt(name))) < share

    # Collections of metrics.

    def is_missing(self, instance: int, number: int) -> bool:
        """Whether an instance emits nothing of a collection."""
        return self._collection_hits(
            instance, number, "missing points", self._wanted.missing_points
        )

    def is_out_of_order(self, instance: int, number: int) -> bool:
        """Whether an instance's points of a collection are emitted after those of the next."""
        share = self._wanted.out_of_order_points
        return self._collection_hits(instance, number, "out of order points", share)

    def resets(self, instance: int, before_ns: int, at_ns: int) -> bool:
        """Whether an instance's counters begin anew after this collection; each at its own time."""
        every = self._wanted.counter_resets_ns
        if not every:
            return False
        at = uniform(mix(np.array([instance], dtype=np.uint64), self._streams.salt("resets")))
        offset = int(float(at[0]) * every)
        return (at_ns - offset) // every > (before_ns - offset) // every and at_ns > 0

    def _collection_hits(self, instance: int, number: int, name: str, share: float) -> bool:
        if not share:
            return False
        salt = self._streams.salt(f"{name} of instance {instance}")
        return bool(uniform(mix(np.array([number], dtype=np.uint64), salt))[0] < share)
