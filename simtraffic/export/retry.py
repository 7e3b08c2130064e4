"""How long to wait before a batch is sent again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with jitter, as the OTLP specification asks for.

    The longest wait is short on purpose: an endpoint that comes back is used again at once.
    """

    first_s: float = 0.25
    factor: float = 2.0
    most_s: float = 2.0
    jitter: float = 0.25
    """Each wait is stretched or shrunk by up to this share, so that retries do not march."""
    give_up_s: float = 60.0
    """A batch whose next try would come later than this after its first is failed."""

    def wait_s(self, tries: int, chance: float, retry_after_s: float | None = None) -> float:
        """Seconds until the next try.

        Args:
            tries: How often the batch was sent; 1 or more.
            chance: A random number in [0, 1).
            retry_after_s: What the receiver asked for; never undercut, stretched by the jitter so
                that batches asked the same do not come back in one instant.
        """
        if retry_after_s is not None:
            return max(0.0, retry_after_s) * (1.0 + self.jitter * chance)
        # The exponent is capped: after 64 doublings every wait is the longest one anyway.
        planned = min(self.most_s, self.first_s * self.factor ** min(tries - 1, 64))
        return planned * (1.0 + self.jitter * (2.0 * chance - 1.0))
