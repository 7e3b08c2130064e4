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


class Budget:
    """So many bytes at once, booked from any thread.

    Those who can do without ask with :meth:`take`; those who cannot wait in :meth:`waits`.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._booked = 0
        self._turn = threading.Lock()
        self._change = threading.Condition()

    def take(self, size: int) -> bool:
        """Book so many bytes; False when there is no room, and nothing is booked."""
        with self._change:
            if self._booked + size > self._most_bytes:
                return False
            self._booked += size
            return True

    def give(self, size: int) -> None:
        """Free so many bytes that were booked."""
        with self._change:
            self._booked -= size
            self._change.notify_all()

    @contextmanager
    def waits(self, size: int) -> Iterator[None]:
        """Wait until so many bytes are free, or all where that is not enough; book them inside.

        In order of arrival, so that a large demand is not passed by small ones for ever.
        """
        with self._turn, self._change:
            self._change.wait_for(
                lambda: not self._booked or self._booked + size <= self._most_bytes
            )
            self._booked += size
        try:
            yield
        finally:
            self.give(size)
