"""What a receiver may do wrong, and what becomes of telemetry then: the matrix of faults.

Each row is a fault of the built-in collector; it is met over each transport by each signal. The
tests run every cell and hold the ledger against what the receiver stored; the table in
docs/delivery.md is made from the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["delivered", "partly rejected", "rejected", "failed"]
PROTOCOLS = ("grpc", "http/protobuf", "http/json")
EXIT = {"delivered": 0, "partly rejected": 4, "rejected": 4, "failed": 4}


@dataclass(frozen=True, slots=True)
class Row:
    """One fault, and how each transport fares."""

    name: str
    """For people."""
    faults: tuple[str, ...]
    """As ``collect --fault`` takes them."""
    grpc: Outcome
    http: Outcome
    retries: bool = False
    """Whether further tries are made."""
    splits: bool = False
    """Whether requests are split down to single records before these are given up."""
    may_duplicate: bool = False
    """Whether the receiver may have the same twice, as an answer was lost."""
    warns: bool = False
    """Whether people are told though nothing is lost."""
    ends_early: bool = False
    """Whether the run ends at once."""

    def outcome(self, protocol: str) -> Outcome:
        """What becomes of the telemetry over this transport."""
        return self.grpc if protocol == "grpc" else self.http


BRIEFLY = "for=300ms"
"""Shorter than any run of the matrix, so that a further try succeeds."""


def _once(name: str, fault: str, outcome: Outcome, **facts: bool) -> Row:
    return Row(name, (fault,), outcome, outcome, **facts)


ROWS = (
    _once("nothing", "kind=slow delay=1ms", "delivered"),
    _once(
        "refused connections, for a moment",
        f"kind=refuse {BRIEFLY}",
        "delivered",
        retries=True,
        may_duplicate=True,
    ),
    _once("refused connections, for good", "kind=refuse", "failed", may_duplicate=True),
    _once(
        "no answer, for a moment",
        f"kind=hang {BRIEFLY}",
        "delivered",
        retries=True,
        may_duplicate=True,
    ),
    _once(
        "no answer to what was stored, for a moment",
        f"kind=hang stored=yes {BRIEFLY}",
        "delivered",
        retries=True,
        may_duplicate=True,
    ),
    _once("no answer, for good", "kind=hang", "failed", may_duplicate=True),
    _once("a slow answer", "kind=slow delay=100ms", "delivered"),
    _once(
        "a connection cut in the answer, for a moment",
        f"kind=cut {BRIEFLY}",
        "delivered",
        retries=True,
        may_duplicate=True,
    ),
    _once(
        "the same after the request was stored",
        f"kind=cut stored=yes {BRIEFLY}",
        "delivered",
        retries=True,
        may_duplicate=True,
    ),
    _once("400, INVALID_ARGUMENT", "status=400", "rejected"),
    _once("401, UNAUTHENTICATED", "status=401", "rejected", ends_early=True),
    _once("403, PERMISSION_DENIED", "status=403", "rejected", ends_early=True),
    _once("404, UNIMPLEMENTED", "status=404", "rejected"),
    _once("413, message too large, for good", "status=413", "rejected", splits=True),
    Row(
        "429 without Retry-After, RESOURCE_EXHAUSTED without RetryInfo, for a moment",
        (f"status=429 {BRIEFLY}",),
        grpc="partly rejected",
        http="delivered",
        retries=True,
    ),
    _once(
        "429 with Retry-After, RESOURCE_EXHAUSTED with RetryInfo, for a moment",
        f"status=429 retry_after=0.4 {BRIEFLY}",
        "delivered",
        retries=True,
    ),
    _once("429 with Retry-After or RetryInfo, for good", "status=429 retry_after=0.2", "failed"),
    _once(
        "503 with a date in Retry-After, for a moment",
        f"status=503 retry_after=date {BRIEFLY}",
        "delivered",
        retries=True,
    ),
    _once("500, INTERNAL", "status=500", "rejected"),
    _once("502, for a moment", f"status=502 {BRIEFLY}", "delivered", retries=True),
    _once("503, UNAVAILABLE, for a moment", f"status=503 {BRIEFLY}", "delivered", retries=True),
    _once("503, UNAVAILABLE, for good", "status=503", "failed"),
    _once("504, for a moment", f"status=504 {BRIEFLY}", "delivered", retries=True),
    _once("ABORTED, for a moment", f"status=ABORTED {BRIEFLY}", "delivered", retries=True),
    _once("DATA_LOSS, for a moment", f"status=DATA_LOSS {BRIEFLY}", "delivered", retries=True),
    _once("a redirect", "status=307", "rejected"),
    _once("a part rejected", "kind=partial share=30%", "partly rejected"),
    _once("all rejected in a partial success", "kind=partial share=100%", "rejected"),
    _once("a warning in a partial success", "kind=partial share=0%", "delivered", warns=True),
    _once("a body that nobody can read", "kind=garbage", "delivered", warns=True),
    _once("an answer of another type", "kind=content_type", "delivered", warns=True),
    Row(
        "several at once, by chance",
        ("status=503 share=30%", "kind=cut share=20%", "kind=partial share=10%"),
        "partly rejected",
        "partly rejected",
        may_duplicate=True,
    ),
)


def table() -> str:
    """The rows as a table of Markdown."""
    lines = [
        "| the receiver's fault | over gRPC | over HTTP | exit code |",
        "| --- | --- | --- | ---: |",
    ]
    for row in ROWS:
        said = [_said(row, row.grpc), _said(row, row.http)]
        codes = " or ".join(dict.fromkeys(str(EXIT[each]) for each in (row.grpc, row.http)))
        lines.append(f"| {row.name} | {said[0]} | {said[1]} | {codes} |")
    return "\n".join(lines)


def _said(row: Row, outcome: Outcome) -> str:
    notes = []
    if row.retries and outcome == "delivered":
        notes.append("tried again")
    if row.splits:
        notes.append("split to single records")
    if row.may_duplicate:
        notes.append("told as possible duplicates")
    if row.warns:
        notes.append("with a warning")
    if row.ends_early:
        notes.append("the run ends")
    return ", ".join([outcome, *notes])
