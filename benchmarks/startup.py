"""Start of the command line."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.figures import Figure, ratio
from benchmarks.processes import PYTHON, SIMTRAFFIC, run
from benchmarks.traffic import scenario

TITLE = "whole process, from start to exit"

_REPEAT = 3
"""Starts in a round."""


def measure(rounds: int) -> list[Figure]:
    """Wall time of the quick commands, beside an import of the libraries they stand on."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scenario.yaml"
        path.write_text(scenario(rate=50, duration="1m"))
        commands = {
            "simtraffic --help": (*SIMTRAFFIC, "--help"),
            "simtraffic check": (*SIMTRAFFIC, "check", str(path)),
            "import typer, rich": (PYTHON, "-c", "import typer, rich"),
        }
        found: dict[str, list[float]] = {name: [] for name in commands}
        for command in commands.values():
            run(command)  # compiles and brings the files into memory
        for _ in range(rounds * _REPEAT):
            for name, command in commands.items():
                found[name].append(run(command).wall_s)
    help_, check, bare = (
        Figure(name, "s", tuple(found[name]), target)
        for name, target in zip(commands, ("< 0.4", "< 0.7", ""), strict=True)
    )
    return [help_, check, bare, ratio("--help against the bare imports", help_, bare)]
