"""A line between a sender and a receiver that can be made bad."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

_CHUNK = 64 << 10
_AT_ONCE = struct.pack("ii", 1, 0)


@dataclass
class Weather:
    """What the line does to bytes; may be changed while it carries some."""

    delay_s: float = 0.0
    """Every piece is held for so long, both ways."""
    swallows_requests: bool = False
    """Nothing reaches the receiver any more, and nobody is told."""
    swallows_answers: bool = False
    """Requests arrive, answers do not."""
    reset_after: int | None = None
    """A connection is reset before more than so many bytes of requests have passed on it."""
    resets: int = 1_000_000
    """How often that still happens."""
    refuses: bool = False
    """New connections are reset at once."""


@dataclass
class Line:
    """Listens on loopback and passes bytes on to a port there, as the weather lets it."""

    to_port: int
    weather: Weather = field(default_factory=Weather)

    def __enter__(self) -> Self:
        self._gone = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._gone.set()
        # A thread that waits in accept() is not woken by close() alone.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in list(self._sockets):
            _reset(each)

    def _listen(self) -> None:
        while not self._gone.is_set():
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.weather.refuses:
                _reset(near)
                continue
            far = socket.create_connection(("127.0.0.1", self.to_port))
            self._sockets |= {near, far}
            for carry in (self._requests, self._answers):
                threading.Thread(target=carry, args=(near, far), daemon=True).start()

    def _requests(self, near: socket.socket, far: socket.socket) -> None:
        passed = 0
        while piece := _read(near):
            limit = self.weather.reset_after
            if limit is not None and passed + len(piece) > limit and self.weather.resets:
                self.weather.resets -= 1
                _reset(near)
                break
            passed += len(piece)
            if not self._carry(piece, far, swallows=self.weather.swallows_requests):
                break
        _reset(far)

    def _answers(self, near: socket.socket, far: socket.socket) -> None:
        while piece := _read(far):
            if not self._carry(piece, near, swallows=self.weather.swallows_answers):
                break
        _reset(near)

    def _carry(self, piece: bytes, to: socket.socket, *, swallows: bool) -> bool:
        if self.weather.delay_s and self._gone.wait(self.weather.delay_s):
            return False
        if swallows:
            return True
        try:
            to.sendall(piece)
        except OSError:
            return False
        return True


def _read(source: socket.socket) -> bytes:
    try:
        return source.recv(_CHUNK)
    except OSError:
        return b""


def _reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        end.shutdown(socket.SHUT_RD)
    end.close()
