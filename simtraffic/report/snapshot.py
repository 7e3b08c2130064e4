"""How a run stands at one moment, for whoever watches it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SignalStand:
    """One signal so far, in its unit. What is in none of the last four is under way (queued)."""

    generated: int = 0
    accepted: int = 0
    rejected: int = 0
    failed: int = 0
    dropped: int = 0

    @property
    def queued(self) -> int:
        """Generated and not yet accounted for."""
        return self.generated - self.accepted - self.rejected - self.failed - self.dropped


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run at one moment, in simulated time."""

    elapsed_ns: int
    duration_ns: int
    """Of the schedule; the drain comes after it."""
    asked_rate: float
    """Requests a second, now."""
    reached_rate: float
    requests: int
    failed: int
    """Requests that failed."""
    spans_per_second: float
    """In real time."""
    signals: dict[str, SignalStand] = field(default_factory=dict)
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

    @property
    def error_share(self) -> float:
        """Failed requests over requests."""
        return self.failed / self.requests if self.requests else 0.0
