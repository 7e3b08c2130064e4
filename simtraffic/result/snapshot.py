"""How a run stands at one moment, for whoever watches it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simtraffic.ledger import SignalCounts


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run at one moment, in simulated time."""

    elapsed_ns: int
    duration_ns: int
    """Of the schedule; the drain comes after it."""
    asked_rate: float
    """Requests a second, now."""
    reached_rate: float
    """Requests a second over the last seconds."""
    requests: int
    failed: int
    """Requests that failed."""
    spans_per_second: float
    """In real time."""
    signals: dict[str, SignalCounts] = field(default_factory=dict)
    expected_rate: float = 0.0
    """What was asked for on average over the same seconds as the reached rate."""
    factor: float = 1.0
    """Simulated seconds to a second that are wanted; 0 for as fast as possible."""
    pace: float = 0.0
    """Simulated seconds to a second that are reached."""
    queued_bytes: int = 0
    lateness_p99_ms: float | None = None
    lateness_max_ms: float | None = None
    loop_p99_ms: float | None = None
    """Real time of a turn of the generating loop."""
    stage: str = ""
    """Name of the stage; empty while draining."""
    incidents: tuple[str, ...] = ()
    """Names of the incidents that are on."""
    draining: bool = False
    planned: int = 0
    """Requests of the blocks drawn so far, which is done a little ahead of their time."""
    trouble: str = ""
    """Why nothing has got through to a receiver for two seconds; empty when it does."""

    @property
    def done(self) -> float:
        """Share of the schedule's time that has passed."""
        return min(1.0, self.elapsed_ns / self.duration_ns) if self.duration_ns > 0 else 1.0

    @property
    def left_s(self) -> float | None:
        """Real seconds until the last arrival; None where there is nothing to reckon with."""
        pace = self.factor or self.pace
        left_ns = self.duration_ns - self.elapsed_ns
        return left_ns / 1e9 / pace if left_ns > 0 and pace > 0 and not self.draining else None

    @property
    def error_share(self) -> float:
        """Failed requests over requests so far, 0 to 1."""
        return self.failed / self.requests if self.requests else 0.0
