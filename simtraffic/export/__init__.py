"""How telemetry travels: the nouns of the door to a receiver.

A :class:`Transport` sends a chunk once, as a whole request, and says what the answer means.
Gathering chunks into batches, retrying and counting are
:class:`simtraffic.export.delivery.Delivery`'s; this module imports no network library, so that
naming the nouns is cheap.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from simtraffic.signals import Chunk

__all__ = ["Outcome", "SendResult", "Transport"]


class Outcome(Enum):
    """What an answer means for a batch."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    """Refused for good; sending it again would be wrong."""
    RETRY = "retry"
    """Not taken now; the same batch may be sent again."""
    TOO_LARGE = "too large"
    """Larger than the receiver takes, or than this client sends; its parts may pass."""
    REFUSED = "refused"
    """The credential is refused: nothing else will be taken either."""


@dataclass(frozen=True, slots=True)
class SendResult:
    """The answer to one export call."""

    outcome: Outcome
    rejected: int = 0
    """With ACCEPTED: how many items the receiver listed as rejected (partial success)."""
    message: str = ""
    retry_after_s: float | None = None
    """With RETRY: how long the receiver asked to wait, in seconds."""
    maybe_delivered: bool = False
    """With RETRY: the request left and its answer was lost, so it may have been taken."""
    limit_bytes: int | None = None
    """With TOO_LARGE: the receiver's limit, when it named it."""


class Transport(Protocol):
    """A door to a receiver; safe to use from several threads at once."""

    def send(self, chunk: Chunk, timeout_s: float) -> SendResult:
        """Send once and wait for the answer, no longer than about ``timeout_s`` seconds.

        What can go wrong on the way is an answer (:class:`SendResult`), not an exception.
        """
        ...

    def close(self) -> None:
        """Let go of connections; calls still waiting end soon."""
        ...
