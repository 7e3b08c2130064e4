"""A run's own page: figures for Prometheus, and two answers for whoever supervises the process.

The run pushes the telemetry of a service that does not exist; this page is about simtraffic
itself, to be scraped. A :class:`Page` listens from before the first byte until it is closed, over
any number of runs one after another. The run hands over what it stands for once and a snapshot
every now and then; everything else is read when somebody asks, in a thread of the page's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from simtraffic.clock import monotonic
from simtraffic.result.watcher import Watcher
from simtraffic.self_telemetry.door import Answer, Door
from simtraffic.self_telemetry.health import Arrival, Pulse
from simtraffic.self_telemetry.totals import Totals

if TYPE_CHECKING:
    from types import TracebackType

    from simtraffic.result.snapshot import Snapshot
    from simtraffic.result.watcher import Subject

__all__ = ["Page"]


class Page(Watcher):
    """Serves ``/metrics``, ``/healthz`` and ``/readyz`` until it is closed.

    Args:
        port: 0 takes a free one; :attr:`address` names it.
        host: to listen on; the default is reached from this machine alone.
        now: seconds on a clock that never jumps; whether the run still goes on depends on it.
        named: what the port is called when it cannot be had.

    Raises:
        UsageError: the port cannot be listened on.
    """

    def __init__(
        self,
        port: int,
        host: str = "127.0.0.1",
        *,
        now: Callable[[], float] = monotonic,
        named: str = "--prometheus-port",
    ) -> None:
        # Loaded with the page: most runs have none.
        from simtraffic.self_telemetry.figures import Figures  # noqa: PLC0415

        self._totals = Totals()
        self._pulse = Pulse(now)
        self._arrival = Arrival(self._totals, now)
        self._figures = Figures(self._totals)
        self._door = Door(
            host,
            port,
            {"/metrics": self._metrics, "/healthz": self._healthz, "/readyz": self._readyz},
            named,
        )
        self.address = self._door.address
        """Base URL with the port that was got."""
        self.line = f"telling of itself at {self.address}/metrics"

    def begin(self, subject: Subject) -> None:
        """A run starts; its counts are added to those of the runs before it."""
        self._totals.begin(subject)
        self._pulse.begin(subject)

    def see(self, snapshot: Snapshot) -> None:
        """The run goes on, and this is how it stands. Takes no lock and does no work."""
        self._totals.snapshot = snapshot
        self._pulse.beat(draining=snapshot.draining)

    def end(self) -> None:
        """The run is over; its counts stay."""
        self._pulse.end()

    def close(self) -> None:
        """Stop listening; its port is free then."""
        self._door.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _metrics(self, accept: str) -> Answer:
        body, content_type = self._figures.page(accept)
        return Answer(200, body, content_type)

    def _healthz(self, _accept: str) -> Answer:
        return _verdict(self._pulse.trouble())

    def _readyz(self, _accept: str) -> Answer:
        return _verdict(self._arrival.trouble())


def _verdict(trouble: str | None) -> Answer:
    return Answer(200 if trouble is None else 503, f"{trouble or 'ok'}\n".encode())
