"""What the telemetry of a scenario gets wrong on purpose."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simtraffic.scenario.part import Explained, Part
from simtraffic.scenario.quantities import DurationNs, Share, Size  # noqa: TC001 - pydantic's


class LateSpans(Part):
    """Spans that are exported long after they ended."""

    share: Annotated[Share, Explained("2%", "of the spans")]
    by_ns: Annotated[DurationNs, Explained("90s", "after their end; not after the drain")] = Field(
        alias="by"
    )


class OversizeAttributes(Part):
    """Spans with an attribute that is too large."""

    share: Annotated[Share, Explained("1%", "of the spans")]
    bytes: Annotated[Size, Explained("64KB", "length of that attribute")]


class Imperfections(Part):
    """What the telemetry gets wrong on purpose; nothing when left out."""

    late_spans: Annotated[
        LateSpans | None,
        Explained("{share: 2%, by: 90s}", "spans, with their log records, that are told late"),
    ] = None
    missing_roots: Annotated[Share, Explained("1%", "share of the roots that are never told")] = 0.0
    """Share of the roots that are never told."""
    duplicate_ids: Annotated[Share, Explained("0.5%", "share of the spans that are told twice")] = (
        0.0
    )
    """Share of the spans that are told twice."""
    clock_skew_ns: Annotated[
        DurationNs,
        Explained("3s", "how far an instance's clock may be off, both ways", default="0s"),
    ] = Field(default=0, alias="clock_skew")
    """How far the clock of an instance may be off, both ways."""
    oversize_attributes: Annotated[
        OversizeAttributes | None,
        Explained("{share: 1%, bytes: 64KB}", "spans with an attribute `simtraffic.filler`"),
    ] = None
    out_of_order_points: Annotated[
        Share, Explained("1%", "share of collections told after the next one")
    ] = 0.0
    """Share of an instance's collections that are told after the next one."""
    missing_points: Annotated[Share, Explained("2%", "share of collections never told")] = 0.0
    """Share of an instance's collections that are never told."""
    counter_resets_ns: Annotated[
        DurationNs,
        Explained("5m", "how often each instance's counters begin anew; never at 0s", default="0s"),
    ] = Field(default=0, alias="counter_resets")
    """How often the counters of each instance begin anew; never when zero."""

    @property
    def is_wanted(self) -> bool:
        """Whether anything is to go wrong, so that a run has to see to it."""
        return self != Imperfections()
