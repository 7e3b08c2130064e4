"""OTLP over HTTP, protobuf or JSON, through one pooled client."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from simtraffic._version import __version__
from simtraffic.clock import SECOND_NS, monotonic, unix_ns
from simtraffic.export import Outcome, SendResult
from simtraffic.export.address import base_address
from simtraffic.export.answers import UNREADABLE, one_line, read_success, status_message
from simtraffic.export.causes import NO_ANSWER, cause_of, cut_off, nothing_answers, unknown_path
from simtraffic.export.proxy import proxy_of
from simtraffic.export.sizes import (
    MAX_ANSWER_BYTES,
    MAX_REQUEST_BYTES,
    named_limit,
    says_too_large,
)
from simtraffic.export.tls import tls_context, tls_refusal
from simtraffic.signals import Chunk

if TYPE_CHECKING:
    from simtraffic.export.settings import ExportSettings

# OTLP specification, "Failures" of OTLP/HTTP: these and nothing else.
_RETRYABLE = frozenset({429, 502, 503, 504})
_CREDENTIAL = frozenset({401, 403})
_NO_HTTP_THERE = "what listens there does not speak HTTP/1.1; is it the gRPC port?"
_NO_PATH = frozenset({404, 405, 501})
# How h11 words bytes that are no HTTP, such as HTTP/2's.
_NO_HTTP = "illegal"
_CONTENT_TOO_LARGE = 413
_BAD_REQUEST = 400

# Simulated telemetry is regular and shrinks well at any level; the fastest leaves the cores free.
_GZIP_LEVEL = 1
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_CONNECTIONS = 16

# The request was not written in full, so nothing can have been taken.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.WriteError,
    httpx.WriteTimeout,
)


class HttpTransport:
    """Sends chunks of one signal, or of several with the same path, to one URL.

    Args:
        settings: Where and how; the endpoint is the full URL.
        json_body: Turns a chunk into an OTLP/JSON request; needed for ``http/json``.

    Raises:
        UsageError: A certificate or key file cannot be read.
    """

    def __init__(
        self,
        settings: ExportSettings,
        json_body: Callable[[Chunk], bytes] | None = None,
    ) -> None:
        self._json_body = json_body if settings.protocol == "http/json" else None
        self._is_json = settings.protocol == "http/json"
        if self._is_json and json_body is None:
            raise ValueError("http/json needs json_body")
        self._compress = settings.compression == "gzip"
        self._url = settings.endpoint
        self._secure = settings.secure
        self._proxy = proxy_of(settings)
        self._address = base_address(settings.endpoint)
        self._answered = False
        """Whether anything that listens there ever spoke HTTP."""
        headers = {
            "user-agent": f"simtraffic/{__version__}",
            # Nothing else is unpacked here, as httpx would do it without a bound.
            "accept-encoding": "gzip",
            **dict(settings.headers),
            "content-type": "application/json" if self._is_json else "application/x-protobuf",
        }
        if self._compress:
            headers["content-encoding"] = "gzip"
        self._client = httpx.Client(
            headers=headers,
            verify=tls_context(settings) if settings.secure else False,
            # A proxy of the environment is not asked for this machine.
            trust_env=not settings.loopback,
            follow_redirects=False,
            limits=httpx.Limits(
                max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS
            ),
        )

    def send(self, chunk: Chunk, timeout_s: float) -> SendResult:
        """One POST; the interpreter is free while it waits."""
        body = self._json_body(chunk) if self._json_body else chunk.payload
        if len(body) > MAX_REQUEST_BYTES:
            words = f"larger than this client's limit of {MAX_REQUEST_BYTES:,} bytes"
            return SendResult(Outcome.TOO_LARGE, message=words)
        if self._compress:
            body = gzip.compress(body, compresslevel=_GZIP_LEVEL, mtime=0)
        deadline = monotonic() + timeout_s
        try:
            with self._client.stream(
                "POST", self._url, content=body, timeout=timeout_s
            ) as response:
                self._answered = True
                answer = _read_answer(chunk.signal, response, deadline, is_json=self._is_json)
                # It knows its stream, which knows it: a cycle that would keep the request's body
                # until a collection, of which a run makes few.
                response.stream = httpx.ByteStream(b"")
                return answer
        except httpx.TransportError as error:
            unsafe = tls_refusal(str(error))
            if unsafe:
                return SendResult(Outcome.REFUSED, message=unsafe)
            if self._is_no_http(error):
                # It was never a receiver of this protocol, so it has taken nothing, and will not.
                return SendResult(Outcome.REFUSED, message=_NO_HTTP_THERE)
            lost = not isinstance(error, _NOT_SENT)
            message = self._guess(error) or self._error_message(error)
            return SendResult(Outcome.RETRY, message=message, maybe_delivered=lost)

    def close(self) -> None:
        """Close the connections; calls still waiting end with an error."""
        self._client.close()

    def _is_no_http(self, error: httpx.TransportError) -> bool:
        """Whether what listens there speaks something else, and did so from the beginning."""
        garbled = isinstance(error, httpx.RemoteProtocolError) and _NO_HTTP in str(error)
        return garbled and not self._answered

    def _error_message(self, error: httpx.TransportError) -> str:
        words: dict[type[httpx.TransportError], str] = {
            httpx.ReadTimeout: NO_ANSWER,
            httpx.WriteTimeout: "sending took too long",
            httpx.PoolTimeout: "no free connection in time",
        }
        if type(error) in words:
            return words[type(error)]
        cause = "no connection in time" if isinstance(error, httpx.ConnectTimeout) else ""
        if isinstance(error, httpx.ConnectError):
            cause = cause_of(str(error)) or ""
        if cause:
            place = self._proxy or self._address
            return nothing_answers(place, cause, proxy=self._proxy is not None)
        return cut_off(self._address, str(error)) or one_line(str(error)) or type(error).__name__

    def _guess(self, error: httpx.TransportError) -> str:
        """Words for a mistake in the settings, where one is likely."""
        if isinstance(error, httpx.RemoteProtocolError) and _NO_HTTP in str(error):
            return _NO_HTTP_THERE
        closed = isinstance(error, httpx.ReadError | httpx.RemoteProtocolError)
        if closed and not self._answered:
            other = "a client certificate" if self._secure else "TLS (https://)"
            return f"the receiver closes every connection at once; does it want {other}?"
        return ""


def _read_answer(
    signal: str, response: httpx.Response, deadline: float, *, is_json: bool
) -> SendResult:
    status = response.status_code
    kind = response.headers.get("content-type", "").lower()
    try:
        body = _read_body(response, deadline)
    except httpx.TransportError:
        # The status has said what became of the request; only the rest of the answer is missing.
        body = None
    if response.is_success:
        if body is None:
            return SendResult(Outcome.ACCEPTED, message=UNREADABLE)
        return _read_success(signal, body, kind, is_json=is_json)
    if response.is_redirect:
        return SendResult(Outcome.REJECTED, message=_redirect(status, response))
    said = status_message(body or b"", kind) or response.reason_phrase
    message = one_line(f"HTTP {status}: {said}")
    if status in _NO_PATH:
        message = unknown_path(str(response.url), message)
    unsafe = tls_refusal(said) if status == _BAD_REQUEST else None
    if unsafe:
        return SendResult(Outcome.REFUSED, message=unsafe)
    if status in _CREDENTIAL:
        return SendResult(Outcome.REFUSED, message=message)
    # The Collector answers 400 and says it in words.
    if status == _CONTENT_TOO_LARGE or (status == _BAD_REQUEST and says_too_large(said)):
        return SendResult(Outcome.TOO_LARGE, message=message, limit_bytes=named_limit(said))
    if status in _RETRYABLE:
        wait = retry_after_s(response.headers.get("retry-after"))
        return SendResult(Outcome.RETRY, message=message, retry_after_s=wait)
    return SendResult(Outcome.REJECTED, message=message)


def _read_success(signal: str, body: bytes, kind: str, *, is_json: bool) -> SendResult:
    """What a success says; a body that is no OTLP is a warning, not a loss."""
    said_json = kind.startswith("application/json")
    if body and kind and not said_json and not kind.startswith("application/x-protobuf"):
        said = f"{UNREADABLE}: its content type is {one_line(kind)}"
        return SendResult(Outcome.ACCEPTED, message=said)
    return read_success(signal, body, is_json=said_json or (is_json and not kind))


def _redirect(status: int, response: httpx.Response) -> str:
    """Following it would hand the credentials to whoever it names."""
    place = urlsplit(response.headers.get("location", "")).netloc.rpartition("@")[2]
    return f"HTTP {status}: a redirect to {one_line(place) or 'the same host'} is not followed"


def _read_body(response: httpx.Response, deadline: float) -> bytes | None:
    """The body; None when it is larger or slower than any answer should be, or garbled."""
    parts: list[bytes] = []
    size = 0
    for part in response.iter_raw():
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            return None
        parts.append(part)
        # httpx times each read; an answer that drips must end all the same.
        if monotonic() > deadline:
            return None
    raw = b"".join(parts)
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if not raw or coding in ("", "identity"):
        return raw
    return _unpacked(raw) if coding in ("gzip", "x-gzip") else None


def _unpacked(raw: bytes) -> bytes | None:
    """What a gzip body holds; None when it is too much, or no gzip. Never unpacks more."""
    unpacking = zlib.decompressobj(_GZIP_WINDOW)
    try:
        body = unpacking.decompress(raw, MAX_ANSWER_BYTES)
    except zlib.error:
        return None
    return body if unpacking.eof else None


def retry_after_s(value: str | None) -> float | None:
    """Seconds of a Retry-After header, a number or an HTTP date; None when it says nothing."""
    if not value:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, at.timestamp() - unix_ns() / SECOND_NS)
