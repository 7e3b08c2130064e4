"""Which receivers are this machine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from simtraffic.export.settings import ExportSettings

# A name server that is away must not hold up a run; who is not found in time is not this machine.
_PATIENCE_S = 2.0


def foreign_hosts(settings: Iterable[ExportSettings]) -> list[str]:
    """Hosts of receivers that are not this machine, each once; sockets of files are."""
    hosts = dict.fromkeys(urlsplit(each.endpoint).hostname or "" for each in settings)
    return [host for host in hosts if host and not is_this_machine(host)]


def is_this_machine(host: str) -> bool:
    """Whether all addresses of a name are this machine's own.

    An address is its own when a socket can be bound to it. Private networks are not: what listens
    there is somebody's.
    """
    addresses = _addresses(host)
    return bool(addresses) and all(map(_is_own, addresses))


def _addresses(host: str) -> list[tuple[socket.AddressFamily, str]]:
    found: list[tuple[socket.AddressFamily, str]] = []

    def look_up() -> None:
        try:
            known = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError):
            return
        found.extend((family, str(address[0])) for family, _, _, _, address in known)

    # The resolver knows no time-out of its own.
    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(_PATIENCE_S)
    return list(found)


def _is_own(address: tuple[socket.AddressFamily, str]) -> bool:
    family, host = address
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True
