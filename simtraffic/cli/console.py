"""The only place that prints. Standard output is for data, standard error for people.

Rich is imported when something is drawn, not before: most commands print a line or a JSON text.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, TextIO, cast

from simtraffic.cli.streams import DataStream, PeopleStream

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_PIPE_COLUMNS = 120
_NEVER_LIVE = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "JENKINS_URL")


def people() -> TextIO:
    """Standard error as it is now, for people."""
    return cast("TextIO", PeopleStream(sys.stderr))


def stdout() -> TextIO:
    """Standard output as it is now, for what was asked for."""
    return cast("TextIO", DataStream(sys.stdout))


def write(text: str) -> None:
    """Data for programs on standard output, as it is and in UTF-8; it brings its own line feeds."""
    stream = DataStream(sys.stdout)
    stream.write_data(text)
    stream.flush()


def line(text: str = "") -> None:
    """A line of what was asked for, for people and programs, on standard output."""
    stream = DataStream(sys.stdout)
    stream.write(text + "\n")
    stream.flush()


def tell(text: str) -> None:
    """A line for people on standard error."""
    stream = people()
    stream.write(text + "\n")
    stream.flush()


def tell_from_signal(text: str) -> None:
    """The same inside a signal handler, past buffers that the interrupted code may be writing."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        octets = f"{text}\n".encode(sys.stderr.encoding or "utf-8", "replace")
        os.write(sys.stderr.fileno(), octets)


def show(renderable: RenderableType) -> None:
    """Draw something that was asked for on standard output."""
    _draw(stdout(), renderable)


def show_people(renderable: RenderableType) -> None:
    """Draw something for people on standard error."""
    _draw(people(), renderable)


def columns(stream: TextIO) -> int:
    """How wide a drawing on this stream may be."""
    return _drawing_on(stream).width


def _draw(stream: TextIO, renderable: RenderableType) -> None:
    drawing = _drawing_on(stream)
    if drawing.is_terminal:
        # Names that are longer than the terminal is wide go on below, whole.
        drawing.print(renderable, crop=False)
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
