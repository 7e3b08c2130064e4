"""How calls to a provider fail: the one table of error kinds.

Whoever speaks of error kinds or HTTP statuses derives it from :data:`FAILURES`: what a scenario may
name, how long a failing call takes and whether it is tried again, what is told of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

OK_STATUS = 200
NO_ANSWER = 0
"""Stands for the HTTP status where no answer came."""

SUCCESS = "none"
"""The word of columns and conventions for what did not fail."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A way in which an attempt at a provider can fail."""

    kind: str
    attempt_status: int
    """HTTP status of the provider's answer, :data:`NO_ANSWER` when none comes. A provider of the
    catalogue has a status of its own for ``overloaded``."""
    root_status: int
    """HTTP status that the service answers its own caller when the request ends so."""
    is_retryable: bool
    """Whether a retry or another provider may cure it."""
    takes: Literal["answer", "part", "timeout"] = "answer"
    """How long a call takes: an answer of its own, a part of the normal time, or until the caller
    gives up."""
    answer_s: float = 0.0
    """Median seconds until an ``answer``; own assumptions."""


RATE_LIMIT = Failure("rate_limit", 429, 429, is_retryable=True, answer_s=0.1)
TIMEOUT = Failure("timeout", NO_ANSWER, 504, is_retryable=True, takes="timeout")
OVERLOADED = Failure("overloaded", 503, 502, is_retryable=True, answer_s=0.3)

# Codes are positions, in tables and in what chance decides: append, never insert.
FAILURES = (
    RATE_LIMIT,
    TIMEOUT,
    OVERLOADED,
    Failure("server_error", 500, 502, is_retryable=True, takes="part"),
    Failure("content_filter", 400, 400, is_retryable=False, answer_s=0.25),
    Failure("context_length", 400, 400, is_retryable=False, answer_s=0.08),
    Failure("auth", 401, 401, is_retryable=False, answer_s=0.06),
    Failure("invalid_request", 400, 400, is_retryable=False, answer_s=0.06),
)

KINDS = tuple(failure.kind for failure in FAILURES)
"""Names of all error kinds, as scenarios use them."""

OUTCOMES = (SUCCESS, *KINDS)
"""Words by error code; 0 means success."""

ATTEMPT_STATUS = (OK_STATUS, *(failure.attempt_status for failure in FAILURES))
"""HTTP status of an attempt by error code, where the provider has none of its own."""

ROOT_STATUS = (OK_STATUS, *(failure.root_status for failure in FAILURES))
"""HTTP status of a request by the error code of its last operation."""


def code_of(failure: Failure) -> int:
    """The error code of a failure: its place among :data:`OUTCOMES`."""
    return OUTCOMES.index(failure.kind)
