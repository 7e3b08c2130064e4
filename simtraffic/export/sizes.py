"""How large requests may be: this client's own bounds, and how receivers say what is too large."""

from __future__ import annotations

import re

MAX_REQUEST_BYTES = 64 << 20
"""This client's own bound on one request before compression (OTLP specification 1.11)."""
MAX_ANSWER_BYTES = 4 << 20
"""Of a response, before and after decompression (OTLP specification 1.11)."""

# Under the 4 MiB that gRPC servers take by default, with room for headers.
_BATCH_BYTES = 3_500_000
# Nine batches may be in flight; as much again and more should be able to wait behind them.
_BATCHES_IN_A_QUEUE = 16


def most_in_a_batch(queue_bytes: int) -> int:
    """How large batches are built, in bytes, until a receiver finds them too large."""
    return max(1, min(_BATCH_BYTES, queue_bytes // _BATCHES_IN_A_QUEUE))


# How servers word it. grpc-go: "grpc: received message larger than max (5 vs. 4)" and "... after
# decompression larger than max 4"; C core: "SERVER: Received message larger than max (5 vs. 4)";
# grpc-java: "gRPC message exceeds maximum size 4: 5"; .NET: "Received message exceeds the maximum
# configured message size."; grpc-js: "Received message that decompresses to a size larger than 4";
# tonic, as OUT_OF_RANGE: "Error, decoded message length too large: found 5 bytes, the limit is: 4
# bytes"; the Collector over HTTP, as 400: "http: request body too large"; a proxy in front of gRPC:
# "unexpected HTTP status code received from server: 413", "Received http2 header with status: 413".
# A server that may not *send* so much speaks of its answer: the request was taken.
_TOO_LARGE = re.compile(
    r"(?<!send )(?<!sent )message (?:after decompression )?larger than max"
    r"|message that decompresses to a size larger than"
    r"|message length too large"
    r"|message exceeds (?:the )?maximum"
    r"|(?:body|content|entity|payload) too large"
    r"|status(?: code received from server)?: 413",
    re.IGNORECASE,
)
_LIMIT = re.compile(
    r"\(\d+ vs\.? (\d+)\)|the limit is:? (\d+)|maximum size (\d+)|larger than (?:max )?(\d+)",
    re.IGNORECASE,
)


def says_too_large(message: str) -> bool:
    """Whether the message of a refusal blames the size of the request."""
    return _TOO_LARGE.search(message) is not None


def named_limit(message: str) -> int | None:
    """The receiver's limit in bytes, when its message names it."""
    found = _LIMIT.search(message)
    return next((int(digits) for digits in found.groups() if digits), None) if found else None
