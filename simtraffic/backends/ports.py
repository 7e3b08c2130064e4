"""Ports on which a program that is about to be started can listen.

A port that the system gives away for the asking (port 0) lies among those that it also gives to
every outgoing connection, so that it may be taken again before the program has come to bind it.
Ports are therefore chosen below that range, and each is kept for this process by a lock, so that
two processes that look at the same time do not find the same one.
"""

from __future__ import annotations

import os
import secrets
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

from simtraffic.errors import SimtrafficError

HOST = "127.0.0.1"
LOWEST, HIGHEST = 20_000, 32_767
"""Above the ports that programs have by default, below those of outgoing connections: they begin
at 32,768 on Linux (net.ipv4.ip_local_port_range) and at 49,152 elsewhere (RFC 6335)."""
_TRIES = 1_000

_kept: dict[int, int] = {}
"""Ports that this process was given, with the file descriptors that hold their locks."""


def free_ports(count: int) -> list[int]:
    """Different ports of this machine on which nothing listens; this process is given them once.

    Raises:
        SimtrafficError: hardly one of them is free.
    """
    return [_free_port() for _ in range(count)]


def listens(port: int) -> bool:
    """Whether something takes connections there, on loopback."""
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False


def _free_port() -> int:
    for _ in range(_TRIES):
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST + 1)
        if port not in _kept and _is_free(port) and _keep(port):
            return port
    raise SimtrafficError(f"no free port between {LOWEST} and {HIGHEST} in {_TRIES} tries")


def _is_free(port: int) -> bool:
    with suppress(OSError), socket.create_server((HOST, port)):
        return True
    return False


def _keep(port: int) -> bool:
    """Whether no other process was given it; the lock ends with this process, however it ends."""
    try:
        import fcntl  # noqa: PLC0415 - not on every system
    except ImportError:
        _kept[port] = -1
        return True
    folder = Path(tempfile.gettempdir()) / f"simtraffic-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(folder / str(port), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return False
    _kept[port] = lock
    return True
