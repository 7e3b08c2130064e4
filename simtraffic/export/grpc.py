"""OTLP over gRPC: the bytes of a chunk go into the call as they are."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from simtraffic._version import __version__
from simtraffic.errors import UsageError
from simtraffic.export import Outcome, SendResult
from simtraffic.export.address import base_address
from simtraffic.export.answers import SERVICES, UNREADABLE, one_line, read_success, retry_info_s
from simtraffic.export.causes import NO_ANSWER, cause_of, cut_off, nothing_answers
from simtraffic.export.environment import silence_grpc
from simtraffic.export.proxy import proxy_of
from simtraffic.export.sizes import MAX_ANSWER_BYTES, named_limit, says_too_large
from simtraffic.export.tls import tls_refusal
from simtraffic.signals import Chunk

# The native library reads its verbosity while it is imported, and never again.
silence_grpc(os.environ)

import grpc  # noqa: E402

if TYPE_CHECKING:
    from simtraffic.export.settings import ExportSettings

# OTLP specification, "Failures" of OTLP/gRPC; RESOURCE_EXHAUSTED only together with RetryInfo.
_RETRYABLE = frozenset(
    {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
_CREDENTIAL = frozenset({grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED})
_DETAILS_KEY = "grpc-status-details-bin"

# How gRPC words a connection lost in the middle of a call; the code is UNAVAILABLE, as for a busy
# receiver, so only the words tell them apart. "failed to connect" means that nothing was sent.
_LOST = re.compile(
    r"socket closed|connection reset|broken pipe|goaway|stream removed|rst_stream|"
    r"cancelling all calls|end of tcp stream|watchdog timeout|ping timeout",
    re.IGNORECASE,
)
_NOT_SENT = "failed to connect"
# Said of a receiver that goes on in something else than HTTP/2.
_NO_HTTP2 = "Failed parsing HTTP/2"
_NO_NAME = "DNS resolution failed"
# Said by this side, as against a receiver that gives up on somebody behind it.
_OWN_DEADLINE = "deadline exceeded"
# grpc-go, the C core and grpc-java, grpc-js; and what a web server's 404 becomes.
_NO_SERVICE = re.compile(
    r"unknown (service|method)|method not found|does not implement|status: 404", re.IGNORECASE
)
_NO_GRPC_THERE = "what listens there does not speak gRPC; is it the HTTP port?"
_CLOSES = (
    "the receiver closes every connection at once;"
    " does it want TLS (https://), none (http://) or a client certificate?"
)
# This client's own refusal to read a huge answer: the request itself was taken.
_HUGE_ANSWER = "CLIENT: Received message larger"

_OPTIONS: tuple[tuple[str, int | str], ...] = (
    ("grpc.primary_user_agent", f"simtraffic/{__version__}"),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", MAX_ANSWER_BYTES),
    # Further tries are ours, so that each is counted.
    ("grpc.enable_retries", 0),
    # An endpoint that comes back is used again within half a second.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 250),
    # Each transport has connections of its own, which end with it.
    ("grpc.use_local_subchannel_pool", 1),
)


class GrpcTransport:
    """One channel to a receiver, for every signal that goes there.

    Raises:
        UsageError: A certificate or key file cannot be read.
    """

    def __init__(self, settings: ExportSettings) -> None:
        target = grpc_target(settings.endpoint)
        self._address = base_address(settings.endpoint)
        self._proxy = proxy_of(settings)
        self._answered = False
        """Whether anything that listens there ever spoke gRPC."""
        options = [*_OPTIONS, ("grpc.enable_http_proxy", 0 if settings.loopback else 1)]
        compression = (
            grpc.Compression.Gzip
            if settings.compression == "gzip"
            else grpc.Compression.NoCompression
        )
        self._channel = (
            grpc.secure_channel(target, _credentials(settings), options, compression)
            if settings.secure
            else grpc.insecure_channel(target, options, compression)
        )
        self._metadata = settings.headers
        # No (de)serialisers: requests are bytes already, and an answer that cannot be parsed is
        # for us to judge, not an error of the call.
        self._calls = {
            signal: self._channel.unary_unary(service.grpc_method, None, None)
            for signal, service in SERVICES.items()
        }

    def send(self, chunk: Chunk, timeout_s: float) -> SendResult:
        """One unary call; the interpreter is free while it waits."""
        try:
            answer = self._calls[chunk.signal](
                chunk.payload, timeout=timeout_s, metadata=self._metadata
            )
        except grpc.RpcError as error:
            return self._read_error(error)
        self._answered = True
        return read_success(chunk.signal, answer)

    def _read_error(self, error: grpc.RpcError) -> SendResult:
        code: grpc.StatusCode = error.code()
        details = error.details() or ""
        if code is grpc.StatusCode.RESOURCE_EXHAUSTED and _HUGE_ANSWER in details:
            return SendResult(Outcome.ACCEPTED, message=UNREADABLE)
        if code is grpc.StatusCode.UNAVAILABLE and (unsafe := self._hopeless(details)):
            return SendResult(Outcome.REFUSED, message=unsafe)
        message = self._message(code, details)
        if code in _CREDENTIAL:
            return SendResult(Outcome.REFUSED, message=message)
        if says_too_large(details):
            return SendResult(Outcome.TOO_LARGE, message=message, limit_bytes=named_limit(details))
        retry_after_s = _retry_after_s(error)
        throttled = code is grpc.StatusCode.RESOURCE_EXHAUSTED and retry_after_s is not None
        if throttled or code in _RETRYABLE:
            return SendResult(
                Outcome.RETRY,
                message=message,
                retry_after_s=retry_after_s,
                maybe_delivered=_answer_lost(code, details),
            )
        return SendResult(Outcome.REJECTED, message=message)

    def _hopeless(self, details: str) -> str | None:
        """Why no try to this receiver will ever be better; None when one may be."""
        if not self._answered and _NOT_SENT in details and _NO_HTTP2 in details:
            return _NO_GRPC_THERE
        return tls_refusal(details)

    def _message(self, code: grpc.StatusCode, details: str) -> str:
        """What happened, in words that are the same for every signal and every try."""
        if code is grpc.StatusCode.DEADLINE_EXCEEDED and details.lower().startswith(_OWN_DEADLINE):
            return NO_ANSWER
        if code is grpc.StatusCode.UNAVAILABLE and (words := self._unreached(details)):
            return words
        if code is grpc.StatusCode.UNIMPLEMENTED and _NO_SERVICE.search(details):
            # Not in the words of the receiver, which name the service of each signal.
            return f"{code.name}: {self._address} does not take this signal over gRPC"
        return f"{code.name}: {one_line(details)}" if details else code.name

    def _unreached(self, details: str) -> str | None:
        """Words on a connection that did not come about, or was lost; with a guess at mistakes."""
        if _NOT_SENT not in details and _NO_NAME not in details:
            return cut_off(self._address, details)
        if _NO_HTTP2 in details:
            return _NO_GRPC_THERE
        cause = cause_of(details)
        if cause is not None:
            place = self._proxy or self._address
            return nothing_answers(place, cause, proxy=self._proxy is not None)
        return _CLOSES if cut_off(self._address, details) else None

    def close(self) -> None:
        """Close the channel; calls still waiting are cancelled."""
        self._channel.close()


def grpc_target(endpoint: str) -> str:
    """The name gRPC dials for an endpoint URL."""
    parts = urlsplit(endpoint)
    if parts.scheme == "unix":
        return endpoint
    if parts.port is not None:
        return parts.netloc.rpartition("@")[2]
    return f"{parts.netloc.rpartition('@')[2]}:{443 if parts.scheme == 'https' else 80}"


def _credentials(settings: ExportSettings) -> grpc.ChannelCredentials:
    certificate, key, chain = (
        _read(path) if path else None
        for path in (settings.certificate, settings.client_key, settings.client_certificate)
    )
    return grpc.ssl_channel_credentials(certificate, key, chain)


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read; {error.strerror}; name a PEM file for TLS"
        ) from error


def _answer_lost(code: grpc.StatusCode, details: str) -> bool:
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return True
    return _NOT_SENT not in details and _LOST.search(details) is not None


def _retry_after_s(error: grpc.RpcError) -> float | None:
    metadata: Iterable[tuple[str, bytes | str]] = error.trailing_metadata() or ()  # type: ignore[assignment]
    for key, value in metadata:
        if key == _DETAILS_KEY:
            return retry_info_s(value)
    return None
