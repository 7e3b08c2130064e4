"""What the collector takes at most, so that no sender can exhaust it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one request."""

    most_bytes: int = 64 << 20
    """Before and after decompression; what the OTLP specification (1.11) recommends for servers."""
    patience_s: float = 30.0
    """How long a request over HTTP may take to come in, in seconds."""
