"""A receiver that does not answer, or takes what it likes, does not slow the schedule."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from simtraffic.export import Outcome, SendResult
from simtraffic.export.delivery import Delivery
from simtraffic.ledger import Ledger
from simtraffic.runner.playback import Playback
from simtraffic.runner.real_time import real_time
from simtraffic.runner.setup import Setup
from simtraffic.scenario import parse_scenario
from simtraffic.signals import Chunk
from tests.told import RICH

if TYPE_CHECKING:
    from simtraffic.clock import Flag


@dataclass
class SteppedClock:
    """Time passes only while it is waited for: a run that is never held up is never late."""

    factor: float = 1.0
    now_ns: int = 0

    def restart(self) -> None:
        self.now_ns = 0

    def elapsed_ns(self) -> int:
        return self.now_ns

    def wait_until(self, elapsed_ns: int, stop: Flag) -> None:
        self.now_ns = max(self.now_ns, elapsed_ns)


class Stalled:
    """Takes a request and does not answer until it is closed, or a very long time has passed."""

    def __init__(self, clock: SteppedClock) -> None:
        self.end = threading.Event()
        self._clock = clock

    def send(self, chunk: Chunk, timeout_s: float) -> SendResult:
        if not self.end.wait(60.0):
            # Whoever waited for this answer is now as late as that.
            self._clock.now_ns += 5_000_000_000
        return SendResult(Outcome.RETRY, message="too late")

    def close(self) -> None:
        self.end.set()


def play(queue_bytes: int) -> tuple[Playback, Delivery]:
    scenario = parse_scenario(RICH)
    setup = Setup.of(scenario, start="2026-01-01T00:00:00Z")
    clock, ledger = SteppedClock(), Ledger()
    delivery = Delivery(Stalled(clock), ledger, queue_bytes=queue_bytes)
    playback = Playback.of(setup, [delivery], ledger=ledger)
    real_time(playback, clock)  # type: ignore[arg-type]
    return playback, delivery


@pytest.mark.parametrize("queue_bytes", [20_000, pytest.param(64 << 20, marks=pytest.mark.long)])
def test_a_stalled_receiver_makes_nothing_late_and_nothing_is_skipped(queue_bytes: int) -> None:
    playback, delivery = play(queue_bytes)
    delivery.drain(0.0)
    delivery.close()

    assert playback.counts.lateness.quantile(1.0) == 0
    assert playback.counts.ledger.generated == playback.setup.schedule.planned()
    ledger = playback.counts.ledger
    assert all(entry.generated == entry.accounted for entry in ledger.signals.values())
    assert ledger.signals["traces"].accepted == 0
    if queue_bytes < 1_000_000:
        assert {loss.reason for loss in ledger.losses() if "queue full" in loss.reason}
