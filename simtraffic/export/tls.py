"""What TLS libraries say when two sides do not come together, in words that name the cure.

None of it passes by waiting: a certificate that does not verify now will not verify in a minute.
"""

from __future__ import annotations

import re

# OpenSSL, through Python and httpx: "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed:
# unable to get local issuer certificate (_ssl.c:1006)". BoringSSL, through gRPC's C core:
# "... OPENSSL_internal:CERTIFICATE_VERIFY_FAILED: unable to get local issuer certificate: OK".
_UNVERIFIED = re.compile(
    r"CERTIFICATE_VERIFY_FAILED\]?(?: certificate verify failed)?:? ?(?P<why>[^:(]*)"
)
_OTHER_HOST = "Hostname Verification Check failed"
_NO_TLS = re.compile(r"WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH_TOO_LONG")
# How the C core words an alert that comes when its own side of the handshake is over (TLS 1.3).
_ALERT_UNREAD = re.compile(r"failed to connect.*Unwrap failed")
_NO_GRPC = "missing selected ALPN property"
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


def tls_refusal(words: str) -> str | None:
    """One line on why TLS with this receiver cannot work; None when that is not what is wrong."""
    if _OTHER_HOST in words:
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
    if _NO_GRPC in words:
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
