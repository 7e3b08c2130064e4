"""How this package starts itself in a process of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parent.parent)
"""The folder that the package itself was imported from."""


def command(module: str, *arguments: str) -> list[str]:
    """The command of a child process that runs a module of this package as its main one.

    The child imports from where this process imports, and from nowhere else: ``python -m`` would
    put the working directory first, and a file there that is called like a module, ``queue.py``
    say, would be executed.
    """
    code = (
        f"import sys; sys.path[:] = {import_path()!r}; from runpy import run_module;"
        f" run_module({module!r}, run_name='__main__', alter_sys=True)"
    )
    # -P keeps the working directory out even before the first statement.
    return [sys.executable, "-P", "-c", code, *arguments]


def import_path() -> list[str]:
    """Where this process imports from, without the working directory.

    The working directory stays if the package itself lies there, or if the user names it in
    ``PYTHONPATH``.
    """
    wanted = {_ROOT, *os.environ.get("PYTHONPATH", "").split(os.pathsep)}
    here = _working_directory()
    return [
        entry for entry in map(str, sys.path) if entry in wanted - {""} or entry not in ("", here)
    ]


def forget_working_directory() -> None:
    """Import nothing more from the working directory in this process, as ``-m`` would have it."""
    sys.path[:] = import_path()


def _working_directory() -> str | None:
    try:
        return str(Path.cwd())
    except OSError:
        # It is no more.
        return None
