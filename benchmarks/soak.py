"""Does it last? Twenty minutes at 5,000 spans a second with faults, and a week of simulated time.

Memory, threads and open files of the process are read while it runs: the middle of the last
quarter is held against the middle of the second, when everything is warm. ``--rounds`` is how many
minutes of real time it takes, twenty at least for a verdict that counts.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure
from benchmarks.processes import SIMTRAFFIC
from benchmarks.traffic import scenario
from simtraffic.backends.ports import HOST, free_ports
from simtraffic.backends.programs import Program, Running

TITLE = "twenty minutes at 5,000 spans a second with faults, and a simulated week"

# About three spans a request.
_RATE = 1_700
_WEEK_RATE = 5
_EVERY_S = 5.0
_FAULTS = (
    "status=503 share=3%",
    "kind=cut share=1%",
    "status=429 retry_after=1 share=1%",
    "kind=slow delay=300ms share=2%",
    "kind=partial share=0%",
)


@dataclass
class _Samples:
    """What a process held, over its life."""

    rss_bytes: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    def take(self, pid: int) -> None:
        """Read it once; a process that has just gone is passed over."""
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        except OSError:
            return
        fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        self.rss_bytes.append(int(fields["VmRSS"].split()[0]) * 1024)
        self.threads.append(int(fields["Threads"]))
        self.files.append(files)

    def growth(self, values: list[int]) -> float:
        """The last quarter over the second."""
        quarter = max(1, len(values) // 4)
        return median(values[-quarter:]) / median(values[quarter : 2 * quarter])


def measure(rounds: int) -> list[Figure]:
    """``rounds`` minutes of real time, then the week as fast as it goes."""
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for name, text, options in (
            (f"{rounds} min", scenario(rate=_RATE, duration=f"{rounds}m"), ("--speed", "real")),
            ("a week", scenario(rate=_WEEK_RATE, duration="7d"), ("--speed", "max")),
        ):
            path = Path(folder) / "soak.yaml"
            path.write_text(text)
            for protocol in ("grpc", "http/protobuf") if name == "a week" else ("grpc",):
                figures += _one(f"{name}, {protocol}", path, options, protocol)
    return figures


def _one(name: str, path: Path, options: tuple[str, ...], protocol: str) -> list[Figure]:
    grpc, http = (f"{HOST}:{port}" for port in free_ports(2))
    faults = [word for fault in _FAULTS for word in ("--fault", fault)]
    collect = (*SIMTRAFFIC, "collect", "--grpc", grpc, "--http", http, "--json", *faults)
    address = f"http://{grpc if protocol == 'grpc' else http}"
    command = (*SIMTRAFFIC, "run", str(path), "--endpoint", address, "--protocol", protocol)
    kept = path.with_name("result.json")
    asked = Program("run", (*command, *options, "--quiet", "--result", str(kept)))
    receiver = Program("collect", collect, (grpc, http))
    samples, theirs = _Samples(), _Samples()
    with Running(receiver, path.with_name("collect.log")) as collector:
        with Running(asked, path.with_name("run.log")) as run:
            while not run.has_ended():
                samples.take(run.process.pid)
                theirs.take(collector.process.pid)
                time.sleep(_EVERY_S if "real" in options else 0.5)
        result = json.loads(kept.read_text())
    counts = json.loads(collector.log.read_text().splitlines()[-1])
    signals = result["signals"].values()
    adrift = sum(
        abs(s["generated"] - s["accepted"] - s["rejected"] - s["failed"] - s["dropped"])
        for s in signals
    )
    traces = result["signals"]["traces"]
    unexplained = max(0, traces["accepted"] - counts["spans"]) + max(
        0, counts["spans"] - traces["accepted"] - traces["possible_duplicates"]
    )
    return [
        Figure(f"{name}: spans", "million", (traces["generated"] / 1e6,)),
        Figure(f"{name}: memory at the end", "MB", (samples.rss_bytes[-1] / 1e6,), "< 400"),
        Figure(f"{name}: growth of memory", "times", (samples.growth(samples.rss_bytes),), "< 1.1"),
        Figure(f"{name}: growth of threads", "times", (samples.growth(samples.threads),), "< 1.1"),
        Figure(f"{name}: growth of open files", "times", (samples.growth(samples.files),), "< 1.1"),
        Figure(f"{name}: growth of the collector", "times", (theirs.growth(theirs.rss_bytes),)),
        Figure(f"{name}: items that the ledger does not explain", "items", (adrift,), "< 1"),
        Figure(f"{name}: spans that the receiver's count does not", "spans", (unexplained,), "< 1"),
        Figure(f"{name}: retries", "calls", (sum(s["retries"] for s in signals),)),
        Figure(f"{name}: lost", "items", (sum(s["generated"] - s["accepted"] for s in signals),)),
        Figure(f"{name}: skipped requests", "requests", (result["schedule"]["skipped"],), "< 1"),
    ]
