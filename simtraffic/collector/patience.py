"""Ends what takes too long to come in, where the native library would wait for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from simtraffic.clock import monotonic

# Looks per patience: what is late is noticed a quarter of it later at most.
_LOOKS = 4


class Patience:
    """Watches from construction to :meth:`close`.

    Args:
        patience_s: how long anything may take.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._waiting: dict[Callable[[], object], float] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="collect-patience", daemon=True)
        self._thread.start()

    @contextmanager
    def waits(self, end: Callable[[], object]) -> Iterator[None]:
        """While inside: ``end`` is called when it takes too long. Wakes no thread."""
        with self._lock:
            self._waiting[end] = monotonic() + self._patience_s
        try:
            yield
        finally:
            with self._lock:
                self._waiting.pop(end, None)

    def close(self) -> None:
        """Watch no more; what still waits is ended."""
        self._closing.set()
        self._thread.join()
        self._end(float("inf"))

    def _watch(self) -> None:
        while not self._closing.wait(self._patience_s / _LOOKS):
            self._end(monotonic())

    def _end(self, now_s: float) -> None:
        with self._lock:
            late = [end for end, until_s in self._waiting.items() if until_s <= now_s]
            for end in late:
                del self._waiting[end]
        for end in late:
            end()
