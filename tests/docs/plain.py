"""Blocks of documents that need no shell: plain calls of the command, done in this process.

A process of its own spends most of its time on imports that this one has behind it.
"""

from __future__ import annotations

import filecmp
import shlex
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from simtraffic.cli.main import app

SHELL = set("$|&;<`(){}")
"""What only a shell understands."""


@dataclass(frozen=True, slots=True)
class Call:
    """A line: a program with its words, and the file that its output goes into."""

    program: str
    words: list[str]
    into: str | None

    def do(self, more: list[str]) -> int:
        """Its exit code; ``more`` are words after those of every run."""
        words = [name for word in self.words for name in expanded(word)]
        if self.program == "cmp":
            one, other = words
            return int(not filecmp.cmp(one, other, shallow=False))
        if words[0] == "run":
            words += more
        done = CliRunner().invoke(app, words)
        if self.into:
            Path(self.into).write_bytes(done.stdout_bytes)
        return done.exit_code


def calls(text: str) -> list[Call] | None:
    """The lines of a block; None when they need a shell."""
    found = []
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        into = words[-1] if words[-2:-1] == [">"] else None
        call = Call(words[0], words[1:-2] if into else words[1:], into)
        # What goes to standard output as it comes is more than a test runner holds.
        if call.program not in ("simtraffic", "cmp") or {"-", ">"} & set(call.words):
            return None
        if SHELL & set(line):
            return None
        found.append(call)
    return found


def expanded(word: str) -> list[str]:
    """The files of a pattern in order, as a shell has them, or the word itself."""
    return sorted(map(str, Path().glob(word))) if "*" in word else [word]
