"""Whether the generator has used the processor since the last time this was asked: 0, or 1.

The first time it only remembers. ``alive.py [PID] [FILE]``; needs Python alone.
"""

from __future__ import annotations

import sys
from pathlib import Path


def used(pid: str) -> int:
    """Clock ticks that a process has used, from fields 14 and 15 of its line in /proc."""
    line = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    # The second field is the command in parentheses and may hold blanks.
    fields = line.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def main(pid: str = "1", remembered: str = "/tmp/alive") -> int:  # noqa: S108 - the pod's own
    """Compare with the last time."""
    now = used(pid)
    file = Path(remembered)
    before = int(file.read_text(encoding="ascii")) if file.exists() else -1
    file.write_text(str(now), encoding="ascii")
    if now == before:
        sys.stderr.write(f"process {pid} has used no time since the last probe\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
