"""One process plays a run, or its shard of one, to the end."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simtraffic.clock import RealClock, cpu_seconds, monotonic, peak_rss_bytes
from simtraffic.result.counts import RunCounts
from simtraffic.result.sketch import QuantileSketch
from simtraffic.runner.counts import blank_counts, plan_rest
from simtraffic.runner.outlets import Outlets
from simtraffic.runner.playback import Playback

if TYPE_CHECKING:
    from simtraffic.export.delivery import Delivery
    from simtraffic.ledger import Ledger
    from simtraffic.runner.cap import Cap
    from simtraffic.runner.outlets import Outlet
    from simtraffic.runner.setup import Setup
    from simtraffic.runner.stop import StopSignal

EVERY_S = 0.25
"""Real seconds between two accounts of a run that goes on."""

TIDY_EVERY_S = 5.0
"""Real seconds between two collections of young garbage."""


@dataclass(kw_only=True)
class Play:
    """A run, or a shard of one, in this process."""

    setup: Setup
    ledger: Ledger
    outlets: Sequence[Outlet]
    delivery: Delivery | None
    factor: float
    """Simulated seconds to a second; 0 for as fast as possible."""
    drain_ns: int
    stop: StopSignal
    cap: Cap | None = None
    on_account: Callable[[RunCounts], None] | None = None
    """Called about four times a second, with counts that go on changing."""

    def __post_init__(self) -> None:
        """Make ready; no time passes for the run."""
        signals = self.setup.scenario.telemetry.signals
        outlets = Outlets(self.outlets, self.ledger, self.stop.event, signals, self.cap)
        self._playback = Playback(
            self.setup,
            self.setup.telemetry(outlets.forms, self.drain_ns),
            outlets,
            self.ledger,
            blank_counts(self.setup).tally,
            QuantileSketch(),
            self.stop,
            self.drain_ns,
        )
        self._told_at = 0.0
        self._cpu_before = cpu_seconds()
        self._tidied_at = monotonic()
        self._playback.watch = lambda _playback: self._turn()

    def through(self) -> None:
        """Tell everything; what is held then has still to be delivered."""
        playback = self._playback
        # The tables of a run hold no cycles; a collection in the middle of a tick would make it
        # late.
        gc.collect()
        gc.freeze()
        gc.disable()
        try:
            if self.factor:
                playback.timed(RealClock(self.factor))
            else:
                playback.fast()
        finally:
            gc.enable()
            gc.unfreeze()
        self._tell(draining=True)
        counts = self.account()
        plan_rest(counts, self.setup, playback.simulated_blocks)
        counts.skip_rest()

    @property
    def drain_s(self) -> float:
        """Real seconds that delivery may take now."""
        drain_s = self.drain_ns / 1e9
        return min(drain_s, 10.0) if self.stop.requested else drain_s

    def account(self, *, draining: bool = False) -> RunCounts:
        """How it stands."""
        playback, imperfect = self._playback, self._playback.telemetry.imperfect
        return RunCounts(
            tally=playback.tally,
            ledger=self.ledger,
            lateness=playback.lateness,
            elapsed_ns=playback.elapsed_ns,
            last_end_ns=playback.last_end_ns,
            loop=playback.loop,
            queued_bytes=self.delivery.queued_bytes if self.delivery else 0,
            draining=draining,
            overloaded=playback.overloaded,
            trouble=self.delivery.trouble() if self.delivery else "",
            fatal=playback.outlets.fatal,
            imperfections=dict(imperfect.counts) if imperfect else {},
            cpu_seconds=cpu_seconds() - self._cpu_before,
            peak_rss_bytes=peak_rss_bytes(),
        )

    def look(self) -> None:
        """Show how it stands while what is held is delivered."""
        self._tell(draining=True)

    def _turn(self) -> None:
        """What is to be done between two turns of the loop."""
        now = monotonic()
        if now - self._tidied_at >= TIDY_EVERY_S:
            self._tidied_at = now
            # Libraries leave cycles behind; those are young, and looking for them is quick.
            gc.collect(1)
        self._tell()

    def _tell(self, *, draining: bool = False) -> None:
        now = monotonic()
        if self.on_account is None or (now - self._told_at < EVERY_S and not draining):
            return
        self._told_at = now
        self.on_account(self.account(draining=draining))
