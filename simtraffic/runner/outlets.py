"""Where the telemetry of a run goes: a receiver, a file, both, and the ledger that counts it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from simtraffic.clock import unix_ns
from simtraffic.signals import SIGNALS, Chunk, Form

if TYPE_CHECKING:
    from simtraffic.clock import Flag
    from simtraffic.ledger import Ledger
    from simtraffic.runner.cap import Cap


class Outlet(Protocol):
    """Takes chunks: a delivery to receivers, or a file."""

    def form(self, signal: str) -> Form:
        """How spans and log records are wanted; data points are taken as protobuf by all."""
        ...

    def submit(self, chunk: Chunk, *, block: bool, stop: Flag) -> None:
        """Take a chunk; with ``block`` wait for room rather than drop."""
        ...

    @property
    def fatal(self) -> str | None:
        """Why nothing more can be delivered, in one line."""
        ...


class Outlets:
    """All outlets of a run. Those after the first get copies; only what the first gets counts."""

    def __init__(
        self,
        outlets: Sequence[Outlet],
        ledger: Ledger,
        stop: Flag,
        signals: Sequence[str] = SIGNALS,
        cap: Cap | None = None,
    ) -> None:
        """With at least one outlet; the ledger is that of the first."""
        self._cap = cap
        self._capped: str | None = None
        self._first, *self._copies = outlets
        self._ledger = ledger
        self._stop = stop
        wanted = [outlet.form(signal) for outlet in outlets for signal in signals]
        self.forms = tuple(dict.fromkeys(wanted))

    @property
    def fatal(self) -> str | None:
        """Why nothing more can be delivered to one of them, or may be."""
        outlets = (self._first, *self._copies)
        return self._capped or next((each.fatal for each in outlets if each.fatal), None)

    def submit(self, chunk: Chunk, *, block: bool) -> None:
        """Hand a chunk over to each outlet that wants it in its form; each record is counted once.

        Spans and log records come once in each of :attr:`forms`, data points once at all.
        """
        if _suits(self._first, chunk):
            self._ledger.add_generated(chunk.signal, chunk.count)
            if self._is_capped(chunk):
                return
            self._first.submit(chunk, block=block, stop=self._stop)
        for outlet in self._copies:
            if _suits(outlet, chunk):
                outlet.submit(chunk, block=block, stop=self._stop)

    def _is_capped(self, chunk: Chunk) -> bool:
        """Whether a chunk is beyond what may be sent; it is given up and counted then."""
        if self._cap is None:
            return False
        reason = self._cap.refuses(chunk.signal, chunk.count, chunk.proto_bytes)
        if reason is None:
            return False
        self._capped = self._capped or reason
        self._ledger.drop(chunk.signal, chunk.count, reason, unix_ns())
        return True


def _suits(outlet: Outlet, chunk: Chunk) -> bool:
    return chunk.signal == "metrics" or outlet.form(chunk.signal) == chunk.form
