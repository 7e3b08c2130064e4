"""The only place that reads a clock or waits.

A run in real time asks its clock when it is and waits for the next tick; a factor makes simulated
time faster than the wall's. At full speed a run asks no clock at all.
"""

from __future__ import annotations

import math
import resource
import sys
import time
from dataclasses import dataclass, field

SECOND_NS = 1_000_000_000


def unix_ns() -> int:
    """Wall clock, nanoseconds since 1970."""
    return time.time_ns()  # noqa: TID251


def monotonic() -> float:
    """Seconds on a clock that never jumps, for durations and deadlines."""
    return time.monotonic()  # noqa: TID251


_SLICE_S = 0.05


class Flag:
    """A wish that one side utters and another looks for, safe to set inside a signal handler.

    ``threading.Event`` is not: its lock may be held by the very code that the signal interrupts.
    """

    __slots__ = ("_is_set",)

    def __init__(self) -> None:
        self._is_set = False

    def set(self) -> None:
        """Utter it."""
        self._is_set = True

    def is_set(self) -> bool:
        """Whether it was uttered."""
        return self._is_set

    def wait(self, timeout_s: float = math.inf) -> bool:
        """Wait until it is set, no longer than this; whether it is."""
        end = monotonic() + timeout_s
        while not self._is_set and (left := end - monotonic()) > 0:
            time.sleep(min(left, _SLICE_S))  # noqa: TID251
        return self._is_set


@dataclass
class RealClock:
    """Wall time, ``factor`` simulated seconds to a real one."""

    factor: float = 1.0
    _origin: float = field(default_factory=monotonic, init=False)

    def restart(self) -> None:
        """Make now the start."""
        self._origin = monotonic()

    def elapsed_ns(self) -> int:
        """Simulated nanoseconds since the start."""
        return int((monotonic() - self._origin) * self.factor * SECOND_NS)

    def wait_until(self, elapsed_ns: int, stop: Flag) -> None:
        """Wait for the wall clock to reach this point of the run."""
        remaining = elapsed_ns / SECOND_NS / self.factor - (monotonic() - self._origin)
        if remaining > 0:
            stop.wait(remaining)


def cpu_seconds() -> float:
    """Processor seconds that this process has used, all threads."""
    return time.process_time()


def peak_rss_bytes() -> int:
    """The most memory this process has held, in bytes."""
    # Linux counts in kibibytes, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
