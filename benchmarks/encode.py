"""Simulation and encoding alone, on one core: every chunk is made and let go."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING

from benchmarks.figures import Figure
from benchmarks.processes import PYTHON, run
from benchmarks.traffic import scenario
from simtraffic.signals import Chunk, Form

if TYPE_CHECKING:
    from simtraffic.clock import Flag

TITLE = "simulate and encode traces, metrics and logs on one core, nothing sent"

_TARGETS = {"gen_ai": ">= 1.5", "gen_ai, llm": ">= 0.8"}
_RATE = 10_000
_SECONDS = 150
"""Some 4.5 million spans, so that building templates does not count."""


def measure(rounds: int) -> list[Figure]:
    """Spans, and bytes of all signals, per CPU second."""
    core = max(os.sched_getaffinity(0))
    found: dict[str, list[dict[str, float]]] = {name: [] for name in _TARGETS}
    for _ in range(rounds):
        for conventions, results in found.items():
            usage = run((PYTHON, "-m", "benchmarks.encode", conventions), core=core)
            results.append(json.loads(usage.output))
    figures = []
    for conventions, target in _TARGETS.items():
        results = found[conventions]
        speeds = tuple(r["spans"] / r["cpu_s"] / 1e6 for r in results)
        records = tuple((r["spans"] + r["logs"] + r["points"]) / r["cpu_s"] / 1e6 for r in results)
        rates = tuple(r["bytes"] / r["cpu_s"] / 1e6 for r in results)
        figures += [
            Figure(f"{conventions}: spans", "million per CPU second", speeds, target),
            Figure(f"{conventions}: all records", "million per CPU second", records),
            Figure(f"{conventions}: protobuf", "MB per CPU second", rates),
        ]
    return figures


class _Nowhere:
    """Takes every chunk and keeps none."""

    fatal = None

    def __init__(self) -> None:
        self.octets = 0

    def form(self, signal: str) -> Form:  # noqa: ARG002
        return "protobuf"

    def submit(self, chunk: Chunk, *, block: bool, stop: Flag) -> None:  # noqa: ARG002
        self.octets += chunk.proto_bytes


def once(conventions: str, seconds: int = _SECONDS) -> dict[str, float]:
    """One run in this process."""
    from simtraffic.runner.full_speed import full_speed  # noqa: PLC0415 - the parent stays small
    from simtraffic.runner.playback import Playback  # noqa: PLC0415
    from simtraffic.runner.setup import Setup  # noqa: PLC0415
    from simtraffic.scenario import parse_scenario  # noqa: PLC0415

    text = scenario(rate=_RATE, duration=f"{seconds}s", conventions=conventions)
    setup = Setup.of(parse_scenario(text, file="benchmark.yaml"), start="2026-01-01T00:00:00Z")
    nowhere = _Nowhere()
    playback = Playback.of(setup, [nowhere])
    began = time.process_time()
    full_speed(playback)
    cpu_s = time.process_time() - began
    signals = playback.counts.ledger.signals
    return {
        "spans": signals["traces"].generated,
        "points": signals["metrics"].generated,
        "logs": signals["logs"].generated,
        "bytes": nowhere.octets,
        "cpu_s": cpu_s,
    }


if __name__ == "__main__":
    print(json.dumps(once(sys.argv[1])))
