"""Children measured from outside: CPU time, peak memory and wall time of whole processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
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


def run(command: Sequence[str], *, core: int | None = None) -> Usage:
    """Run a command to its end, without settings of OpenTelemetry (OTEL_*) that steer it.

    ``core`` is the only one that it may use.

    The peak memory is at least this process's own, which a child inherits until it becomes the
    command; so nothing large is imported here.

    Raises:
        RuntimeError: the command failed, with the end of what it said.
    """
    # Not one of the backends' programs: what it used is known to its parent alone, in `wait4`.
    if core is not None:
        command = (PYTHON, "-c", _PINNED, str(core), *command)
    began = time.perf_counter()
    child = subprocess.Popen(
        command,
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if not key.startswith("OTEL_")},
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
