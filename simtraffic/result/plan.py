"""What a run would do, as a noun: the result's shape with expectations in place of counts."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from simtraffic._version import __version__
from simtraffic.result.result import RESULT_VERSION


@dataclass(frozen=True, slots=True)
class PlannedSchedule:
    """How many requests the schedule asks for (of this shard)."""

    planned: int
    exact: bool = False
    """Whether the arrivals are even, so that the number is no expectation."""


@dataclass(frozen=True, slots=True)
class PlannedSignal:
    """What one signal is expected to bring."""

    unit: str
    generated: int = 0
    bytes: int = 0
    """OTLP protobuf before compression."""
    series: int = 0
    """Metric streams, all instances together; 0 for other signals."""


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """One stage: when, and how many requests."""

    name: str
    start_seconds: float
    duration_seconds: float
    planned: int
    target_rate: float
    """Requests a second: held, or at the end of a ramp."""
    asked_rate: float
    """Mean over the stage."""


@dataclass(frozen=True, slots=True)
class PlannedTraffic:
    """What one flow is expected to do at one model."""

    flow: str
    provider: str
    model: str
    requests: int = 0
    attempts: int = 0
    failed: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class PlannedIncident:
    """One incident: when it is on, from the start of the run."""

    name: str
    start_seconds: float
    duration_seconds: float


@dataclass(frozen=True, slots=True)
class PlannedGenerator:
    """What the generator itself is expected to need."""

    cpu_seconds: float = 0.0
    peak_rss_bytes: int = 0
    spans_per_second: float = 0.0
    """At the peak of the rate."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The asked rate at a moment of the run."""

    seconds: float
    rate: float
    """Requests a second."""


@dataclass(frozen=True, slots=True)
class PlanResult:
    """What a run would do; nothing was opened or sent to find it."""

    scenario: str
    seed: int
    shard: str
    duration_seconds: float
    schedule: PlannedSchedule
    signals: dict[str, PlannedSignal]
    stages: tuple[PlannedStage, ...]
    traffic: tuple[PlannedTraffic, ...]
    incidents: tuple[PlannedIncident, ...] = ()
    generator: PlannedGenerator = field(default_factory=PlannedGenerator)
    curve: tuple[CurvePoint, ...] = ()
    """In order of time, first and last moment included; straight lines in between. Two points at
    one moment are a step."""
    notes: tuple[str, ...] = ()
    """What people should know, one line each."""

    def to_dict(self) -> dict[str, Any]:
        """The object that ``plan --json`` prints."""
        head = {"simtraffic": __version__, "result_version": RESULT_VERSION}
        return head | {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }

    def to_json(self, *, indent: int | None = 2) -> str:
        """The text that ``plan --json`` prints, ending in a line feed."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False) + "\n"
