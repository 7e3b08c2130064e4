"""Memory that is free but not given back: what the C library keeps between chunks."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

from simtraffic.clock import monotonic

_EVERY_S = 0.25


def _found() -> Callable[[int], object]:
    if sys.platform == "linux":
        # musl has none, and needs none: it keeps little.
        return getattr(ctypes.CDLL(None), "malloc_trim", lambda _pad: None)
    return lambda _pad: None


_trim = _found()


def tidy_heap(last_s: float) -> float:
    """Return the free pages of the heap to the system, where the C library has a word for it.

    Chunks that wait and the arrays of a step of the simulation lie side by side there, and live for
    different times. So it fills with holes that the next chunk does not fit into: into a receiver
    slower than the run it grew by 100 MB in an hour. Takes about 2 ms.

    Args:
        last_s: When this was done before, monotonic seconds; nothing is done again so soon.

    Returns:
        When it was done now, or before.
    """
    now_s = monotonic()
    if now_s - last_s < _EVERY_S:
        return last_s
    _trim(0)
    return now_s
