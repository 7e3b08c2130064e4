"""Looks whether receivers are there and speak what is asked for, before the first byte is sent.

A look is bounded and never wrong on purpose: what is not known in time, such as a receiver that
is slow or far away, is not held against it. Nothing that a receiver counts is sent: a client's
greeting of HTTP/2, or an OPTIONS request. Only an HTTP server that seems not to know the signal's
path gets one request without any telemetry, which OTLP allows, with the credentials of the run.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from simtraffic.clock import monotonic
from simtraffic.export import Outcome
from simtraffic.export.address import base_address
from simtraffic.export.answers import one_line
from simtraffic.export.causes import NO_ANSWER, cause_of, nothing_answers
from simtraffic.export.connect import open_transport
from simtraffic.export.knock import (
    connect,
    exchange,
    greeting,
    is_http1,
    is_http2,
    secured,
    wants_tls,
)
from simtraffic.export.proxy import is_sure_of_proxies, proxy_of
from simtraffic.export.tls import tls_refusal
from simtraffic.signals import Chunk

if TYPE_CHECKING:
    from simtraffic.export.settings import ExportSettings

PATIENCE_S = 0.3
# A resolver, or a certificate's file on a slow disk, knows no time-out.
_GRACE_S = 0.2
# A server that does not know the path of an OTLP request, or no POST.
_NO_PATH = (404, 405, 501)
_LONGEST_QUOTE = 40


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look at the receiver of a signal found."""

    sentence: str = ""
    """What is wrong and what to do; empty when nothing is."""
    is_sure: bool = False
    """Whether a run would come to nothing; what is only likely is no reason to refuse one."""
    may_pass: bool = True
    """Whether waiting may cure it."""
    is_unknown_signal: bool = False
    """The receiver speaks the protocol and does not take this signal there."""


FINE = Finding()


def look(
    signals: Mapping[str, ExportSettings], patience_s: float = PATIENCE_S
) -> dict[str, Finding]:
    """What is found at the receiver of each signal, all looked at side by side.

    Args:
        signals: How each is sent.
        patience_s: How long to look.

    Raises:
        UsageError: A certificate or key file cannot be used.
    """
    if any(settings.protocol != "grpc" for settings in signals.values()):
        # What the run needs in any case, loaded before time is taken.
        import simtraffic.export.http  # noqa: F401, PLC0415
    until = monotonic() + patience_s
    looks: dict[ExportSettings, Future[Finding]] = {}
    for signal, settings in signals.items():
        if settings not in looks:
            looks[settings] = _begun(signal, settings, until)
    done, _ = wait(looks.values(), max(0.0, until + _GRACE_S - monotonic()))
    return {
        signal: looks[settings].result() if looks[settings] in done else _in_doubt(settings)
        for signal, settings in signals.items()
    }


def _begun(signal: str, settings: ExportSettings, until: float) -> Future[Finding]:
    """A look in a thread of its own, which nobody waits for in the end: a pool's would be."""
    finding: Future[Finding] = Future()

    def begin() -> None:
        try:
            finding.set_result(_look(signal, settings, until))
        except Exception as error:  # noqa: BLE001 - it is the other thread's to raise
            finding.set_exception(error)

    threading.Thread(target=begin, name=f"look-{signal}", daemon=True).start()
    return finding


def _in_doubt(settings: ExportSettings) -> Finding:
    """What is said of a receiver that is still being looked at when time is up."""
    return Finding(f"{base_address(settings.endpoint)}: {NO_ANSWER}")


def _look(signal: str, settings: ExportSettings, until: float) -> Finding:
    proxy = proxy_of(settings)
    try:
        connection = connect(proxy or settings.endpoint, until)
    except ConnectionResetError:
        return FINE if proxy else _closed(settings)
    except OSError as error:
        return _not_there(settings, proxy, error)
    with connection:
        if proxy is not None:
            # What is behind it is not to be seen without a request.
            return FINE
        try:
            way = secured(connection, settings, until) if settings.secure else connection
            with way:
                said = exchange(way, greeting(settings), until)
        except TimeoutError:
            return FINE
        except OSError as error:
            return _no_tls(settings, error, until)
    return _judged(signal, settings, said, until)


def _not_there(settings: ExportSettings, proxy: str | None, error: OSError) -> Finding:
    address = proxy or base_address(settings.endpoint)
    cause = cause_of(str(error))
    said = cause or one_line(error.strerror or str(error))
    sentence = nothing_answers(address, said, proxy=proxy is not None)
    doubtful = isinstance(error, TimeoutError) or (proxy is not None and not is_sure_of_proxies())
    return Finding(sentence, is_sure=cause is not None and not doubtful)


def _no_tls(settings: ExportSettings, error: OSError, until: float) -> Finding:
    """Why the two did not come together, where it shows."""
    unsafe = tls_refusal(str(error))
    if "NO_APPLICATION_PROTOCOL" in str(error) and settings.protocol != "grpc":
        unsafe = _GRPC_THERE
    if unsafe is None and settings.secure and _speaks_plainly(settings, until):
        unsafe = "the receiver does not speak TLS there; write http:// or name its TLS port"
    if unsafe is not None:
        return _wrong(settings, unsafe)
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return _wrong(settings, f"TLS fails: {one_line(error.reason or str(error))}")
    return _closed(settings)


def _judged(signal: str, settings: ExportSettings, said: bytes | None, until: float) -> Finding:
    """What follows from the first bytes that were said."""
    is_grpc = settings.protocol == "grpc"
    if said is None:
        return _hung_up(settings, until)
    if not said:
        return FINE
    if wants_tls(said):
        return _wrong(
            settings, "the receiver wants TLS there; write https:// or name its port without"
        )
    if is_http2(said):
        return FINE if is_grpc else _wrong(settings, _GRPC_THERE)
    if is_http1(said):
        if is_grpc:
            return _wrong(settings, _HTTP_THERE)
        return _of_path(signal, settings, said, until)
    quote = one_line(said.decode("ascii", "replace"))[:_LONGEST_QUOTE].strip()
    return _wrong(
        settings, f"what listens there is no OTLP receiver, it says {quote!r}; name the port of one"
    )


_GRPC_THERE = (
    "the receiver speaks gRPC there, not HTTP/1.1;"
    " use --protocol grpc, or its HTTP port (4318 as a rule)"
)
_HTTP_THERE = (
    "the receiver speaks HTTP/1.1 there, not gRPC;"
    " use --protocol http/protobuf, or its gRPC port (4317 as a rule)"
)


def _hung_up(settings: ExportSettings, until: float) -> Finding:
    """It took the connection and closed it without a word, as servers of TLS do, and others."""
    if not settings.secure and _speaks_tls(settings, until):
        return _wrong(
            settings, "the receiver wants TLS there; write https:// or name its port without"
        )
    if not settings.secure and _speaks_plainly(_other(settings), until):
        return _wrong(settings, _HTTP_THERE if settings.protocol == "grpc" else _GRPC_THERE)
    return _closed(settings)


def _other(settings: ExportSettings) -> ExportSettings:
    """The same receiver, spoken to in the other protocol."""
    return replace(settings, protocol="http/protobuf" if settings.protocol == "grpc" else "grpc")


def _closed(settings: ExportSettings) -> Finding:
    # It may be about to start, as behind the published port of a container.
    address = base_address(settings.endpoint)
    return Finding(f"{address}: every connection is closed at once; is the receiver up?")


def _speaks_tls(settings: ExportSettings, until: float) -> bool:
    try:
        with (
            connect(settings.endpoint, until) as connection,
            secured(connection, settings, until, trusting=True),
        ):
            return True
    except ssl.SSLError as error:
        # An alert is TLS as well.
        return "ALERT" in (error.reason or "")
    except OSError:
        return False


def _speaks_plainly(settings: ExportSettings, until: float) -> bool:
    try:
        with connect(settings.endpoint, until) as connection:
            said = exchange(connection, greeting(settings), until)
    except OSError:
        return False
    return said is not None and (is_http1(said) or is_http2(said)) and not wants_tls(said)


def _of_path(signal: str, settings: ExportSettings, said: bytes, until: float) -> Finding:
    """Whether the path takes OTLP. A server that allows POST there is taken at its word."""
    status = said[9:12]
    if not status.isdigit() or int(status) not in _NO_PATH or b"POST" in said:
        return FINE
    transport = open_transport({signal: settings})
    try:
        # A moment at least, as the first of a client takes longer.
        result = transport.send(Chunk.of(signal, b"", 0), max(_GRACE_S, until - monotonic()))
    finally:
        transport.close()
    refused = any(result.message.startswith(f"HTTP {code}:") for code in _NO_PATH)
    if result.outcome is not Outcome.REJECTED or not refused:
        return FINE
    return Finding(
        f"{base_address(settings.endpoint)}: {result.message}", is_sure=True, is_unknown_signal=True
    )


def _wrong(settings: ExportSettings, why: str) -> Finding:
    sentence = f"{base_address(settings.endpoint)}: {why}"
    return Finding(sentence, is_sure=True, may_pass=False)
