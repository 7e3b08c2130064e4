"""OTLP/JSON lines into a file, a row of files or a pipe, counted like any other delivery."""

from __future__ import annotations

import errno
import io
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from simtraffic.clock import unix_ns
from simtraffic.errors import UsageError
from simtraffic.export.otlp_json import json_body
from simtraffic.export.packing import packer
from simtraffic.export.splitting import cut_between_records
from simtraffic.signals import Chunk, Form

if TYPE_CHECKING:
    from typing import BinaryIO

    from simtraffic.clock import Flag
    from simtraffic.ledger import Ledger


MAX_LINE_BYTES = 1_000_000
"""The Collector's file receiver cuts a line of more than 1 MiB in two (its setting
``max_log_size``), and can read neither part."""


def numbered(path: str) -> Iterator[str]:
    """Names of a row of files: ``run.jsonl`` becomes ``run-0001.jsonl`` and so on, which sort."""
    folder, name = os.path.split(path)
    # Of two endings, such as .jsonl.gz, both stay together at the end.
    stem, dot, ending = name.lstrip(".").partition(".")
    hidden = name[: len(name) - len(name.lstrip("."))]
    head = os.path.join(folder, hidden + stem)
    return (f"{head}-{number:04d}{dot}{ending}" for number in itertools.count(1))


class FileSink:
    """Writes one request a line; the first error ends it.

    Args:
        stream: Where to; closed by :meth:`close` only when :meth:`open` opened it.
        name: The file's name in messages.
        ledger: Where lines are counted; None when a receiver gets the same telemetry and is
            counted instead.
        pack: What a line becomes in the file.
        more: Where the stream is the first of a row of files: the names of the others.
        rotate_bytes: No file of a row grows beyond this, unless by a single line.

    Attributes:
        fatal: Why nothing more can be written (full disk, closed pipe), in one line.
    """

    def __init__(
        self,
        stream: BinaryIO | io.RawIOBase,
        name: str,
        ledger: Ledger | None,
        *,
        owned: bool = False,
        pack: Callable[[bytes], bytes] = bytes,
        more: Iterator[str] | None = None,
        rotate_bytes: int | None = None,
    ) -> None:
        self._stream = stream
        self._pack = pack
        self._more = more
        self._rotate_bytes = rotate_bytes
        self._written = 0
        self._name = name
        self._ledger = ledger
        self._owned = owned
        self._lock = threading.Lock()
        self.fatal: str | None = None

    @classmethod
    def open(cls, path: str, ledger: Ledger | None, *, rotate_bytes: int | None = None) -> FileSink:
        """Write to this path, ``-`` for standard output; what was in the file is gone.

        A path that ends in ``.gz`` or ``.zst`` is compressed.

        Args:
            path: Of the file; with ``rotate_bytes`` the name that the files are numbered by.
            ledger: As for the class.
            rotate_bytes: Begin another file before one grows beyond this; a single longer line
                has a file of its own.

        Raises:
            UsageError: The path cannot be written.
        """
        if path == "-":
            # Past Python's own buffer, which would complain about a closed pipe once more at exit.
            return cls(io.FileIO(1, "w", closefd=False), "standard output", ledger)
        pack = packer(path)
        more = None if rotate_bytes is None else numbered(path)
        first = path if more is None else next(more)
        try:
            # Unbuffered: lines are large, and an error belongs to the line that met it.
            stream = io.FileIO(first, "w")
        except OSError as error:
            raise UsageError(
                f"--out {first}: cannot be written; {error.strerror}; name a file in a folder"
                " that exists"
            ) from error
        return cls(
            stream, first, ledger, owned=True, pack=pack, more=more, rotate_bytes=rotate_bytes
        )

    def form(self, signal: str) -> Form:  # noqa: ARG002 - the same for all
        """JSON is what stands in the file; points come as protobuf and are turned into it."""
        return "json"

    def submit(self, chunk: Chunk, *, block: bool, stop: Flag) -> None:
        """Write a chunk at once, as one line, or as several when a reader would cut it in two.

        Only a single record is ever longer than :data:`MAX_LINE_BYTES`.
        """
        line = json_body(chunk)
        if len(line) > MAX_LINE_BYTES and chunk.count > 1:
            # Of the part that fits, as parts differ in how long their JSON is.
            target = len(chunk.payload) * MAX_LINE_BYTES // len(line) * 9 // 10
            parts = cut_between_records(chunk, target)
            if len(parts) > 1:
                for part in parts:
                    self.submit(part, block=block, stop=stop)
                return
        self.write(chunk.signal, line, chunk.count, chunk.proto_bytes)

    def write(self, signal: str, line: bytes, count: int, proto_bytes: int) -> None:
        """Write one request.

        Args:
            signal: Which signal it is of.
            line: OTLP/JSON; the end of the line is added when it is missing.
            count: Spans, data points or log records inside.
            proto_bytes: The request's size as protobuf, for the ledger's bytes.
        """
        with self._lock:
            if self.fatal is not None:
                if self._ledger is not None:
                    self._ledger.drop(signal, count, self.fatal, unix_ns())
                return
            if self._ledger is not None:
                self._ledger.add_try(signal, first=True, payload_bytes=proto_bytes)
            try:
                packed = self._pack(line if line.endswith(b"\n") else line + b"\n")
                self._rotate(len(packed))
                self._write(packed)
            except (OSError, ValueError) as error:
                self._break(error)
                if self._ledger is not None:
                    self._ledger.fail(signal, count, self.fatal or "", unix_ns())
                return
            if self._ledger is not None:
                self._ledger.accept(signal, count)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if not self._owned:
                return
            try:
                self._stream.close()
            except OSError as error:
                self._break(error)

    def _rotate(self, size: int) -> None:
        """Go on in the next file when so many more bytes would be too many for this one."""
        if self._more is None or self._rotate_bytes is None or not self._written:
            return
        if self._written + size > self._rotate_bytes:
            self._stream.close()
            self._name = next(self._more)
            self._stream = io.FileIO(self._name, "w")
            self._written = 0

    def _write(self, line: bytes) -> None:
        view = memoryview(line)
        start = self._stream.tell() if self._owned and self._stream.seekable() else None
        try:
            while view:
                # A raw stream may take less than it was given, a non-blocking one nothing.
                written = self._stream.write(view)
                if written is None:
                    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
                view = view[written:]
            self._stream.flush()
            self._written += len(line)
        except OSError:
            if start is not None and view.nbytes < len(line):
                # Half a line would make the whole file unreadable.
                self._stream.truncate(start)
            raise

    def _break(self, error: Exception) -> None:
        if self.fatal is None:
            said = getattr(error, "strerror", None) or str(error)
            self.fatal = f"{self._name}: cannot be written; {said}"
