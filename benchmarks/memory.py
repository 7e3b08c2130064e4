"""Peak memory of an hour against ten hours of simulated traffic."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.figures import Figure, ratio
from benchmarks.processes import SIMTRAFFIC, run
from benchmarks.traffic import scenario

TITLE = "peak memory at 50 requests a second, full speed, written to nowhere as OTLP JSON"


def measure(rounds: int) -> list[Figure]:
    """Peak resident memory of the process; it may not grow with the length of the run."""
    found: dict[str, list[float]] = {"1h": [], "10h": []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for duration, sizes in found.items():
                path = Path(folder) / f"{duration}.yaml"
                path.write_text(scenario(rate=50, duration=duration))
                command = (*SIMTRAFFIC, "run", str(path), "--speed", "max", "--quiet")
                usage = run((*command, "--out", "/dev/null"))
                sizes.append(usage.peak_rss_bytes / 1e6)
    short = Figure("1 hour: peak memory", "MB", tuple(found["1h"]), "< 300")
    long = Figure("10 hours: peak memory", "MB", tuple(found["10h"]), "< 300")
    return [short, long, ratio("10 hours against 1 hour", long, short, "< 1.1")]
