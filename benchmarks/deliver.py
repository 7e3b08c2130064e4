"""Delivery into a real OpenTelemetry Collector on this machine, in turns with the peers."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, ratio
from benchmarks.processes import PYTHON, SIMTRAFFIC, run
from benchmarks.sink import Sink
from benchmarks.traffic import scenario
from simtraffic.backends.find import find

if TYPE_CHECKING:
    from benchmarks.processes import Usage

TITLE = "spans into an OpenTelemetry Collector (otlp to nop, gRPC, no compression), by turns"

PEER_SECONDS = 6
_ATTRIBUTES = {
    "gen_ai.operation.name": '"chat"',
    "gen_ai.provider.name": '"openai"',
    "gen_ai.request.model": '"gpt-4o-mini"',
    "gen_ai.response.model": '"gpt-4o-mini"',
    "gen_ai.response.id": '"resp_0123456789abcdef"',
    "gen_ai.usage.input_tokens": "812",
    "gen_ai.usage.output_tokens": "211",
    "gen_ai.request.stream": "true",
    "gen_ai.output.type": '"text"',
    "server.port": "443",
}
"""With the two of telemetrygen's own, a span has twelve."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One run of one generator."""

    usage: Usage
    accepted: Mapping[str, int]
    sink_cpu_s: float
    claimed: int | None
    wall_s: float
    """Of the sending alone where the generator tells it, else of the process."""


def measure(rounds: int) -> list[Figure]:
    """Rates and CPU time per million accepted spans, and the ratios to the peers."""
    found: dict[str, list[Delivered]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder, Sink() as sink:
        generators = _generators(Path(folder), sink.address)
        for _ in range(rounds):
            for name, send in generators.items():
                found[name].append(_one(sink, send))
    return _figures(found)


OURS, ALL = "simtraffic", "simtraffic, all signals"
THROTTLED = "telemetrygen, 16 workers of rate 5000, batch 1000"
UNTHROTTLED = "telemetrygen, 1 worker, rate 0, batch 2048"
SDK = "opentelemetry-sdk, queue 65536, batch 8192"


def _generators(
    folder: Path, address: str
) -> dict[str, Callable[[], tuple[Usage, int | None, float | None]]]:
    def ours(signals: str) -> tuple[Usage, int | None, float | None]:
        path, result = folder / "scenario.yaml", folder / "result.json"
        path.write_text(scenario(rate=10_000, duration="100s", signals=signals))
        command = (*SIMTRAFFIC, "run", str(path), "--speed", "max", "--quiet")
        options = ("--endpoint", f"http://{address}", "--result", str(result))
        usage = run((*command, *options))
        told = json.loads(result.read_text())
        spans = told["signals"]["traces"]["generated"]
        return usage, spans, spans / told["generator"]["spans_per_second"]

    def theirs(workers: int, rate: int, batch: int) -> tuple[Usage, int | None, float | None]:
        options = {"workers": workers, "rate": rate, "batch-size": batch}
        command = [find("telemetrygen"), "traces", "--otlp-insecure", "--otlp-endpoint", address]
        command += ["--duration", f"{PEER_SECONDS}s"]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        for key, text in _ATTRIBUTES.items():
            command += ["--telemetry-attributes", f"{key}={text}"]
        return run(command), None, None

    def sdk() -> tuple[Usage, int | None, float | None]:
        command = (PYTHON, "-m", "benchmarks.sdk_sender", address, str(PEER_SECONDS))
        usage = run(command)
        return usage, int(usage.output.split()[-1]), None

    return {
        OURS: lambda: ours("traces"),
        ALL: lambda: ours("traces, metrics, logs"),
        THROTTLED: lambda: theirs(16, 5000, 1000),
        UNTHROTTLED: lambda: theirs(1, 0, 2048),
        SDK: sdk,
    }


def _one(sink: Sink, send: Callable[[], tuple[Usage, int | None, float | None]]) -> Delivered:
    before, cpu_before = sink.accepted(), sink.cpu_s()
    usage, claimed, sending_s = send()
    after, cpu_after = sink.accepted(), sink.cpu_s()
    accepted = {name: after[name] - before[name] for name in after}
    wall_s = usage.wall_s if sending_s is None else sending_s
    return Delivered(usage, accepted, cpu_after - cpu_before, claimed, wall_s)


def _figures(found: Mapping[str, Sequence[Delivered]]) -> list[Figure]:
    cpu: dict[str, Figure] = {}
    figures: list[Figure] = []
    for name, runs in found.items():
        ours = name == OURS
        spans = [run.accepted["spans"] for run in runs]
        rates = tuple(n / run.wall_s for n, run in zip(spans, runs, strict=True))
        costs = tuple(run.usage.cpu_s / n * 1e6 for n, run in zip(spans, runs, strict=True))
        busy = tuple(run.sink_cpu_s / run.wall_s for run in runs)
        cpu[name] = Figure(f"{name}: CPU, whole process", "s per million spans accepted", costs)
        target = ">= 150000" if ours else ""
        figures.append(Figure(f"{name}: accepted", "spans per second", rates, target))
        figures.append(cpu[name])
        figures.append(Figure(f"{name}: collector busy", "cores", busy))
        if runs[0].claimed is not None:
            lost = tuple(float((run.claimed or 0) - n) for n, run in zip(spans, runs, strict=True))
            figures.append(Figure(f"{name}: lost", "spans", lost, "< 1" if ours else ""))
    best = min((cpu[THROTTLED], cpu[UNTHROTTLED]), key=lambda figure: figure.median)
    figures.append(ratio("CPU, telemetrygen's best against simtraffic", best, cpu[OURS], ">= 12"))
    figures.append(ratio("CPU, opentelemetry-sdk against simtraffic", cpu[SDK], cpu[OURS], ">= 60"))
    return figures
