"""A receiver that costs next to nothing: reads requests of OTLP/HTTP and says that all is well.

``python -m benchmarks.discard PORT`` serves on loopback until it is ended.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n"


def _serve(connection: socket.socket) -> None:
    buffer = bytearray(4 << 20)
    view, held = memoryview(buffer), 0
    with connection, contextlib.suppress(OSError):
        while got := connection.recv_into(view[held:]):
            held += got
            while (end := buffer.find(b"\r\n\r\n", 0, held)) >= 0:
                head = bytes(view[:end]).lower()
                length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
                left = length - (held - end - 4)
                while left > 0 and (got := connection.recv_into(view, min(left, len(buffer)))):
                    left -= got
                # What came after this request is the beginning of the next.
                rest = bytes(view[held + left : held]) if left < 0 else b""
                held = len(rest)
                view[:held] = rest
                connection.sendall(_ANSWER)


def main() -> None:
    """Serve."""
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
