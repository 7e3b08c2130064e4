"""What became of each batch, booked once. All of it happens under the delivery's lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simtraffic.clock import monotonic, unix_ns

if TYPE_CHECKING:
    from simtraffic.export import SendResult
    from simtraffic.export.lane import Lane, Pending
    from simtraffic.export.queue import Queue
    from simtraffic.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Settling:
    """Books batches into the ledger and lets the queue forget them."""

    ledger: Ledger
    queue: Queue

    def accept(self, lane: Lane, pending: Pending, result: SendResult) -> None:
        """Taken, wholly or in part."""
        if pending.settled:
            return
        lane.trouble = ""
        lane.sizes.take(pending.size)
        if lane.receiver.took(monotonic()):
            # Whoever waits for its next try need wait no longer.
            self.queue.changed.notify_all()
        rejected = min(max(result.rejected, 0), pending.count)
        if rejected != result.rejected:
            self.ledger.warn(
                f"{lane.signal}: a partial success that does not add up was taken as far as it goes"
            )
        reason = f"partial success: {result.message or 'no reason given'}"
        self.ledger.reject(lane.signal, rejected, reason, unix_ns())
        if result.message and not rejected:
            self.ledger.warn(f"{lane.signal}: the receiver says: {result.message}")
        self.ledger.accept(lane.signal, pending.count - rejected)
        self.queue.let_go(lane, pending)

    def reject(self, lane: Lane, pending: Pending, reason: str) -> None:
        """Refused for good."""
        if not pending.settled:
            self.ledger.reject(lane.signal, pending.count, reason, unix_ns())
            self.queue.let_go(lane, pending)

    def fail(self, lane: Lane, pending: Pending, reason: str) -> None:
        """Not taken after every try."""
        if not pending.settled:
            self.ledger.fail(lane.signal, pending.count, reason, pending.refused_ns or unix_ns())
            self.queue.let_go(lane, pending)

    def give_up(self, lane: Lane, pending: Pending, reason: str) -> None:
        """No answer is waited for: failed when it was sent before, as a part too, else dropped."""
        because = _because(reason, lane)
        if pending.tries:
            self.fail(lane, pending, because)
        elif not pending.settled:
            self.ledger.drop(lane.signal, pending.count, because, unix_ns())
            self.queue.let_go(lane, pending)

    def give_up_waiting(self, reason: str) -> int:
        """Give up everything that no worker has taken; how many batches that were."""
        given_up = 0
        for lane, pending in self.queue.waiting():
            self.give_up(lane, pending, reason)
            given_up += 1
        return given_up

    def give_up_all(self, reason: str) -> int:
        """Give up everything held; how many batches that were."""
        given_up = self.give_up_waiting(reason)
        for lane, pending in self.queue.in_flight():
            self.give_up(lane, pending, reason)
            given_up += 1
        return given_up


def _because(reason: str, lane: Lane) -> str:
    """The reason with what the receiver last said, if that was no success."""
    if not lane.trouble or lane.trouble in reason:
        return reason
    return f"{reason}; last answer: {lane.trouble}"
