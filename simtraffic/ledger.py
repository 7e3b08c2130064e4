"""What became of everything: the two laws of every run, kept as counts.

``planned = generated + skipped`` for requests and, for each signal,
``generated = accepted + rejected + failed + dropped``. Every stage that could lose something counts
it here; the ledger knows nothing of how things travel.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from simtraffic.signals import SIGNALS, UNITS

LossOutcome = Literal["rejected", "failed", "dropped"]

# A server may put a counter into each message; a run of days must not keep them all.
_MOST_REASONS = 200
OTHER_REASONS = "other reasons"


@dataclass(slots=True)
class SignalCounts:
    """Counts of one signal: in a ledger as they grow, elsewhere as they were or are expected.

    Once a run is over ``generated = accepted + rejected + failed + dropped``.
    """

    unit: str
    """Spans, data points or log records, of which most of the others are."""
    generated: int = 0
    accepted: int = 0
    rejected: int = 0
    """Refused for good by the receiver."""
    failed: int = 0
    """Not delivered after every try."""
    dropped: int = 0
    """Given up by the generator before it was ever sent."""
    requests: int = 0
    """Export calls, further tries included."""
    retries: int = 0
    """Export calls that were further tries."""
    bytes: int = 0
    """OTLP protobuf before compression, each batch once however often it was tried."""
    possible_duplicates: int = 0
    """Sent again after an answer was lost, so the receiver may have them twice."""
    series: int = 0
    """Metric streams, all instances together; only a plan counts them."""

    @property
    def queued(self) -> int:
        """Generated and not yet accounted for."""
        return self.generated - self.accounted

    @property
    def lost(self) -> int:
        """Everything generated that was not accepted."""
        return self.generated - self.accepted

    @property
    def accounted(self) -> int:
        """What is known of: accepted, rejected, failed and dropped together."""
        return self.accepted + self.rejected + self.failed + self.dropped


_COUNTED = tuple(part.name for part in fields(SignalCounts) if part.name != "unit")


@dataclass(slots=True)
class Loss:
    """Telemetry that was lost for one reason, and between when."""

    signal: str
    outcome: LossOutcome
    reason: str
    count: int
    """In the signal's unit."""
    first_ns: int
    """When it was first seen, Unix nanoseconds."""
    last_ns: int


@dataclass(eq=False)
class Ledger:
    """The counts of a run. Every method may be called from any thread."""

    planned: int = 0
    """Requests that the schedule asked for."""
    generated: int = 0
    """Requests that were simulated."""
    skipped: int = 0
    """Requests never simulated because the run ended or could not keep up."""
    signals: dict[str, SignalCounts] = field(
        default_factory=lambda: {signal: SignalCounts(UNITS[signal]) for signal in SIGNALS}
    )
    warnings: dict[str, int] = field(default_factory=dict)
    """What people should know though nothing was lost, and how often it happened."""
    _losses: dict[tuple[str, LossOutcome, str], Loss] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add_requests(self, *, planned: int = 0, generated: int = 0, skipped: int = 0) -> None:
        """Count requests of the schedule."""
        with self._lock:
            self.planned += planned
            self.generated += generated
            self.skipped += skipped

    def add_generated(self, signal: str, count: int) -> None:
        """Count telemetry that was made, before it is handed to delivery or file."""
        with self._lock:
            self.signals[signal].generated += count

    def add_try(
        self, signal: str, *, first: bool, payload_bytes: int = 0, possible_duplicates: int = 0
    ) -> None:
        """Count an export call; ``payload_bytes`` are counted with the first try alone."""
        with self._lock:
            entry = self.signals[signal]
            entry.requests += 1
            entry.possible_duplicates += possible_duplicates
            if first:
                entry.bytes += payload_bytes
            else:
                entry.retries += 1

    def accept(self, signal: str, count: int) -> None:
        """Count what the receiver acknowledged."""
        with self._lock:
            self.signals[signal].accepted += count

    def reject(self, signal: str, count: int, reason: str, at_ns: int) -> None:
        """Count what the receiver refused for good."""
        self._lose(Loss(signal, "rejected", reason, count, first_ns=at_ns, last_ns=at_ns))

    def fail(self, signal: str, count: int, reason: str, at_ns: int) -> None:
        """Count what could not be delivered after every try."""
        self._lose(Loss(signal, "failed", reason, count, first_ns=at_ns, last_ns=at_ns))

    def drop(self, signal: str, count: int, reason: str, at_ns: int) -> None:
        """Count what was given up before it was sent."""
        self._lose(Loss(signal, "dropped", reason, count, first_ns=at_ns, last_ns=at_ns))

    def warn(self, message: str, count: int = 1) -> None:
        """Keep a message for people, once, with how often it came."""
        with self._lock:
            known = message in self.warnings or len(self.warnings) < _MOST_REASONS
            key = message if known else OTHER_REASONS
            self.warnings[key] = self.warnings.get(key, 0) + count

    def losses(self) -> list[Loss]:
        """Everything lost, by signal, outcome and reason, the largest first."""
        with self._lock:
            found = [replace(loss) for loss in self._losses.values()]
        return sorted(found, key=lambda loss: (-loss.count, loss.signal, loss.reason))

    def imbalances(self) -> list[str]:
        """Each law that does not hold, in words; meant to be asked at the end of a run."""
        found = []
        with self._lock:
            if self.planned != self.generated + self.skipped:
                found.append(
                    f"requests: planned {self.planned} is not generated {self.generated}"
                    f" + skipped {self.skipped}"
                )
            found += [
                f"{signal}: generated {entry.generated} is not accepted {entry.accepted}"
                f" + rejected {entry.rejected} + failed {entry.failed} + dropped {entry.dropped}"
                for signal, entry in self.signals.items()
                if entry.generated != entry.accounted
            ]
        return found

    def balanced(self) -> bool:
        """Whether both laws hold, which they do once a run is over."""
        return not self.imbalances()

    @property
    def delivered(self) -> float:
        """Accepted over generated, the least of the signals; 1.0 when nothing was generated."""
        with self._lock:
            shares = [
                entry.accepted / entry.generated
                for entry in self.signals.values()
                if entry.generated
            ]
        return min(shares, default=1.0)

    def counts(self) -> dict[str, SignalCounts]:
        """Copies of each signal's counts, by its name, as they stand at this moment."""
        with self._lock:
            return {signal: replace(entry) for signal, entry in self.signals.items()}

    def merge(self, other: Ledger) -> None:
        """Add another ledger to this one, such as a worker's at its end."""
        self.add_requests(planned=other.planned, generated=other.generated, skipped=other.skipped)
        counts = other.counts()
        with self._lock:
            for signal, entry in counts.items():
                mine = self.signals[signal]
                for part in _COUNTED:
                    setattr(mine, part, getattr(mine, part) + getattr(entry, part))
        # The counts came over with the fields above; only the reasons are still missing.
        for loss in other.losses():
            self._note(loss)
        for message, count in dict(other.warnings).items():
            self.warn(message, count)

    def become(self, other: Ledger) -> None:
        """Take over the state of another at once; nobody reads a mixture of both."""
        state = other.__getstate__()
        with self._lock:
            self.__dict__.update(state)

    def _lose(self, loss: Loss) -> None:
        if not loss.count:
            return
        with self._lock:
            entry = self.signals[loss.signal]
            setattr(entry, loss.outcome, getattr(entry, loss.outcome) + loss.count)
        self._note(loss)

    def _note(self, loss: Loss) -> None:
        with self._lock:
            key = (loss.signal, loss.outcome, loss.reason)
            if key not in self._losses and len(self._losses) >= _MOST_REASONS:
                key = (loss.signal, loss.outcome, OTHER_REASONS)
            known = self._losses.get(key)
            if known is None:
                self._losses[key] = replace(loss, reason=key[2])
                return
            known.count += loss.count
            known.first_ns = min(known.first_ns, loss.first_ns)
            known.last_ns = max(known.last_ns, loss.last_ns)

    def __getstate__(self) -> dict[str, Any]:
        """Without the lock, so that a worker process can hand its ledger over."""
        return {key: value for key, value in self.__dict__.items() if key != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()
