"""A bound on what a run may send, set by whoever pays for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from simtraffic.errors import UsageError

if TYPE_CHECKING:
    from simtraffic.result.plan import PlanResult
    from simtraffic.runner.options import RunOptions


@dataclass(slots=True)
class Cap:
    """No more than this leaves a run, whatever its plan; further tries are not counted again."""

    most_bytes: int | None = None
    """OTLP protobuf before compression, all signals together, as the ledger counts."""
    most_spans: int | None = None
    _bytes: int = field(default=0, init=False)
    """What has left so far."""
    _spans: int = field(default=0, init=False)

    @classmethod
    def of(cls, options: RunOptions) -> Self | None:
        """As it was asked for; None where nothing is bounded."""
        if (options.max_bytes, options.max_spans) == (None, None):
            return None
        return cls(options.max_bytes, options.max_spans)

    def check(self, expected: PlanResult) -> None:
        """Refuse a run that is expected to come to more.

        Raises:
            UsageError: it is.
        """
        spans = expected.signals["traces"].generated
        octets = sum(signal.bytes for signal in expected.signals.values())
        for option, most, found in (
            ("--max-spans", self.most_spans, spans),
            ("--max-bytes", self.most_bytes, octets),
        ):
            if most is not None and found > most:
                raise UsageError(
                    f"{option}: the run is expected to come to more; found {found:,.0f} against"
                    f" {most:,}; lower it with --scale {most / found:.2g} or --duration,"
                    " or allow more"
                )

    def refuses(self, signal: str, count: int, proto_bytes: int) -> str | None:
        """Why this may not leave any more, else None; then it is counted."""
        if self.most_bytes is not None and self._bytes + proto_bytes > self.most_bytes:
            return f"stopped at --max-bytes {self.most_bytes:,}"
        spans = count if signal == "traces" else 0
        if spans and self.most_spans is not None and self._spans + spans > self.most_spans:
            return f"stopped at --max-spans {self.most_spans:,}"
        self._bytes += proto_bytes
        self._spans += spans
        return None
