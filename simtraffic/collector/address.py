"""Reads where the doors listen whole, and says why one cannot."""

from __future__ import annotations

import errno
import re
import socket
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address

from simtraffic.errors import UsageError
from simtraffic.export.address import is_host

_PARTS = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*):(?P<port>[^:]*)")
_LAST_PORT = 65_535
_WRITE = "write HOST:PORT, such as 127.0.0.1:4317; port 0 takes a free one"
_NO_HOST = "it has no host"
_EVERYWHERE = "name one, such as 127.0.0.1, or 0.0.0.0 for every address of this machine"


@dataclass(frozen=True, slots=True)
class Listening:
    """An address to listen on."""

    option: str
    """Who asks for it, for messages."""
    host: str
    """Without brackets."""
    port: int
    """0 takes a free one."""

    @classmethod
    def read(cls, option: str, text: str) -> Listening:
        """``HOST:PORT``, with IPv6 in brackets.

        Raises:
            UsageError: It is none.
        """
        parts = None if text.startswith("unix:") else _PARTS.fullmatch(text)
        if parts is None:
            problem = _problem(text)
        else:
            problem = _port_problem(parts["port"]) or _host_problem(parts["host"])
        if parts is None or problem:
            write = _EVERYWHERE if problem == _NO_HOST else _WRITE
            shown = text if text.isprintable() else repr(text)
            raise UsageError(f"{option} {shown}: cannot listen there; {problem}; {write}")
        return cls(option, parts["host"].strip("[]"), int(parts["port"]))

    def __str__(self) -> str:
        return f"{self.shown_host}:{self.port}"

    @property
    def shown_host(self) -> str:
        """The host as a URL has it."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def family(self) -> socket.AddressFamily:
        """What kind of socket listens there."""
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    def url(self, port: int) -> str:
        """The URL of what listens at this port of the host."""
        return f"http://{self.shown_host}:{port}"

    def refused(self, error: OSError | None = None) -> UsageError:
        """The error for an address that cannot be listened on, with its cause.

        Args:
            error: What the system said; without it the system is asked again.
        """
        if error is None:
            try:
                socket.create_server((self.host, self.port), family=self.family).close()
            except OSError as found:
                error = found
        return UsageError(f"{self.option} {self}: cannot listen there; {_cause(error)}")


def _cause(error: OSError | None) -> str:
    if error is None:
        return "taken just now; use another port"
    # Numbers below zero are the resolver's, whose words name what was tried.
    if isinstance(error, socket.gaierror) or (error.errno or 0) < 0:
        return "there is no such host name; use an address of this machine"
    causes = {
        errno.EADDRINUSE: "the port is taken; use another one",
        errno.EADDRNOTAVAIL: "it is no address of this machine; use one, such as 127.0.0.1",
        errno.EACCES: "no permission for this port; use one above 1023",
    }
    return causes.get(error.errno or 0, f"{error.strerror or error}; use another address")


def _problem(text: str) -> str:
    """Why this is not even the shape of an address."""
    if text.startswith("unix:"):
        return "no socket of the file system is listened on"
    if "://" in text:
        return "it is a URL"
    if text.isascii() and text.isdigit():
        return _NO_HOST
    if _is_ipv6(text) or _is_ipv6(text.rpartition(":")[0]):
        return "an IPv6 address stands without brackets, as in [::1]:4317"
    return (
        "it has no port"
        if ":" not in text or text.endswith("]")
        else "its host and port cannot be told apart"
    )


def _port_problem(port: str) -> str:
    if not port:
        return "its port is empty"
    if not (port.isascii() and port.isdigit()):
        return "its port is no number"
    return "" if int(port[:9]) <= _LAST_PORT else f"its port is above {_LAST_PORT}"


def _host_problem(host: str) -> str:
    if not host:
        return _NO_HOST
    if host.startswith("["):
        return "" if _is_ipv6(host[1:-1]) else "no IPv6 address is in the brackets"
    if not (host.isascii() and is_host(host)):
        return "its host is neither a name nor an IP address"
    return ""


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True
