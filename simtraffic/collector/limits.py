"""What the collector takes at most, so that no sender can exhaust it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one request, and on all of them at once."""

    most_bytes: int = 64 << 20
    """Before and after decompression; what the OTLP specification (1.11) recommends for servers."""
    patience_s: float = 30.0
    """How long a request may take to come in, its headers included, in seconds."""
    idle_s: float = 300.0
    """How long a connection may say nothing; clients keep theirs open between exports."""
    most_connections: int = 512
    """At once over HTTP, and over gRPC where connections may be cut: each has a thread there."""
    bodies_held: int = 4
    """How many of the largest bodies may wait in memory over HTTP."""


class Holding:
    """Bytes that wait in memory, bounded; from any thread."""

    def __init__(self, most_bytes: int) -> None:
        self._left = most_bytes
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        """Book so many bytes; False when there is no room, and nothing is booked."""
        with self._lock:
            if size > self._left:
                return False
            self._left -= size
            return True

    def give(self, size: int) -> None:
        """So many bytes are free again."""
        with self._lock:
            self._left += size


class Gate:
    """Lets bodies through to be parsed, so many bytes at once; a larger one alone.

    Parsed, a body takes up to some 50 times its size. In order of arrival, so that a large one is
    not passed by small ones for ever.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._inside = 0
        self._turn = threading.Lock()
        self._change = threading.Condition()

    @contextmanager
    def passes(self, size: int) -> Iterator[None]:
        """While inside, so many bytes are being parsed; waits for room."""
        with self._turn, self._change:
            self._change.wait_for(
                lambda: not self._inside or self._inside + size <= self._most_bytes
            )
            self._inside += size
        try:
            yield
        finally:
            with self._change:
                self._inside -= size
                self._change.notify_all()


# Inflating holds little of the interpreter, but what is inflated waits in memory.
_INFLATING_AT_ONCE = 4


class Work:
    """What the connections of a door share."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.holding = Holding(limits.bodies_held * limits.most_bytes)
        self.gate = threading.BoundedSemaphore(_INFLATING_AT_ONCE)
        """Held from when a body is inflated until it is parsed."""
