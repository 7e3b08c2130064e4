"""The section ``telemetry``: how the traffic becomes telemetry."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from simtraffic.scenario.part import Explained, Part
from simtraffic.scenario.quantities import (
    NOT_EMPTY,
    DurationNs,
    Flag,
    Share,
    named,
)

Signal = Literal["traces", "metrics", "logs"]
_Convention = Annotated[
    str, *named("not a convention", "write a name, such as gen_ai, or the path of a file")
]


class MetricsSettings(Part):
    """How metrics are collected."""

    interval_ns: Annotated[
        DurationNs, Explained("5s", "between collections; at least 100ms", default="10s")
    ] = Field(default=10_000_000_000, alias="interval")
    temporality: Annotated[
        Literal["cumulative", "delta"], Explained("delta", "of counters and histograms")
    ] = "cumulative"
    histograms: Annotated[Literal["explicit"], Explained("explicit", "kind of buckets")] = (
        "explicit"
    )
    exemplars: Annotated[
        Flag, Explained("false", "whether histograms point at spans", default="true")
    ] = True


class Telemetry(Part):
    """How the traffic is told."""

    conventions: Annotated[
        tuple[_Convention, ...],
        Explained(
            "[gen_ai, ./my_service.yaml]",
            "built-in names, or paths relative to this file; the first leads",
            default="[gen_ai]",
        ),
    ] = Field(default=("gen_ai",), json_schema_extra=NOT_EMPTY)
    """Built-in names, or paths, which are absolute here; the first gives name, kind and status."""
    signals: Annotated[
        tuple[Signal, ...],
        Explained("[traces, metrics]", "what is sent", default="[traces, metrics, logs]"),
    ] = Field(default=("traces", "metrics", "logs"), json_schema_extra=NOT_EMPTY)
    metrics: Annotated[
        MetricsSettings, Explained("{interval: 5s}", "how metrics are collected")
    ] = MetricsSettings()
    content: Annotated[
        Literal["none"], Explained("none", "bodies of messages; there are none yet")
    ] = "none"
    sampling: Annotated[Share, Explained("10%", default="100%")] = 1.0
    """Share of traces kept."""
