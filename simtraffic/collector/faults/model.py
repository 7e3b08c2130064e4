"""A fault as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from simtraffic.collector.faults import codes

Kind = Literal["status", "hang", "slow", "cut", "refuse", "garbage", "content_type", "partial"]
KINDS: tuple[Kind, ...] = get_args(Kind)
STORING: tuple[Kind, ...] = ("hang", "cut")
"""Kinds where the request may be stored before its answer is lost."""


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """One way of answering badly.

    ``status`` refuses with a code. ``hang`` never answers, ``slow`` answers later, ``cut`` ends the
    connection in the middle of the answer, ``refuse`` before there is any. ``garbage`` and
    ``content_type`` store the request and answer with what nobody can read. ``partial`` stores all
    but a share of the items and says so.

    Raises:
        ValueError: A kind, share or code that there is not.
    """

    kind: Kind
    http_status: int = 0
    """With ``status``, over HTTP; from the code of gRPC when left out, without either 503."""
    grpc_code: str = ""
    """With ``status``, over gRPC, such as ``UNAVAILABLE``; from the status when left out."""
    share: float = 1.0
    """Of the requests; with ``partial`` of the items in each request, 0 for a mere warning."""
    after_s: float = 0.0
    """When it begins, seconds after the first request to the collector."""
    for_s: float | None = None
    """How long it lasts; to the end without it."""
    signal: str | None = None
    """Traces, metrics or logs; all of them without it."""
    retry_after: float | Literal["date"] | None = None
    """With ``status``: seconds, or an HTTP date that is a second away. Over gRPC as RetryInfo."""
    delay_s: float = 1.0
    """With ``slow``."""
    stored: bool = False
    """With ``hang`` and ``cut``: the request is stored, so that only its answer is lost."""
    text: str = ""
    """How it was written; what it is counted under."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind: unknown; found {self.kind!r}; use one of {', '.join(KINDS)}")
        if not 0 <= self.share <= 1:
            raise ValueError(f"share: not from 0 to 1; found {self.share!r}")
        code, status = self.grpc_code, self.http_status
        if code and code not in codes.GRPC_NAMES:
            raise ValueError(f"grpc_code: no error of gRPC; found {code!r}; write UNAVAILABLE")
        status = status or (codes.http_of(code) if code else codes.UNAVAILABLE)
        object.__setattr__(self, "http_status", status)
        object.__setattr__(self, "grpc_code", code or codes.grpc_of(status))

    @property
    def name(self) -> str:
        """For people: as it was written, or what it is."""
        return self.text or (f"status={self.http_status}" if self.kind == "status" else self.kind)

    @property
    def message(self) -> str:
        """What a refusal says."""
        if self.grpc_code == "RESOURCE_EXHAUSTED" and self.http_status == codes.TOO_LARGE:
            return codes.TOO_LARGE_MESSAGE
        return f"{codes.phrase(self.http_status)}, on purpose"

    @property
    def wait_s(self) -> float | None:
        """How long a client is asked to wait, in seconds."""
        return 1.0 if self.retry_after == "date" else self.retry_after

    def concerns(self, signal: str, elapsed_s: float) -> bool:
        """Whether it may happen to a request of this signal at this time."""
        return (
            self.signal in (None, signal)
            and self.after_s <= elapsed_s
            and (self.for_s is None or elapsed_s < self.after_s + self.for_s)
        )
