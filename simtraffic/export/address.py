"""Reads the address of a receiver whole, before anything is sent there.

What is read over leniently here would fail after the last request, as a look-up of a host named
``http``.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from simtraffic.errors import UsageError

if TYPE_CHECKING:
    from simtraffic.export.settings import Protocol

_SCHEMES = ("http", "https")
_WRITE = "write http://HOST:PORT"
_HALF_SCHEME = re.compile(r"(?:https?)?(?:[:/]|$)|https?:", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?P<colon>:(?P<port>.*))?")
# RFC 1123, and the underscore that container networks allow; a dot may end a whole name.
_LABEL = re.compile(r"[0-9a-z_](?:[0-9a-z_-]{0,61}[0-9a-z_])?", re.IGNORECASE)
_LONGEST_NAME = 253
_LAST_PORT = 65_535
# What the address of a socket of the file system may take, in bytes (``sun_path``).
_LONGEST_PATH = 107


def read_endpoint(where: str, text: str, protocol: Protocol, *, insecure: bool = False) -> str:
    """The URL that an option or a variable means; a scheme that is left out is filled in.

    Args:
        where: The option or variable, for the message.
        text: What is given.
        protocol: Over gRPC a socket of the file system may be named, and no scheme means TLS.
        insecure: Without a scheme no TLS is meant.

    Raises:
        UsageError: It is no address; nothing that may be a secret is repeated.
    """
    try:
        return _read(text, protocol, insecure=insecure)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None


def base_address(endpoint: str) -> str:
    """Scheme, host and port of an endpoint, which hold no secret; of a socket its path."""
    parts = urlsplit(endpoint)
    if parts.scheme == "unix":
        return endpoint
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _no_address(why: str, text: str | None, write: str = _WRITE) -> UsageError:
    """Why a text is none, and what to write; the text is left out where it may be a secret."""
    found = "" if text is None else f"; found {text!r}"
    return UsageError(f"not a URL, {why}{found}; {write}")


def _read(text: str, protocol: Protocol, *, insecure: bool) -> str:
    scheme, has_scheme, rest = text.partition("://")
    authority = re.split(r"[/?#]", rest if has_scheme else text, maxsplit=1)[0]
    if "@" in authority:
        why = "it carries a user name or password, which would be printed"
        raise _no_address(why, None, "send them in an authorization header instead")
    if not text.isascii():
        raise _no_address("it has signs beyond ASCII", text)
    if not all("!" <= sign <= "~" and sign not in '\\"<>^`{|}' for sign in text):
        raise _no_address("it has a sign that no URL has, such as a space", text)
    if text.lower().startswith("unix:"):
        return _socket(text, protocol)
    if not has_scheme:
        if _HALF_SCHEME.match(text) or authority.lower() in _SCHEMES:
            raise _no_address("it has half a scheme", text)
        _check_authority(authority, text)
        if protocol != "grpc" and not insecure:
            write = "write http:// or https:// before it, or add --insecure"
            raise _no_address("it has no scheme", text, write)
        return f"{'http' if insecure else 'https'}://{text}"
    if scheme.lower() not in _SCHEMES:
        write = "write http://HOST:PORT, with TLS https://"
        raise _no_address("its scheme is neither http nor https", text, write)
    _check_authority(authority, text)
    return f"{scheme.lower()}://{rest}"


def _check_authority(authority: str, text: str) -> None:
    parts = _AUTHORITY.fullmatch(authority)
    host = parts["host"] if parts else authority
    port = parts["port"] if parts else None
    if parts is None or (port is not None and ":" in port):
        if _is_ipv6(authority) or _is_ipv6(authority.rpartition(":")[0]):
            write = "write it in brackets, such as http://[::1]:4317"
            raise _no_address("an IPv6 address stands without brackets", text, write)
        raise _no_address("its host and port cannot be told apart", text)
    if not host:
        raise _no_address("it has no host", text)
    if port is not None:
        _check_port(port, text)
    if host.startswith("["):
        if not _is_ipv6(host[1:-1]):
            raise _no_address("no IPv6 address is in the brackets", text)
    elif not is_host(host):
        raise _no_address("its host is neither a name nor an IP address", text)


def _check_port(port: str, text: str) -> None:
    if not port:
        raise _no_address("its port is empty", text)
    if not port.isdigit():
        raise _no_address("its port is no number", text)
    if not 1 <= int(port[:9]) <= _LAST_PORT:
        raise _no_address(f"its port is not from 1 to {_LAST_PORT}", text)


def is_host(host: str) -> bool:
    """Whether this can be the name of a host or an IPv4 address."""
    labels = host.removesuffix(".").split(".")
    # A name ends in no number (RFC 3696, 2); what does has to be an address.
    if labels[-1].isdigit():
        try:
            IPv4Address(host)
        except AddressValueError:
            return False
        return True
    return len(host) <= _LONGEST_NAME and all(map(_LABEL.fullmatch, labels))


def _is_ipv6(text: str) -> bool:
    # A zone is written %25eth0 in a URL (RFC 6874), and %eth0 by many.
    try:
        IPv6Address(text.replace("%25", "%", 1))
    except AddressValueError:
        return False
    return True


def _socket(text: str, protocol: Protocol) -> str:
    if protocol != "grpc":
        write = "write http://HOST:PORT, or use --protocol grpc"
        raise _no_address("a socket of the file system is for gRPC alone", text, write)
    path = text[len("unix:") :]
    if path.startswith("//"):
        path = path.removeprefix("//")
        if not path.startswith("/"):
            raise _no_address("its path is not absolute", text, "write unix:///PATH")
    if not path.strip("/"):
        raise _no_address("it has no path", text, "write unix:///PATH")
    if len(path) > _LONGEST_PATH:
        why = f"its path is longer than the {_LONGEST_PATH} bytes of a socket's"
        raise _no_address(why, text, "use a shorter one")
    return f"unix:{text[len('unix:') :]}"
