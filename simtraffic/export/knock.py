"""One short connection to a receiver: whether it comes about, and the first bytes that are said.

Nothing of a run travels over it and no credential is shown, but for the certificate of a client
that TLS asks for. No client library is used, as each of them tries again by itself, and keeps to
itself what the other side said when it was not what it had expected.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from simtraffic._version import __version__
from simtraffic.clock import monotonic
from simtraffic.export.tls import tls_context

if TYPE_CHECKING:
    from simtraffic.export.settings import ExportSettings

# RFC 9113, 3.4 and 6.5: the preface of a client, then a SETTINGS frame without settings.
_HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_FRAME_HEAD = 9
_SETTINGS, _GOAWAY = 4, 7
# RFC 8446, 5.1: type "alert", then the major version.
_TLS_ALERT = b"\x15\x03"
_MOST = 8192
_PORTS = {"http": 80, "https": 443}


def is_http2(said: bytes) -> bool:
    """Whether this begins with a frame that a server of HTTP/2 begins with."""
    return len(said) >= _FRAME_HEAD and said[3] in (_SETTINGS, _GOAWAY)


def is_http1(said: bytes) -> bool:
    """Whether this begins as an answer of HTTP/1 does."""
    return said.startswith(b"HTTP/")


def wants_tls(said: bytes) -> bool:
    """Whether this is what a server of TLS says to somebody who does not speak it."""
    return said.startswith(_TLS_ALERT) or b"HTTP request to an HTTPS server" in said


def connect(endpoint: str, until: float) -> socket.socket:
    """A connection to the host of a URL, or to a socket of the file system.

    Raises:
        OSError: There is none in time; the last of several addresses says why.
    """
    parts = urlsplit(endpoint)
    if parts.scheme == "unix":
        return _connected(socket.AF_UNIX, parts.path, until)
    port = parts.port or _PORTS.get(parts.scheme, 80)
    failed: OSError = OSError("no address")
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from error
    for family, _, _, _, address in found:
        try:
            return _connected(family, address, until)
        except OSError as error:
            failed = error
    raise failed


def _connected(family: int, address: object, until: float) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        _wait_no_longer(connection, until)
        connection.connect(address)  # type: ignore[arg-type]
    except BaseException:
        connection.close()
        raise
    return connection


def secured(
    connection: socket.socket, settings: ExportSettings, until: float, *, trusting: bool = False
) -> ssl.SSLSocket:
    """The connection with TLS, as the run would have it.

    Args:
        connection: A new one.
        settings: Whom to trust and what to show.
        until: When to give up.
        trusting: Trust anybody and show nothing, to see whether TLS is spoken at all.

    Raises:
        UsageError: A certificate or key file cannot be used.
        OSError: The two do not come together, or not in time.
    """
    context = _trusting() if trusting else _context(settings)
    context.set_alpn_protocols(["h2"] if settings.protocol == "grpc" else ["http/1.1"])
    _wait_no_longer(connection, until)
    # One that was reset meanwhile would be lost in the library, open.
    connection.getpeername()
    return context.wrap_socket(connection, server_hostname=urlsplit(settings.endpoint).hostname)


def _context(settings: ExportSettings) -> ssl.SSLContext:
    context = tls_context(settings)
    if settings.protocol == "grpc":
        # The C core is less strict, and has authorities of its own. What it may take is not
        # refused here.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.hostname_checks_common_name = True
        grpc = find_spec("grpc")
        if settings.certificate is None and grpc is not None and grpc.origin:
            roots = Path(grpc.origin).parent / "_cython" / "_credentials" / "roots.pem"
            if roots.is_file():
                context.load_verify_locations(roots)
    return context


def _trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def greeting(settings: ExportSettings) -> bytes:
    """What a client of this protocol says first, with nothing in it."""
    if settings.protocol == "grpc":
        return _HTTP2_PREFACE
    parts = urlsplit(settings.endpoint)
    path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    lines = (
        f"OPTIONS {path} HTTP/1.1",
        f"host: {parts.netloc}",
        f"user-agent: simtraffic/{__version__}",
        "content-length: 0",
        "connection: close",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def exchange(connection: socket.socket, words: bytes, until: float) -> bytes | None:
    """Say this, and hear what comes until it is enough, the other side ends, or time is up.

    Returns:
        What was said, which is nothing when time was up before a word; None when the other side
        ended the connection without one.

    Raises:
        OSError: The connection broke, or TLS did.
    """
    _wait_no_longer(connection, until)
    # Who hangs up at once may have said why.
    with contextlib.suppress(ConnectionError):
        connection.sendall(words)
    said = b""
    while len(said) < _MOST and not _is_enough(said):
        try:
            _wait_no_longer(connection, until)
            piece = connection.recv(_MOST)
        except TimeoutError:
            return said
        except (ConnectionResetError, ssl.SSLEOFError):
            # A server that does not read what it does not understand resets the connection.
            piece = b""
        if not piece:
            return said or None
        said += piece
    return said


def _is_enough(said: bytes) -> bool:
    if not said.startswith(b"HTTP/"):
        return len(said) >= _FRAME_HEAD
    head, has_head, body = said.partition(b"\r\n\r\n")
    if not has_head:
        return False
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length" and value.strip().isdigit():
            return len(body) >= int(value[:20])
    return b"\r\ntransfer-encoding: chunked" in head.lower() and body.endswith(b"0\r\n\r\n")


def _wait_no_longer(connection: socket.socket, until: float) -> None:
    left = until - monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    connection.settimeout(left)
