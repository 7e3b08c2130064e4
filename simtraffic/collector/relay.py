"""Passes connections on to the gRPC door and can cut them, which a gRPC server cannot."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
from collections.abc import Callable

from simtraffic.collector.address import Listening

_PIECE = 256 << 10
# Linger for no time: closing sends a reset in place of a farewell.
_AT_ONCE = struct.pack("ii", 1, 0)
_BACKLOG = 128


def reset(connection: socket.socket) -> None:
    """End a connection as a crash does."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    with contextlib.suppress(OSError):
        # Wakes a thread that reads from it.
        connection.shutdown(socket.SHUT_RD)
    connection.close()


class Relay:
    """Listens from construction to :meth:`close`.

    Args:
        address: ``HOST:PORT`` to listen on; port 0 takes a free one.
        to_port: where the door itself listens on loopback.
        refuses: asked for each connection; whether it is reset at once.
        most_connections: at once; a further one is reset as well.

    Raises:
        UsageError: the address cannot be listened on.
    """

    def __init__(
        self, address: str, to_port: int, refuses: Callable[[], bool], most_connections: int = 512
    ) -> None:
        place = Listening.read("--grpc", address)
        try:
            self._listener = socket.create_server(
                (place.host, place.port), family=place.family, backlog=_BACKLOG
            )
        except OSError as error:
            raise place.refused(error) from error
        self.endpoint = place.url(self._listener.getsockname()[1])
        self._to_port = to_port
        self._refuses = refuses
        self._most_connections = most_connections
        self._pairs: dict[int, tuple[socket.socket, socket.socket]] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._listen, name="collect-relay", daemon=True)
        self._thread.start()

    def cut(self, peer: str) -> None:
        """Reset the connection that the door sees as this peer, such as ``ipv4:127.0.0.1:4711``."""
        with self._lock:
            pair = self._pairs.pop(int(peer.rpartition(":")[2]), ())
        for connection in pair:
            reset(connection)

    def close(self) -> None:
        """Stop listening and end every connection."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        with self._lock:
            pairs = list(self._pairs.values())
            self._pairs.clear()
        for pair in pairs:
            for connection in pair:
                reset(connection)

    def _listen(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._refuses() or len(self._pairs) >= self._most_connections:
                reset(near)
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._to_port))
            except OSError:
                # The door closes, or the system has no more sockets for us.
                reset(near)
                continue
            number = far.getsockname()[1]
            with self._lock:
                self._pairs[number] = (near, far)
            threading.Thread(
                target=self._pass, args=(number, near, far), name="collect-relay", daemon=True
            ).start()

    def _pass(self, number: int, near: socket.socket, far: socket.socket) -> None:
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(near, selectors.EVENT_READ, far)
                selector.register(far, selectors.EVENT_READ, near)
                while True:
                    for key, _ in selector.select():
                        source: socket.socket = key.fileobj  # type: ignore[assignment]
                        piece = source.recv(_PIECE)
                        if not piece:
                            return
                        key.data.sendall(piece)
        except (OSError, ValueError):
            # Cut, here or by either end.
            return
        finally:
            with self._lock:
                self._pairs.pop(number, None)
            near.close()
            far.close()
