"""What is counted, as nouns: a stage, a flow at a model, an incident, the requests as a whole.

Tally, plan, result and snapshot share them. A plan fills in what is expected, a run what happened;
what of it stands in a JSON object is up to who writes that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simtraffic.result.sketch import QuantileSketch


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the run, from its start in nanoseconds; the end is outside."""

    start_ns: int
    end_ns: int

    @property
    def seconds(self) -> float:
        """Its length; a stage that is a step has none."""
        return (self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Seconds; None when nothing was observed, or of what nobody asks for."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    max: float | None = None

    @classmethod
    def of(cls, sketch: QuantileSketch) -> Percentiles:
        """Of what was sketched in nanoseconds; the largest is left out."""
        return cls(*(_seconds(sketch.quantile(share)) for share in (0.5, 0.95, 0.99)))

    @classmethod
    def late(cls, sketch: QuantileSketch) -> Percentiles:
        """The median, the tail and the largest, which is what a lateness is judged by."""
        largest = float(sketch.maximum) if sketch.count else None
        return cls(
            p50=_seconds(sketch.quantile(0.5)),
            p99=_seconds(sketch.quantile(0.99)),
            max=_seconds(largest),
        )


@dataclass(frozen=True, slots=True)
class RequestCounts:
    """What became of the planned requests; planned = generated + skipped once a run is over."""

    planned: int = 0
    generated: int = 0
    skipped: int = 0
    lateness_seconds: Percentiles = field(default_factory=Percentiles)
    """Between the end of the tick in which records were due and their hand-over."""
    exact: bool = False
    """Of a plan: whether the arrivals are even, so that the number is no expectation."""


@dataclass(slots=True)
class StageCounts:
    """One stage, by due time of its requests.

    A tally counts; the rates and percentiles are those of a finished run, or of a plan.
    """

    name: str
    window: Window = field(default=Window(0, 0), compare=False)
    """Empty in a result that was read back, as its file does not say it."""
    planned: int = 0
    """Arrivals of the blocks so far."""
    generated: int = 0
    failed: int = 0
    """Requests that failed."""
    target_rate: float = 0.0
    """Requests a second that the scenario names: the rate held, or the end of a ramp."""
    asked_rate: float = 0.0
    """Mean of the asked rate over the stage."""
    achieved_rate: float = 0.0
    """Requests generated over the stage's length, of an interrupted run as far as it came."""
    time_to_first_token_seconds: Percentiles = field(default_factory=Percentiles)
    """Of streamed operations that produced a token."""
    duration_seconds: Percentiles = field(default_factory=Percentiles)
    """Of all operations."""

    @property
    def error_share(self) -> float:
        """Failed requests over requests, 0 to 1; 0 when there were none."""
        return self.failed / self.generated if self.generated else 0.0


@dataclass(slots=True, kw_only=True)
class TrafficCounts:
    """What one flow did, or is expected to do, at one model."""

    flow: str
    provider: str
    model: str
    requests: int = 0
    """Operations there; a request that fell back is in two rows."""
    attempts: int = 0
    failed: int = 0
    """Operations that ended in error."""
    errors: dict[str, int] = field(default_factory=dict)
    """Failed attempts by kind."""
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost_pusd: float = 0
    """In 1e-12 USD, which keeps sums exact."""

    @property
    def cost_usd(self) -> float:
        """In US dollars, as files and people have it."""
        return self.cost_pusd / 1e12


@dataclass(slots=True)
class IncidentCounts:
    """Requests that an incident matches and that are due in its window."""

    name: str
    window: Window
    """A run that is cut short ends its incidents with it."""
    requests: int = 0
    errors: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """What the generator itself used, or is expected to need."""

    cpu_seconds: float = 0.0
    peak_rss_bytes: int = 0
    spans_per_second: float = 0.0
    """In real time, on average; of a plan at the peak of the rate."""
    wall_seconds: float = 0.0


def picked(row: object, keys: Iterable[str]) -> dict[str, Any]:
    """These attributes of a row, in this order, as an object of JSON."""
    return {key: getattr(row, key) for key in keys}


def _seconds(nanoseconds: float | None) -> float | None:
    return None if nanoseconds is None else round(nanoseconds / 1e9, 9)
