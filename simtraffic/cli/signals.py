"""SIGINT, SIGTERM and SIGHUP: the first ends a run in good order, the second leaves at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from simtraffic.errors import ExitCode

if TYPE_CHECKING:
    from types import FrameType, TracebackType

_HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """Handles these signals while it is entered, and puts back what was there before.

    A SIGHUP that is ignored from the start stays so: that is what ``nohup`` asks for.

    Args:
        stop: called at the first signal: no more arrivals, drain and report.
        farewell: called at the second, before the process leaves without any cleaning up.
        leave: ends the process.
    """

    def __init__(
        self,
        stop: Callable[[], None],
        farewell: Callable[[], None],
        leave: Callable[[int], object] = os._exit,
    ) -> None:
        self._stop = stop
        self._farewell = farewell
        self._leave = leave
        self._before: dict[signal.Signals, object] = {}
        self.signals = 0
        """How many came."""

    def __enter__(self) -> Self:
        for number in _HANDLED:
            if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.signals += 1
        if self.signals == 1:
            self._stop()
            return
        try:
            self._farewell()
        finally:
            self._leave(int(ExitCode.INTERRUPTED))
