"""Status codes of HTTP and gRPC, and which of the one means which of the other.

After OTLP 1.11, "Failures", and the Collector's own mapping: what may be tried again over one
transport may be over the other.
"""

from __future__ import annotations

from http import HTTPStatus

from google.rpc.code_pb2 import Code

UNAVAILABLE = 503
TOO_LARGE = 413
TOO_LARGE_MESSAGE = "received message larger than max"
"""What gRPC servers say with RESOURCE_EXHAUSTED when it is the size, not the load."""

_OTHERS = 500
_TO_HTTP = {
    "CANCELLED": 503,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "ABORTED": 503,
    "OUT_OF_RANGE": 503,
    "UNIMPLEMENTED": 404,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 503,
    "UNAUTHENTICATED": 401,
}
_TO_GRPC = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    413: "RESOURCE_EXHAUSTED",
    429: "RESOURCE_EXHAUSTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "UNAVAILABLE",
}

GRPC_NAMES = tuple(name for name in Code.DESCRIPTOR.values_by_name if name != "OK")
"""Every code that is an error, as ``google.rpc`` spells it."""


def http_of(grpc_name: str) -> int:
    """The HTTP status that means the same as this gRPC code."""
    return _TO_HTTP.get(grpc_name, _OTHERS)


def grpc_of(http_status: int) -> str:
    """The name of the gRPC code that means the same as this HTTP status."""
    if http_status in _TO_GRPC:
        return _TO_GRPC[http_status]
    return "INTERNAL" if http_status >= _OTHERS else "UNKNOWN"


def phrase(http_status: int) -> str:
    """The usual words for an HTTP status."""
    try:
        return HTTPStatus(http_status).phrase
    except ValueError:
        return f"status {http_status}"
