"""Decides which fault meets a request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from simtraffic.clock import monotonic
from simtraffic.randomness import Streams

if TYPE_CHECKING:
    from simtraffic.collector.faults.model import Misbehaviour


class Conduct:
    """The faults in force, asked from any thread.

    Args:
        faults: tried in this order; the first that meets a request is the one.
        seed: of the chances; the same seed and order of requests, the same faults.
        now: seconds on a clock that never jumps.
    """

    def __init__(
        self,
        faults: Sequence[Misbehaviour] = (),
        *,
        seed: int = 0,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._in_force: list[tuple[Misbehaviour, float | None]] = [
            (fault, None) for fault in faults
        ]
        """Each with when the first request came that it could have met, monotonic seconds."""
        self._chance = Streams(seed).block("collector faults", 0)
        self._now = now
        self._met: dict[str, int] = {}
        self._lock = threading.Lock()

    def add(self, fault: Misbehaviour) -> None:
        """Have this as well; its times count from the next request."""
        with self._lock:
            self._in_force.append((fault, None))

    def clear(self) -> None:
        """Behave from now on."""
        with self._lock:
            self._in_force.clear()

    def meet(self, signal: str) -> Misbehaviour | None:
        """The fault for a request that has just come, counted; None when all is well."""
        with self._lock:
            now = self._now()
            begun = [(fault, now if at is None else at) for fault, at in self._in_force]
            self._in_force = [*begun]
            for fault, began in begun:
                if fault.concerns(signal, now - began) and self._happens(fault):
                    self._met[fault.name] = self._met.get(fault.name, 0) + 1
                    return fault
        return None

    def refuses_connections(self) -> bool:
        """Whether no connection is taken now: every request would be refused, of any signal."""
        with self._lock:
            now = self._now()
            return any(
                fault.kind == "refuse"
                and fault.share >= 1
                and fault.signal is None
                and began is not None
                and fault.concerns("", now - began)
                for fault, began in self._in_force
            )

    def share_of(self, count: int, share: float) -> int:
        """So many of ``count`` items; the rest of a share is a matter of chance."""
        with self._lock:
            return min(count, int(count * share + float(self._chance.random())))

    def met(self) -> dict[str, int]:
        """How many requests each fault has met."""
        with self._lock:
            return dict(self._met)

    def _happens(self, fault: Misbehaviour) -> bool:
        if fault.kind == "partial":
            return True
        return fault.share >= 1 or float(self._chance.random()) < fault.share
