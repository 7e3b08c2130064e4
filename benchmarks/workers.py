"""One process against two: the same run at full speed into a receiver that costs little."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from benchmarks.figures import Figure, ratio
from benchmarks.processes import PYTHON, SIMTRAFFIC, run
from benchmarks.traffic import scenario
from simtraffic.backends.commands import url
from simtraffic.backends.ports import HOST, free_ports
from simtraffic.backends.programs import Program, Running

TITLE = "simulate, encode and send at full speed, OTLP/HTTP into a receiver that discards"


def measure(rounds: int) -> list[Figure]:
    """Spans a second of the run itself, from the first request to the last answer."""
    found: dict[int, list[float]] = {1: [], 2: []}
    (port,) = free_ports(1)
    discard = Program(
        "discard", (PYTHON, "-m", "benchmarks.discard", str(port)), (f"{HOST}:{port}",)
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        Running(discard, Path(folder) / "discard.log"),
    ):
        path = Path(folder) / "workers.yaml"
        path.write_text(scenario(rate=10_000, duration="180s"))
        command = (*SIMTRAFFIC, "run", str(path), "--speed", "max", "--quiet", "--json")
        where = ("--endpoint", url(port), "--protocol", "http/protobuf")
        for _ in range(rounds):
            for workers, speeds in found.items():
                options = ("--workers", str(workers))
                result = json.loads(run((*command, *where, *options)).output)
                speeds.append(result["generator"]["spans_per_second"])
    one = Figure("1 process: spans", "per second", tuple(found[1]))
    two = Figure("2 workers: spans", "per second", tuple(found[2]))
    return [one, two, ratio("2 workers against 1 process", two, one, ">= 1.7")]
