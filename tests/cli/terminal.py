"""Commands in real terminals: pseudo-terminals, several at once, and the screens that they show."""

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
from collections import deque
from typing import Any

import pyte

from simtraffic.clock import monotonic

# Nothing of these may decide what a test sees.
UNSET = ("CI", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE", "GITHUB_ACTIONS")
ROWS = 50
# Far beyond what a command takes here, as other tests keep the machine busy.
PATIENCE_S = 60.0
# So that Ctrl-C and the end of the terminal become signals; after the fork, as threads are about.
_OWN_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    " os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)


class Terminal:
    """A command in a terminal of its own.

    Args:
        arguments: of simtraffic.
        columns: how wide the terminal is.
        folder: where it works.
        then: pairs of bytes to wait for and what is done when they have been written, in turn.
        variables: of the environment.
    """

    def __init__(self, *arguments, columns=80, folder=None, then=(), **variables):
        self.columns = columns
        self.text = b""
        self.code = None
        self.began = monotonic()
        self.took_s = None
        self._then = deque(then)
        self._seen = 0
        self.master: Any = None
        self.master, slave = os.openpty()
        self.resize(columns)
        environ = {k: v for k, v in os.environ.items() if k not in UNSET}
        self.process = subprocess.Popen(
            [sys.executable, "-c", _OWN_TERMINAL, "-P", "-m", "simtraffic", *arguments],
            cwd=folder,
            env={**environ, "TERM": "xterm-256color", **variables},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def resize(self, columns, rows=ROWS):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys):
        os.write(self.master, keys)

    def hang_up(self):
        os.close(self.master)
        self.master = None

    def read(self):
        """Take what was written; do what waits for it."""
        try:
            self.text += os.read(self.master, 65536)
        except OSError:
            # Linux answers so when nobody has the other side open any more.
            self.end()
            return
        while self._then and (at := self.text.find(self._then[0][0], self._seen)) >= 0:
            needle, action = self._then.popleft()
            self._seen = at + len(needle)
            action(self)
            if self.master is None:
                return

    def end(self):
        self.code = self.process.wait()
        self.took_s = monotonic() - self.began
        if self.master is not None:
            os.close(self.master)
            self.master = None

    @property
    def words(self):
        return self.text.decode()

    def screen(self, rows=400):
        """What stands on a tall enough screen in the end, without the blanks at the right."""
        screen = pyte.Screen(self.columns, rows)
        pyte.ByteStream(screen).feed(self.text)
        return "\n".join(line.rstrip() for line in screen.display).rstrip()

    def frames(self):
        """Each picture that was drawn, as the screen shows it."""
        screen = pyte.Screen(self.columns, ROWS)
        stream = pyte.ByteStream(screen)
        shown = []
        for part in self.text.split(b"\r\x1b[2K"):
            stream.feed(b"\r\x1b[2K" + part)
            shown.append("\n".join(line.rstrip() for line in screen.display).rstrip())
        return shown


def play(*terminals):
    """Read from all of them until each command has ended; ends those that do not."""
    deadline = monotonic() + PATIENCE_S
    try:
        while going := [each for each in terminals if each.master is not None]:
            left = deadline - monotonic()
            if left <= 0:
                break
            ready, _, _ = select.select([each.master for each in going], [], [], left)
            for each in going:
                if each.master in ready:
                    each.read()
        for each in terminals:
            if each.code is None and each.master is None:
                each.code = each.process.wait(max(0.1, deadline - monotonic()))
    finally:
        for each in terminals:
            if each.code is None:
                os.killpg(each.process.pid, signal.SIGKILL)
                each.end()
    return terminals
