"""The only place that prints. Standard output is for data, standard error for people.

Rich is imported when something is drawn, not before: most commands print a line or a JSON text.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_PIPE_COLUMNS = 120
_NEVER_LIVE = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "JENKINS_URL")


# Python has no standard error at all when it was closed from the start.
_LOST = contextlib.suppress(OSError, ValueError, AttributeError)


class PeopleStream(io.TextIOBase):
    """Standard error, which may be lost without harm: closed, on a full disk, a terminal gone.

    It keeps the stream that was there when it was made. Whoever replaces ``sys.stderr`` for a
    while, as a live picture does, may write through it without coming back to itself.
    """

    def __init__(self, behind: TextIO | None) -> None:
        self._behind: Any = behind

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Of the stream behind it."""
        return getattr(self._behind, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        """Write what can be written."""
        with _LOST:
            self._behind.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush what can be flushed."""
        with _LOST:
            self._behind.flush()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        with _LOST:
            return bool(self._behind.isatty())
        return False

    def fileno(self) -> int:
        """Of the stream behind it."""
        return int(self._behind.fileno())


def people() -> TextIO:
    """Standard error as it is now, for people."""
    return cast("TextIO", PeopleStream(sys.stderr))


def write(text: str) -> None:
    """Data on standard output, as it is; the text brings its own line feeds."""
    sys.stdout.write(text)
    sys.stdout.flush()


def line(text: str = "") -> None:
    """A line of data on standard output."""
    write(text + "\n")


def tell(text: str) -> None:
    """A line for people on standard error."""
    stream = people()
    stream.write(text + "\n")
    stream.flush()


def tell_from_signal(text: str) -> None:
    """The same inside a signal handler, past buffers that the interrupted code may be writing."""
    with _LOST:
        os.write(sys.stderr.fileno(), text.encode() + b"\n")


def show(renderable: RenderableType) -> None:
    """Draw something that was asked for on standard output."""
    _draw(sys.stdout, renderable)


def show_people(renderable: RenderableType) -> None:
    """Draw something for people on standard error."""
    _draw(people(), renderable)


def columns(stream: TextIO) -> int:
    """How wide a drawing on this stream may be."""
    return _drawing_on(stream).width


def _draw(stream: TextIO, renderable: RenderableType) -> None:
    drawing = _drawing_on(stream)
    if drawing.is_terminal:
        drawing.print(renderable)
        return
    from simtraffic.report.tables import to_text  # noqa: PLC0415

    stream.write(to_text(renderable, drawing.width))
    stream.flush()


def _drawing_on(stream: TextIO) -> Console:
    """A rich console on this stream, which heeds NO_COLOR and FORCE_COLOR by itself."""
    from rich.console import Console  # noqa: PLC0415

    # A pipe or a log has no width of its own; COLUMNS may set one.
    width = None if stream.isatty() or os.environ.get("COLUMNS") else _PIPE_COLUMNS
    return Console(file=stream, width=width, highlight=False, emoji=False, markup=False)


def may_draw_live() -> bool:
    """Whether standard error is a terminal where a picture may be redrawn; not so in CI."""
    if any(os.environ.get(name) for name in _NEVER_LIVE):
        return False
    return people().isatty() and os.environ.get("TERM") != "dumb"


def silence_stdout() -> None:
    """After its reader has gone: what is still buffered goes nowhere, quietly."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
    except (OSError, ValueError):
        # Not a real file, as in tests; then there is nothing to flush at the end either.
        pass
