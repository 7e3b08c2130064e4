"""Whether a receiver is there, as far as its answers show."""

from __future__ import annotations

from dataclasses import dataclass

# Refusals for as long as this make an outage. Below it a receiver is only busy, and each batch
# keeps to its own backoff.
OUTAGE_S = 1.0


@dataclass(slots=True)
class Presence:
    """What is known of one receiver, from all signals that go there.

    Guarded by the delivery's lock.
    """

    failing_since: float | None = None
    """When the first try failed since the last success, monotonic seconds."""
    returns: int = 0
    """How often it came back after an outage."""
    asked: int = 0
    """Tries without an answer as yet."""
    unheard_since: float | None = None
    """Since when it was asked and has given no answer that settles anything, monotonic seconds."""

    def ask(self, now: float) -> None:
        """Note that a try begins at this time."""
        self.asked += 1
        if self.unheard_since is None:
            self.unheard_since = now

    def hear(self, now: float, *, settles: bool) -> None:
        """A try ended; whether with more than that another one is needed."""
        self.asked -= 1
        if settles:
            self.unheard_since = now if self.asked else None

    def failed(self, now: float) -> None:
        """A try was not taken."""
        if self.failing_since is None:
            self.failing_since = now

    def took(self, now: float) -> bool:
        """A batch was taken; whether an outage ended with it."""
        since, self.failing_since = self.failing_since, None
        if since is None or now - since < OUTAGE_S:
            return False
        self.returns += 1
        return True
