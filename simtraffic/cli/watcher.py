"""Passes a run's words and states on to people, and their signals on to the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simtraffic.cli import console
from simtraffic.report.progress import balance

if TYPE_CHECKING:
    from simtraffic.report.progress import ProgressView
    from simtraffic.result.snapshot import Snapshot
    from simtraffic.runner import StopSignal

_STOPPING = "stopping: no more arrivals, draining; once more leaves at once"


class Watcher:
    """Looks on while a run goes, and keeps its last state for a farewell.

    Args:
        view: shows what it is told.
        stop: ends the run early.
        live: whether the view draws a picture, which nothing may be written into.
        quiet: whether nothing is shown.
    """

    def __init__(self, view: ProgressView, stop: StopSignal, *, live: bool, quiet: bool) -> None:
        self._view = view
        self._live = live
        self._quiet = quiet
        self._last: Snapshot | None = None
        self.stop = stop

    def see(self, snapshot: Snapshot) -> None:
        """Take the run's state."""
        self._last = snapshot
        if not self._quiet:
            self._view.update(snapshot)

    def say(self, text: str) -> None:
        """A line of the run for people."""
        if not self._quiet:
            self._view.say(text)

    def request(self) -> None:
        """Ask the run to end, as the first signal does."""
        self.stop.request()
        if self._quiet:
            return
        if self._live and self._last is not None:
            # Into the picture, as a line that is written across it would tear it.
            self._view.note = _STOPPING
        else:
            console.tell_from_signal(_STOPPING)

    def farewell(self) -> None:
        """The balance so far, as the second signal leaves no time for more."""
        self._view.leave()
        state = "before anything was sent" if self._last is None else balance(self._last)
        console.tell_from_signal(f"left at once: {state}")
