"""Children measured from outside: CPU time, peak memory and wall time of whole processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYTHON = sys.executable
SIMTRAFFIC = (PYTHON, "-m", "simtraffic")


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process took from start to end, imports included, with the children it waited for."""

    code: int
    wall_s: float
    cpu_s: float
    peak_rss_bytes: int
    output: str


def run(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, core: int | None = None
) -> Usage:
    """Run a command to its end; ``core`` is the only one that it may use.

    The peak memory is at least this process's own, which a child inherits until it becomes the
    command; so nothing large is imported here.

    Raises:
        RuntimeError: the command failed, with the end of what it said.
    """
    if core is not None:
        command = (PYTHON, "-c", _PINNED, str(core), *command)
    began = time.perf_counter()
    child = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert child.stdout is not None
    output = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.perf_counter() - began
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}\n{output[-2000:]}")
    cpu_s = used.ru_utime + used.ru_stime
    return Usage(child.returncode, wall_s, cpu_s, used.ru_maxrss * 1024, output)


_PINNED = """\
import os, sys
os.sched_setaffinity(0, {int(sys.argv[1])})
os.execv(sys.argv[2], sys.argv[2:])
"""


def cpu_seconds(pid: int) -> float:
    """CPU time of a running process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def tool(name: str) -> str:
    """Path of a program that tools/build.sh makes; ``SIMTRAFFIC_TOOLS`` says where they are.

    Raises:
        FileNotFoundError: it is not there.
    """
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = os.environ.get("SIMTRAFFIC_TOOLS") or f"{cache}/simtraffic/tools"
    override = os.environ.get(f"SIMTRAFFIC_{name.upper().replace('-', '_')}")
    path = Path(override) if override else Path(folder) / "bin" / name
    if not path.exists():
        raise FileNotFoundError(f"{name} is missing; run tools/build.sh or set SIMTRAFFIC_TOOLS")
    return str(path)
