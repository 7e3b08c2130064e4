"""Where real programs are: named by the user, built by `make tools`, or installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from simtraffic.errors import UsageError

_VERSION = re.compile(r"(?<![\w.])v?(\d+\.\d+(?:\.\d+)?)")
_VERSION_S = 10.0
"""How long a program may take to say its version."""


def variable(name: str) -> str:
    """The environment variable that names a program's path, such as ``SIMTRAFFIC_PROMETHEUS``."""
    return "SIMTRAFFIC_" + re.sub(r"\W", "_", name).upper()


def tools_folder() -> Path:
    """Where `make tools` puts what it builds: ``bin`` below ``SIMTRAFFIC_TOOLS``, or of a cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("SIMTRAFFIC_TOOLS") or f"{cache}/simtraffic/tools") / "bin"


def find(name: str, given: str | Path | None = None) -> str:
    """Path of a program that can be executed.

    Looked for under the path that is given, else under that of its variable, else in the tools'
    folder, else on the PATH. What is named and is not there is not looked for elsewhere: another
    version would be a surprise.

    Args:
        name: What it is called, such as ``prometheus``.
        given: A path that the user named, or a name on the PATH.

    Raises:
        UsageError: It is not there; the message says where it was looked for and what to do.
    """
    named, by = (given, "given") if given else (os.environ.get(variable(name)), variable(name))
    if named:
        path = shutil.which(str(named))
        if path is None:
            raise UsageError(
                f"{name}: no such program; {by} says {named}; name a file that can be executed"
            )
        return path
    return find_all([name])[name]


def find_all(names: Sequence[str]) -> dict[str, str]:
    """Path of each program, as :func:`find` has it, by its name.

    Raises:
        UsageError: Some are missing; all of them are named.
    """
    paths = {
        name: find(name) if os.environ.get(variable(name)) else _unnamed(name) for name in names
    }
    missing = [name for name, path in paths.items() if path is None]
    if missing:
        raise UsageError(
            f"programs missing: {', '.join(missing)}; looked in {tools_folder()} and on the PATH;"
            f" install them, name them ({variable(missing[0])}=PATH), or in a checkout"
            " `make tools` builds them (needs Go)"
        )
    return {name: path for name, path in paths.items() if path is not None}


def version_of(path: str) -> str:
    """What a program says to ``--version``, such as ``3.14.0``; empty when it says none."""
    try:
        done = subprocess.run(  # noqa: S603 - a program that was found, or that the user named
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_VERSION_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    if done.returncode:
        return ""
    # Prometheus said it on standard error before 2.48.
    said = (done.stdout or done.stderr).decode(errors="replace").partition("\n")[0]
    found = _VERSION.search(said)
    return found[1] if found else ""


def _unnamed(name: str) -> str | None:
    return shutil.which(str(tools_folder() / name)) or shutil.which(name)
