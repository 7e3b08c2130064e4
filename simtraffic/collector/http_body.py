"""Reads the body of an HTTP request, from a sender who may mean ill."""

from __future__ import annotations

import io
import math
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from google.rpc import code_pb2

from simtraffic.clock import monotonic

if TYPE_CHECKING:
    import socket
    from email.message import Message

    from simtraffic.collector.limits import Budget, Limits

_PIECE = 64 << 10
# Of a line between chunks, and of all trailers together.
_LONGEST_LINE, _LONGEST_TRAILERS = 1 << 10, 16 << 10
# Python's int() takes signs, underscores and prefixes as well.
_HEX = re.compile(rb"[0-9a-fA-F]{1,16}")
_GZIP = 31
"""``wbits`` of zlib: a gzip stream with its header."""
_MOST_MEMBERS = 16


@dataclass
class RefusedError(Exception):
    """A request that is answered with an error."""

    status: int
    message: str
    code: int = code_pb2.INVALID_ARGUMENT
    """Of ``google.rpc``."""
    headers: Mapping[str, str] = field(default_factory=dict)
    leaves: bool = False
    """Whether the request was not read to its end, so that its connection cannot go on."""


class TimedStream(io.RawIOBase):
    """What comes from a socket, until a moment that holds for however many reads it takes.

    Attributes:
        until_s: That moment, on the monotonic clock.
    """

    def __init__(self, connection: socket.socket) -> None:
        super().__init__()
        self._connection = connection
        self.until_s = math.inf

    def readable(self) -> bool:
        """Always, as ``io`` wants to know."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read what is there.

        Raises:
            TimeoutError: The moment has come.
        """
        left_s = self.until_s - monotonic()
        if left_s <= 0:
            raise TimeoutError
        self._connection.settimeout(left_s)
        return self._connection.recv_into(buffer)


class BodyReader:
    """Reads one request's body to its end, so that the next request starts where it should.

    Args:
        stream: Where the body comes from; raises TimeoutError when the time is over.
        limits: Bounds on it.
        holding: Where the bytes are booked that wait in memory.
    """

    def __init__(
        self, stream: io.BufferedReader[TimedStream], limits: Limits, holding: Budget
    ) -> None:
        self._stream = stream
        self._limits = limits
        self._holding = holding
        self._body = bytearray()

    def read(self, headers: Message) -> bytes:
        """The body as it was sent, still compressed.

        Raises:
            RefusedError: It is too large, too slow or malformed; the connection cannot go on.
        """
        try:
            codings = headers.get_all("transfer-encoding", [])
            if codings:
                if [coding.strip().lower() for coding in codings] != ["chunked"]:
                    self._leave(400, "transfer-encoding is not served; use chunked, or none")
                if "content-length" in headers:
                    self._leave(400, "both content-length and transfer-encoding; leave one out")
                self._read_chunks()
            else:
                self._read_whole({each.strip() for each in headers.get_all("content-length", [])})
        except TimeoutError:
            self._leave(408, f"not sent within {self._limits.patience_s:g} s")
        return bytes(self._body)

    def forget(self) -> None:
        """The body is not held any more."""
        self._holding.give(len(self._body))
        self._body = bytearray()

    def _read_whole(self, lengths: set[str]) -> None:
        length = lengths.pop() if len(lengths) == 1 else ""
        if not (length.isascii() and length.isdigit()):
            self._leave(411, "content-length is missing or no number")
        # Text of so many digits is no number for Python.
        self._read(int(length) if len(length) <= 18 else self._limits.most_bytes + 1)

    def _read_chunks(self) -> None:
        while size := self._chunk_size():
            self._read(size)
            if self._line() not in (b"\r\n", b"\n"):
                self._leave(400, "malformed chunk")
        left = _LONGEST_TRAILERS
        while (line := self._line()).strip():
            left -= len(line)
            if left < 0:
                self._leave(431, "the trailers are too long")

    def _chunk_size(self) -> int:
        found = self._line().partition(b";")[0].strip()
        if not _HEX.fullmatch(found):
            self._leave(400, "malformed chunk")
        return int(found, 16)

    def _line(self) -> bytes:
        line = self._stream.readline(_LONGEST_LINE)
        if not line.endswith(b"\n"):
            self._leave(400, "malformed chunk" if line else "the body ends early")
        return line

    def _read(self, size: int) -> None:
        if len(self._body) + size > self._limits.most_bytes:
            self._leave(413, f"larger than {self._limits.most_bytes} bytes")
        while size:
            part = self._stream.read1(min(size, _PIECE))
            if not part:
                self._leave(400, "the body ends early")
            if not self._holding.take(len(part)):
                raise RefusedError(
                    503,
                    "too much is being received; try again",
                    code_pb2.UNAVAILABLE,
                    {"retry-after": "1"},
                    leaves=True,
                )
            self._body += part
            size -= len(part)

    def _leave(self, status: int, message: str) -> NoReturn:
        raise RefusedError(status, message, leaves=True)


def unpack(body: bytes, encoding: str, most_bytes: int) -> bytes:
    """The body without its content-encoding, which is gzip or none.

    Inflated no further than the limit, so that a small body cannot fill the memory.

    Raises:
        RefusedError: It is too large, malformed, or of another encoding.
    """
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise RefusedError(415, f"content-encoding {encoding!r:.60} is not served; use gzip")
    parts: list[bytes] = []
    left = most_bytes
    # A gzip stream may have several members, one after the other; each costs a copy of the rest.
    while body or not parts:
        if len(parts) == _MOST_MEMBERS:
            raise RefusedError(400, f"more than {_MOST_MEMBERS} gzip members")
        inflater = zlib.decompressobj(wbits=_GZIP)
        try:
            plain = inflater.decompress(body, left + 1)
        except zlib.error as error:
            raise RefusedError(400, f"not gzip: {error}") from error
        left -= len(plain)
        if left < 0:
            raise RefusedError(413, f"larger than {most_bytes} bytes uncompressed")
        if not inflater.eof:
            raise RefusedError(400, "the gzip stream ends early")
        parts.append(plain)
        body = inflater.unused_data
    return b"".join(parts)
