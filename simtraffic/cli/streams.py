"""What standard output and standard error can show, and what their loss means.

A terminal, a pipe or a log may lack characters, be closed from the start, be full, or go away.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
import unicodedata
from collections.abc import Iterator
from typing import Any, TextIO

from simtraffic.errors import DeliveryError

# Python has no stream at all where the descriptor was closed from the start.
_LOST = contextlib.suppress(OSError, ValueError, AttributeError)

_HANDLER = "simtraffic.lookalikes"
_LAST_STANDARD = 2
"""Descriptor of standard error."""

_LOOKALIKES = {
    **dict.fromkeys("▁▂▃░", "."),
    **dict.fromkeys("▄▅", ":"),
    **dict.fromkeys("▆▇█", "#"),
    **dict.fromkeys("│┤├┃", "|"),
    **dict.fromkeys("─━–—―", "-"),
    **dict.fromkeys("┼┬┴┌┐└┘", "+"),
    "▲": "^",
    "…": ".",
    "×": "x",
    "µ": "u",
    "·": ".",
    "•": "*",
    "≥": ">",
    "≤": "<",
    "≈": "~",
    "→": ">",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "°": "o",
}
"""One character for one, so that columns stay columns."""


def lookalikes(error: UnicodeError) -> tuple[str, int]:
    """Codec error handler: ASCII that looks like what the encoding lacks.

    A character keeps its width: a wide one becomes two question marks, one that combines with the
    character before it disappears.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_lookalike, error.object[error.start : error.end])), error.end


def _lookalike(sign: str) -> str:
    for candidate in (_LOOKALIKES.get(sign, ""), unicodedata.normalize("NFKD", sign)[:1]):
        if candidate.isascii() and candidate.isprintable() and candidate:
            return candidate
    if unicodedata.combining(sign):
        return ""
    return "??" if unicodedata.east_asian_width(sign) in ("W", "F") else "?"


def prepare() -> None:
    """Make both standard streams fit to be written to, once, before anything is.

    What they cannot encode becomes a lookalike. Descriptors that were closed from the start stay
    taken, so that no file or socket of the run gets such a number and is written into.
    """
    codecs.register_error(_HANDLER, lookalikes)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)
    # Help and the version go there without asking this module.
    sys.stdout = DataStream(sys.stdout)
    while (taken := os.open(os.devnull, os.O_RDONLY)) <= _LAST_STANDARD:
        continue
    os.close(taken)


class KeptStream(io.TextIOBase):
    """A standard stream, there or not.

    It keeps the stream that was there when it was made. Whoever replaces ``sys.stderr`` for a
    while, as a live picture does, may write through it without coming back to itself.
    """

    def __init__(self, behind: TextIO | None) -> None:
        self._behind: Any = behind

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Of the stream behind it."""
        return getattr(self._behind, "encoding", None) or "utf-8"

    @property
    def buffer(self) -> Any:
        """Of the stream behind it; None where it takes text alone."""
        return getattr(self._behind, "buffer", None)

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        with _LOST:
            return bool(self._behind.isatty())
        return False

    def fileno(self) -> int:
        """Of the stream behind it.

        Raises:
            OSError: there is none.
        """
        if self._behind is None:
            raise io.UnsupportedOperation("closed from the start")
        return int(self._behind.fileno())


class PeopleStream(KeptStream):
    """Standard error, which may be lost without harm: closed, on a full disk, a terminal gone."""

    def write(self, text: str) -> int:
        """Write what can be written."""
        with _LOST:
            self._behind.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush what can be flushed."""
        with _LOST:
            self._behind.flush()


class DataStream(KeptStream):
    """Standard output, whose loss is the loss of what was asked for.

    Raises:
        DeliveryError: from :meth:`write` and :meth:`flush`, when it is closed or full.
    """

    def write(self, text: str) -> int:
        """Write text for whoever reads it."""
        with _loss_as_error():
            _there(self._behind).write(text)
        return len(text)

    def write_data(self, text: str) -> None:
        """Write text for programs, such as JSON, which is UTF-8 whatever the terminal's is."""
        with _loss_as_error():
            behind = _there(self._behind)
            raw = self.buffer
            if raw is None:
                behind.write(text)
                return
            behind.flush()
            raw.write(text.encode("utf-8", "surrogateescape"))

    def flush(self) -> None:
        """Flush."""
        with _loss_as_error():
            if self._behind is not None:
                self._behind.flush()


def _there(stream: Any) -> Any:
    if stream is None:
        raise OSError(0, "it was closed from the start")
    return stream


@contextlib.contextmanager
def _loss_as_error() -> Iterator[None]:
    """Turn the loss of standard output into an error for the user."""
    try:
        yield
    except UnicodeError:
        # What cannot be encoded is no loss, but a bug.
        raise
    except (OSError, ValueError) as error:  # ValueError: closed by this process
        silence_stdout()
        reason = "its reader is gone" if isinstance(error, BrokenPipeError) else ""
        reason = reason or getattr(error, "strerror", None) or str(error)
        raise DeliveryError(
            f"standard output: cannot be written; {reason[:1].lower()}{reason[1:]};"
            " what was asked for is lost"
        ) from error


def silence_stdout() -> None:
    """After its loss: what is still buffered goes nowhere, quietly, when the process ends."""
    with _LOST:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def settle_stderr() -> None:
    """Flush standard error, or see to it that its loss costs nothing.

    What is buffered for a full disk, a closed pipe or a terminal that is gone would fail again in
    the interpreter's own last flush, and make 120 of the exit code.
    """
    try:
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        with _LOST:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, sys.stderr.fileno())
            os.close(null)
