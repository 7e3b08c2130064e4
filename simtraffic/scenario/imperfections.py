"""What the telemetry of a scenario gets wrong on purpose."""

from __future__ import annotations

from pydantic import Field

from simtraffic.scenario.part import Part
from simtraffic.scenario.quantities import DurationNs, Share, Size  # noqa: TC001 - pydantic's


class LateSpans(Part):
    """Spans that are exported long after they ended."""

    share: Share
    by_ns: DurationNs = Field(alias="by")


class OversizeAttributes(Part):
    """Spans with an attribute that is too large."""

    share: Share
    bytes: Size


class Imperfections(Part):
    """What the telemetry gets wrong on purpose; nothing when left out."""

    late_spans: LateSpans | None = None
    missing_roots: Share = 0.0
    """Share of the roots that are never told."""
    duplicate_ids: Share = 0.0
    """Share of the spans that are told twice."""
    clock_skew_ns: DurationNs = Field(default=0, alias="clock_skew")
    """How far the clock of an instance may be off, both ways."""
    oversize_attributes: OversizeAttributes | None = None
    out_of_order_points: Share = 0.0
    """Share of an instance's collections that are told after the next one."""
    missing_points: Share = 0.0
    """Share of an instance's collections that are never told."""
    counter_resets_ns: DurationNs = Field(default=0, alias="counter_resets")
    """How often the counters of each instance begin anew; never when zero."""

    @property
    def is_wanted(self) -> bool:
        """Whether there is any."""
        return self != Imperfections()
