"""What became of each batch, booked once. All of it happens under the delivery's lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simtraffic.clock import monotonic, unix_ns

if TYPE_CHECKING:
    from simtraffic.export import SendResult
    from simtraffic.export.queue import Batch, Lane, Queue
    from simtraffic.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Settling:
    """Books batches into the ledger and lets the queue forget them."""

    ledger: Ledger
    queue: Queue

    def accept(self, batch: Batch, result: SendResult) -> None:
        """Book a batch that was taken, wholly or in part."""
        if batch.settled:
            return
        lane = batch.lane
        lane.trouble = ""
        lane.sizes.take(batch.size)
        if lane.presence.took(monotonic()):
            # Whoever waits for its next try need wait no longer.
            self.queue.changed.notify_all()
        rejected = min(max(result.rejected, 0), batch.count)
        if rejected != result.rejected:
            self.ledger.warn(
                f"{lane.signal}: a partial success that does not add up was taken as far as it goes"
            )
        reason = f"partial success: {result.message or 'no reason given'}"
        self.ledger.reject(lane.signal, rejected, reason, unix_ns())
        if result.message and not rejected:
            self.ledger.warn(f"{lane.signal}: the receiver says: {result.message}")
        self.ledger.accept(lane.signal, batch.count - rejected)
        self.queue.let_go(batch)

    def reject(self, batch: Batch, reason: str) -> None:
        """Book a batch that its receiver, or this client, refuses for good."""
        if not batch.settled:
            self.ledger.reject(batch.signal, batch.count, reason, unix_ns())
            self.queue.let_go(batch)

    def fail(self, batch: Batch, reason: str) -> None:
        """Book a batch that was not taken after every try."""
        if not batch.settled:
            self.ledger.fail(batch.signal, batch.count, reason, batch.refused_ns or unix_ns())
            self.queue.let_go(batch)

    def give_up(self, batch: Batch, reason: str) -> None:
        """No answer is waited for: failed when it was sent before, as a part too, else dropped."""
        because = _because(reason, batch.lane)
        if batch.tries:
            self.fail(batch, because)
        elif not batch.settled:
            self.ledger.drop(batch.signal, batch.count, because, unix_ns())
            self.queue.let_go(batch)

    def give_up_waiting(self, reason: str) -> int:
        """Give up everything that no worker has taken; how many batches that were."""
        given_up = 0
        for batch in self.queue.waiting():
            self.give_up(batch, reason)
            given_up += 1
        return given_up

    def give_up_all(self, reason: str) -> int:
        """Give up everything held; how many batches that were."""
        given_up = self.give_up_waiting(reason)
        for batch in self.queue.in_flight():
            self.give_up(batch, reason)
            given_up += 1
        return given_up


def _because(reason: str, lane: Lane) -> str:
    """The reason with what the receiver last said, if that was no success."""
    if not lane.trouble or lane.trouble in reason:
        return reason
    return f"{reason}; last answer: {lane.trouble}"
