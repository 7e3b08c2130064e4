"""The three signals, and a chunk of one: what a maker of telemetry hands to its carriers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SIGNALS = ("traces", "metrics", "logs")
UNITS = {"traces": "spans", "metrics": "data_points", "logs": "log_records"}
"""What a signal is counted in."""

Form = Literal["protobuf", "json"]
"""How the bytes of a chunk are written."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of an export request: whole entries of its outermost list, serialised.

    Every field of these requests is repeated, so serialised requests joined end to end are one
    valid request with the content of all (protobuf encoding: last one wins only for singular
    fields). That is how chunks become a batch, which is a chunk again. In JSON form the payload is
    the entries of the request's list, and a comma joins them; whoever sends it puts the request
    around.
    """

    signal: str
    payload: bytes
    count: int
    """Spans, data points or log records inside."""
    proto_bytes: int
    """Size as protobuf before compression, as the ledger counts it in either form."""
    form: Form = "protobuf"

    @classmethod
    def of(cls, signal: str, payload: bytes, count: int) -> Chunk:
        """A chunk of protobuf, whose size is the payload's."""
        return cls(signal, payload, count, len(payload))
