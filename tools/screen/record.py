"""Runs a command in a pseudo-terminal and reads what its screen showed, second by second."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import pyte

from simtraffic.clock import monotonic

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 100
"""More than a run writes, so that nothing scrolls away."""
_CHUNK = 65536
_DIM, _BLINK, _NORMAL, _STEADY = 2, 5, 22, 25
_EXTENDED = {5: 2, 2: 4}
"""How many numbers follow 38 and 48: a place in the palette, or a colour's three parts."""


class Style(NamedTuple):
    """How a piece of text looks: colours are names or six hexadecimal digits."""

    ink: str = "default"
    ground: str = "default"
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underlined: bool = False


class Piece(NamedTuple):
    """Text of one style on one line, from a column on."""

    column: int
    text: str
    style: Style


Lines = tuple[tuple[Piece, ...], ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """The screen as it was, so many seconds after the command began."""

    seconds: float
    lines: Lines


@dataclass(frozen=True, slots=True)
class Recording:
    """What a command showed, and how it ended."""

    columns: int
    frames: tuple[Frame, ...]
    exit_code: int


class _Screen(pyte.Screen):
    """pyte knows no dim text: here it is kept as blinking, which no one writes."""

    def select_graphic_rendition(self, *attributes: int, private: bool = False) -> None:
        if not private:
            super().select_graphic_rendition(*dim_as_blinking(attributes))


def dim_as_blinking(attributes: Sequence[int]) -> list[int]:
    """Numbers of a graphic rendition with dim told as blinking, colours left alone."""
    made: list[int] = []
    rest = list(attributes)
    while rest:
        number = rest.pop(0)
        made.append(_BLINK if number == _DIM else number)
        if number == _NORMAL:
            made.append(_STEADY)
        if number in (38, 48) and rest:
            length = _EXTENDED.get(rest[0], 1)
            made += rest[:length]
            del rest[:length]
    return made


class Terminal:
    """A terminal of so many columns and rows that is fed what a program writes."""

    def __init__(self, columns: int, rows: int = ROWS) -> None:
        self._screen = _Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    def feed(self, written: bytes) -> None:
        """What the program wrote, in pieces of any length."""
        self._stream.feed(written)

    def lines(self) -> Lines:
        """What stands on the screen, down to the last line that is not empty."""
        made = [self._line(row) for row in range(self._screen.lines)]
        while made and not made[-1]:
            made.pop()
        return tuple(made)

    def _line(self, row: int) -> tuple[Piece, ...]:
        cells = self._screen.buffer[row]
        styled = [
            (column, cells[column].data, _style(cells[column])) for column in self._filled(row)
        ]
        pieces = []
        for style, run in groupby(styled, key=lambda cell: cell[2]):
            told = list(run)
            pieces.append(Piece(told[0][0], "".join(text for _, text, _ in told), style))
        return tuple(pieces)

    def _filled(self, row: int) -> range:
        """Columns up to the last that shows something."""
        cells = self._screen.buffer[row]
        shown = [
            column
            for column in range(self._screen.columns)
            if cells[column].data.strip() or cells[column].bg != "default"
        ]
        return range(shown[-1] + 1 if shown else 0)


def _style(cell: pyte.screens.Char) -> Style:
    ink, ground = (cell.bg, cell.fg) if cell.reverse else (cell.fg, cell.bg)
    return Style(ink, ground, cell.bold, cell.blink, cell.italics, cell.underscore)


def record(
    command: Sequence[str],
    *,
    columns: int,
    rows: int = ROWS,
    every_s: float,
    folder: Path,
    environment: Mapping[str, str],
    longest_s: float = 180.0,
) -> Recording:
    """Run a command in a terminal of its own and keep a frame every so often, and the last one.

    Args:
        command: program and words.
        columns: width of the terminal.
        rows: its height; what goes beyond scrolls away at the top.
        every_s: seconds between frames; frames that show the same are kept once.
        folder: where the command runs.
        environment: its variables, all of them.
        longest_s: a command that runs longer is ended.

    Raises:
        TimeoutError: the command ran too long.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    # Not one of the backends' programs: it runs in a terminal, which is what is recorded.
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        try:
            frames = _watch(ours, Terminal(columns, rows), every_s, longest_s)
        finally:
            os.close(ours)
            process.terminate()
        return Recording(columns, tuple(frames), process.wait())


def _watch(ours: int, terminal: Terminal, every_s: float, longest_s: float) -> list[Frame]:
    began = monotonic()
    due = every_s
    frames: list[Frame] = []
    while True:
        passed = monotonic() - began
        if passed > longest_s:
            raise TimeoutError(f"the command runs for more than {longest_s:g} s")
        if passed >= due:
            due += every_s
            _keep(frames, Frame(passed, terminal.lines()))
        if select.select([ours], [], [], max(0.0, due - passed))[0]:
            written = _read(ours)
            if not written:
                break
            terminal.feed(written)
    _keep(frames, Frame(monotonic() - began, terminal.lines()))
    return frames


def _read(ours: int) -> bytes:
    """What was written; nothing once the last program has closed its side."""
    try:
        return os.read(ours, _CHUNK)
    except OSError:  # Linux says EIO in place of an end of file
        return b""


def _keep(frames: list[Frame], frame: Frame) -> None:
    if frame.lines and (not frames or frames[-1].lines != frame.lines):
        frames.append(frame)
