"""What arrived at the built-in collector, and what was wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# Distinct messages kept; the rest is counted together.
MOST_FAULTS = 100
OTHER_FAULTS = "other faults"
# Of a message; some hold a name that came.
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class CollectorCounts:
    """Everything received up to now. Retried requests that arrive twice are counted twice."""

    spans: int = 0
    data_points: int = 0
    log_records: int = 0
    requests: int = 0
    """Export calls that were accepted."""
    bytes: int = 0
    """OTLP protobuf, uncompressed."""
    faults: dict[str, int] = field(default_factory=dict)
    """What breaks OTLP's rules or does not fit together, and how often; the first hundred kinds."""
    refused: dict[str, int] = field(default_factory=dict)
    """Why requests were refused for what they are, and how many; the first hundred reasons."""
    on_purpose: dict[str, int] = field(default_factory=dict)
    """How many requests met each fault that the collector has on purpose."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON; lists with counts, of requests refused only where there are any."""
        found: dict[str, Any] = {
            "spans": self.spans,
            "data_points": self.data_points,
            "log_records": self.log_records,
            "requests": self.requests,
            "bytes": self.bytes,
            "faults": [
                {"message": message, "count": count} for message, count in self.faults.items()
            ],
        }
        if self.refused:
            found["refused"] = [
                {"message": message, "requests": count} for message, count in self.refused.items()
            ]
        if self.on_purpose:
            found["on_purpose"] = [
                {"fault": fault, "requests": count} for fault, count in self.on_purpose.items()
            ]
        return found


@dataclass(slots=True)
class Faults:
    """Messages and how often they came, bounded."""

    found: dict[str, int] = field(default_factory=dict)

    def add(self, message: str, count: int = 1) -> None:
        """Count a message; nothing for a count of zero."""
        if not count:
            return
        if len(message) > _LONGEST:
            message = message[: _LONGEST - 1] + "…"
        if not message.isprintable():
            message = "".join(sign if sign.isprintable() else " " for sign in message)
        known = message in self.found or len(self.found) < MOST_FAULTS
        key = message if known else OTHER_FAULTS
        self.found[key] = self.found.get(key, 0) + count
