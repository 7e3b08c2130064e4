"""One process against two: the same run at full speed into a receiver that costs little."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

from benchmarks.figures import Figure, ratio
from benchmarks.processes import PYTHON, SIMTRAFFIC, run
from benchmarks.traffic import scenario

TITLE = "simulate, encode and send at full speed, OTLP/HTTP into a receiver that discards"


def measure(rounds: int) -> list[Figure]:
    """Spans a second of the run itself, from the first request to the last answer."""
    found: dict[int, list[float]] = {1: [], 2: []}
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            (PYTHON, "-m", "benchmarks.discard"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as receiver,
    ):
        assert receiver.stdout is not None
        url = receiver.stdout.readline().strip()
        path = Path(folder) / "workers.yaml"
        path.write_text(scenario(rate=10_000, duration="180s"))
        command = (*SIMTRAFFIC, "run", str(path), "--endpoint", url, "--protocol", "http/protobuf")
        for _ in range(rounds):
            for workers, speeds in found.items():
                options = ("--speed", "max", "--quiet", "--json", "--workers", str(workers))
                result = json.loads(run((*command, *options)).output)
                speeds.append(result["generator"]["spans_per_second"])
        receiver.communicate()
    one = Figure("1 process: spans", "per second", tuple(found[1]))
    two = Figure("2 workers: spans", "per second", tuple(found[2]))
    return [one, two, ratio("2 workers against 1 process", two, one, ">= 1.7")]
