"""One process plays a run, or its shard of one, to the end."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from simtraffic.clock import RealClock, cpu_seconds, monotonic, peak_rss_bytes
from simtraffic.runner.cap import Cap
from simtraffic.runner.counts import plan_rest
from simtraffic.runner.full_speed import full_speed
from simtraffic.runner.playback import Playback
from simtraffic.runner.real_time import real_time

if TYPE_CHECKING:
    from simtraffic.export.delivery import Delivery
    from simtraffic.ledger import Ledger
    from simtraffic.result.counts import RunCounts
    from simtraffic.runner.options import RunOptions
    from simtraffic.runner.outlets import Outlet
    from simtraffic.runner.setup import Setup
    from simtraffic.runner.stop import StopSignal

EVERY_S = 0.25
"""Real seconds between two reports of a run that goes on."""

TIDY_EVERY_S = 5.0
"""Real seconds between two collections of young garbage."""

_DRAIN_AFTER_STOP_S = 10.0


class Process:
    """A run, or a shard of one, in this process.

    Args:
        setup: of what is played.
        options: as they were asked for.
        factor: simulated seconds to a second; 0 for as fast as possible.
        ledger: shared with the delivery.
        outlets: take what is emitted.
        delivery: the one of them that sends; None for a file alone.
        stop: ends the arrivals early.
        report: called about four times a second, with counts that go on changing.
    """

    def __init__(
        self,
        *,
        setup: Setup,
        options: RunOptions,
        factor: float,
        ledger: Ledger,
        outlets: Sequence[Outlet],
        delivery: Delivery | None,
        stop: StopSignal,
        report: Callable[[RunCounts], None] | None = None,
    ) -> None:
        self._playback = Playback.of(
            setup,
            outlets,
            ledger=ledger,
            stop=stop,
            drain_ns=options.drain_ns,
            cap=Cap.of(options),
            watch=self._turn,
        )
        self._counts = self._playback.counts
        self._factor = factor
        self._delivery = delivery
        self._report = report
        self._reported_at = 0.0
        self._cpu_before = cpu_seconds()
        self._tidied_at = monotonic()

    def through(self) -> None:
        """Emit everything; what is held then has still to be delivered."""
        playback = self._playback
        # The tables of a run hold no cycles; a collection in the middle of a tick would make it
        # late.
        gc.collect()
        gc.freeze()
        gc.disable()
        try:
            if self._factor:
                real_time(playback, RealClock(self._factor))
            else:
                full_speed(playback)
        finally:
            gc.enable()
            gc.unfreeze()
        self._counts.draining = True
        self.look()
        plan_rest(self._counts, playback.setup, playback.position)
        self._counts.skip_rest()

    @property
    def drain_s(self) -> float:
        """Real seconds that delivery may take now."""
        drain_s = self._playback.drain_ns / 1e9
        return min(drain_s, _DRAIN_AFTER_STOP_S) if self._playback.stop.requested else drain_s

    def counts(self) -> RunCounts:
        """How it stands: what the loop has written, with what only this process knows."""
        counts, playback = self._counts, self._playback
        imperfect = playback.emitter.imperfect
        if self._delivery is not None:
            counts.queued_bytes = self._delivery.queued_bytes
            counts.trouble = self._delivery.trouble()
        counts.fatal = playback.outlets.fatal
        counts.imperfections = dict(imperfect.counts) if imperfect else {}
        counts.cpu_seconds = cpu_seconds() - self._cpu_before
        counts.peak_rss_bytes = peak_rss_bytes()
        return counts

    def look(self) -> None:
        """Report how it stands at once, as while what is held is delivered."""
        self._reported_at = monotonic()
        if self._report is not None:
            self._report(self.counts())

    def _turn(self) -> None:
        """What is to be done between two turns of the loop."""
        now = monotonic()
        if now - self._tidied_at >= TIDY_EVERY_S:
            self._tidied_at = now
            # Libraries leave cycles behind; those are young, and looking for them is quick.
            gc.collect(1)
        if now - self._reported_at >= EVERY_S:
            self.look()
