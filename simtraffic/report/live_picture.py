"""Lines at the foot of a terminal that are drawn again and again; what is said comes above them.

Unlike rich's own live display it survives a terminal that becomes narrower, whose lines then take
more rows, and may be left from inside a signal handler.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from typing import TextIO

    from rich.console import RenderableType

_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_ERASE_LINE, _UP = "\x1b[2K", "\x1b[1A"
_EVERY_S = 0.2
# Whoever holds the lock is drawing; a signal handler does not wait longer for it.
_PATIENCE_S = 0.5


class LivePicture:
    """Draws a picture five times a second, from a thread of its own, until it is closed.

    Args:
        stream: the terminal.
        picture: what to draw, for a terminal of this many columns; called on the thread.
    """

    def __init__(self, stream: TextIO, picture: Callable[[int], RenderableType]) -> None:
        self._stream = stream
        self._picture = picture
        self._console = Console(file=stream, highlight=False, emoji=False, markup=False)
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._widths: list[int] = []
        """Columns that each line of the last picture took."""
        self._thread = threading.Thread(target=self._go_on, name="live picture", daemon=True)

    def open(self) -> None:
        """Draw the first picture, and go on drawing."""
        with self._lock:
            self._write(_HIDE_CURSOR + self._drawn())
        self._thread.start()

    def say(self, text: str) -> None:
        """A line that stays, above the picture."""
        with self._lock:
            self._write(self._erasing() + text + "\n")
            self._widths = []
            self._write(self._drawn())

    def close(self) -> None:
        """Take the picture away and give the terminal back as it was."""
        self._over.set()
        with self._lock:
            self._write(self._erasing() + _SHOW_CURSOR)
            self._widths = []
        self._thread.join()

    def leave(self) -> None:
        """The same from inside a signal handler: past locks and buffers, which may be held."""
        self._over.set()
        held = self._lock.acquire(timeout=_PATIENCE_S)
        with contextlib.suppress(OSError, ValueError, AttributeError):
            os.write(self._stream.fileno(), (self._erasing() + _SHOW_CURSOR).encode())
        self._widths = []
        if held:
            self._lock.release()

    def _go_on(self) -> None:
        while not self._over.wait(_EVERY_S):
            with self._lock:
                if not self._over.is_set():
                    self._write(self._erasing() + self._drawn())

    def _drawn(self) -> str:
        """The picture as text, no taller than the terminal, without a line feed at its end."""
        size = self._console.size
        with self._console.capture() as captured:
            self._console.print(self._picture(size.width))
        lines = captured.get().rstrip("\n").split("\n")
        # What has left the screen at its top cannot be erased any more.
        lines = lines[: max(1, size.height - 1)]
        self._widths = [Text.from_ansi(line).cell_len for line in lines]
        return "\n".join(lines)

    def _erasing(self) -> str:
        """Erases the last picture, however many rows its lines take at today's width."""
        if not self._widths:
            return ""
        columns = max(1, self._console.width)
        rows = sum(max(1, -(-width // columns)) for width in self._widths)
        return "\r" + _ERASE_LINE + (_UP + _ERASE_LINE) * (rows - 1)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
