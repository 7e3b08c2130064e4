"""How late records leave at a high rate in real time."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.processes import SIMTRAFFIC, run
from benchmarks.traffic import scenario
from simtraffic.collector.embedded import EmbeddedCollector

TITLE = "2,000 requests a second in real time for 20 s into the built-in collector, all signals"


def measure(rounds: int) -> list[Figure]:
    """Lateness as the result file tells it."""
    found: dict[str, list[float]] = {"p50": [], "p99": [], "max": []}
    rates: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        path, result = Path(folder) / "scenario.yaml", Path(folder) / "result.json"
        path.write_text(scenario(rate=2000, duration="20s"))
        for _ in range(rounds):
            with EmbeddedCollector() as collector:
                command = (*SIMTRAFFIC, "run", str(path), "--quiet", "--drain", "30s")
                options = ("--endpoint", collector.endpoint, "--result", str(result))
                run((*command, *options))
            told = json.loads(result.read_text())
            for name, values in found.items():
                values.append(told["schedule"]["lateness_seconds"][name] * 1000)
            rates.append(told["generator"]["cpu_seconds"])
    targets = {"p99": "< 50"}
    figures = [
        Figure(f"lateness, {name}", "ms", tuple(values), targets.get(name, ""))
        for name, values in found.items()
    ]
    return [*figures, Figure("CPU of the generator", "s", tuple(rates))]
