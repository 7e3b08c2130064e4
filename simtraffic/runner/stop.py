"""The wish to stop, as a signal handler or another thread says it."""

from __future__ import annotations

from simtraffic.clock import Flag


class StopSignal:
    """Asked once, a run takes no more arrivals, drains and reports."""

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self.event = Flag()

    def request(self) -> None:
        """Ask the run to end; once is enough."""
        self.event.set()

    @property
    def requested(self) -> bool:
        """Whether it was asked."""
        return self.event.is_set()
