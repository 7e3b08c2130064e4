"""TLS of this side, and what the libraries say when two sides do not come together.

The words name the cure. None of it passes by waiting: a certificate that does not verify now will
not verify in a minute.
"""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING

from simtraffic.errors import UsageError

if TYPE_CHECKING:
    from simtraffic.export.settings import ExportSettings

# OpenSSL, through Python and httpx: "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed:
# unable to get local issuer certificate (_ssl.c:1006)". BoringSSL, through gRPC's C core:
# "... OPENSSL_internal:CERTIFICATE_VERIFY_FAILED: unable to get local issuer certificate: OK".
_UNVERIFIED = re.compile(
    r"CERTIFICATE_VERIFY_FAILED\]?(?: certificate verify failed)?:? ?(?P<why>[^:(]*)"
)
# The C core; OpenSSL for a name and for an IP address.
_OTHER_HOST = re.compile(
    r"Hostname Verification Check failed|Hostname mismatch|IP address mismatch|"
    r"is not valid for '"
)
_NO_TLS = re.compile(r"WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH_TOO_LONG")
# How the C core words an alert that comes when its own side of the handshake is over (TLS 1.3).
_ALERT_UNREAD = re.compile(r"failed to connect.*Unwrap failed")
_NO_GRPC = re.compile(r"missing selected ALPN property|ALERT_NO_APPLICATION_PROTOCOL")
# Go's server, as HTTP 400.
_PLAIN = "Client sent an HTTP request to an HTTPS server"
_ALERT = re.compile(r"(?:TLSV1|TLSV13|SSLV3)_ALERT_(?P<which>[A-Z_]+)")
# Alerts that a receiver raises over what it was shown, or was not.
_OF_CLIENT = frozenset(
    {
        "ACCESS_DENIED",
        "BAD_CERTIFICATE",
        "CERTIFICATE_EXPIRED",
        "CERTIFICATE_REQUIRED",
        "CERTIFICATE_REVOKED",
        "CERTIFICATE_UNKNOWN",
        "HANDSHAKE_FAILURE",
        "UNKNOWN_CA",
        "UNSUPPORTED_CERTIFICATE",
    }
)


def tls_context(settings: ExportSettings) -> ssl.SSLContext:
    """Whom to trust and what to show.

    Raises:
        UsageError: A certificate or key file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=settings.certificate)
        if settings.client_certificate:
            context.load_cert_chain(settings.client_certificate, settings.client_key)
    except (OSError, ssl.SSLError) as error:
        paths = (settings.certificate, settings.client_certificate, settings.client_key)
        named = ", ".join(path for path in paths if path)
        raise UsageError(f"{named}: cannot be used for TLS; {error}; name PEM files") from error
    return context


def tls_refusal(words: str) -> str | None:
    """One line on why TLS with this receiver cannot work; None when that is not what is wrong."""
    if _OTHER_HOST.search(words):
        return (
            "the receiver's certificate does not verify: it is not for this host name;"
            " use a name that is in it"
        )
    unverified = _UNVERIFIED.search(words)
    if unverified:
        why = unverified["why"].strip(" .") or "no reason given"
        return (
            f"the receiver's certificate does not verify: {why};"
            " name the authority it is from with --certificate"
        )
    if _NO_GRPC.search(words):
        return (
            "the receiver speaks TLS but not HTTP/2, which gRPC needs;"
            " use its gRPC port, or --protocol http/protobuf"
        )
    alert = _ALERT.search(words)
    if (alert and alert["which"] in _OF_CLIENT) or _ALERT_UNREAD.search(words):
        said = f": {alert['which'].lower().replace('_', ' ')}" if alert else ""
        return (
            f"the receiver refuses the TLS handshake{said};"
            " give a certificate that it trusts with --client-certificate and --client-key"
        )
    if _PLAIN in words:
        return "the receiver wants TLS there; write https:// or name its port without"
    if _NO_TLS.search(words) and "SSL" in words:
        return "the receiver does not speak TLS there; write http:// or name its TLS port"
    return None
