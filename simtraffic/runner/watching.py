"""A run as it goes, for whoever looks on: one snapshot every now and then."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simtraffic.clock import monotonic
from simtraffic.result.snapshot import Snapshot

if TYPE_CHECKING:
    from simtraffic.result.counts import RunCounts
    from simtraffic.runner.setup import Setup

_WINDOW = 40
"""Snapshots over which rates are taken, ten seconds: over fewer, chance looks like trouble."""


@dataclass
class Watch:
    """Makes a snapshot of counts and passes it on."""

    setup: Setup
    watchers: Sequence[Callable[[Snapshot], None]]
    factor: float = 1.0
    """Simulated seconds to a second; 0 for as fast as possible."""
    _marks: deque[tuple[float, int, int, int]] = field(
        default_factory=lambda: deque(maxlen=_WINDOW)
    )

    def __call__(self, counts: RunCounts) -> None:
        """Show these counts to everybody."""
        snapshot = self.snapshot(counts, monotonic())
        for watcher in self.watchers:
            watcher(snapshot)

    def snapshot(self, counts: RunCounts, now: float) -> Snapshot:
        """How the run stands; its rates are over the last ten seconds or less."""
        ledger, schedule = counts.ledger, self.setup.schedule
        elapsed, draining = counts.elapsed_ns, counts.draining
        spans = ledger.signals["traces"].generated
        self._marks.append((now, elapsed, ledger.generated, spans))
        then, elapsed_then, requests_then, spans_then = self._marks[0]
        seconds, simulated = now - then, (elapsed - elapsed_then) / 1e9
        expected = float(schedule.expected(elapsed)) - float(schedule.expected(elapsed_then))
        late = counts.lateness
        p99 = late.quantile(0.99)
        return Snapshot(
            elapsed_ns=elapsed,
            duration_ns=schedule.duration_ns,
            asked_rate=float(schedule.rate(elapsed)) if not draining else 0.0,
            reached_rate=(ledger.generated - requests_then) / simulated if simulated > 0 else 0.0,
            expected_rate=expected / self.setup.shard.count / simulated if simulated > 0 else 0.0,
            factor=self.factor,
            pace=simulated / seconds if seconds > 0 else 0.0,
            requests=ledger.generated,
            failed=counts.tally.failed,
            spans_per_second=(spans - spans_then) / seconds if seconds > 0 else 0.0,
            signals=ledger.counts(),
            queued_bytes=counts.queued_bytes,
            lateness_p99_ms=None if p99 is None else p99 / 1e6,
            lateness_max_ms=late.maximum / 1e6 if late.count else None,
            loop_p99_ms=None if (loop := counts.loop.quantile(0.99)) is None else loop / 1e6,
            stage="" if draining else self._stage(elapsed),
            incidents=tuple(
                incident.name
                for incident in self.setup.scenario.incidents
                if incident.at_ns <= elapsed < incident.at_ns + incident.duration_ns
            ),
            draining=draining,
            planned=counts.planned,
            trouble=counts.trouble,
        )

    def _stage(self, elapsed_ns: int) -> str:
        return next((s.name for s in self.setup.schedule.stages if elapsed_ns < s.end_ns), "")
