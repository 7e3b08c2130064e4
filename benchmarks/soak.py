"""Does it last? Twenty minutes at 5,000 spans a second with faults, and a week of simulated time.

Memory, threads and open files of the process are read while it runs: the middle of the last
quarter is held against the middle of the second, when everything is warm. ``--rounds`` is how many
minutes of real time it takes, twenty at least for a verdict that counts.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure
from benchmarks.processes import SIMTRAFFIC
from benchmarks.traffic import scenario

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
    faults = [word for fault in _FAULTS for word in ("--fault", fault)]
    collector = subprocess.Popen(
        [
            *(*SIMTRAFFIC, "collect", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"),
            *("--json", "--announce", *faults),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert collector.stdout is not None
    addresses = json.loads(collector.stdout.readline())
    address = addresses["grpc" if protocol == "grpc" else "http"]
    command = [*SIMTRAFFIC, "run", str(path), "--endpoint", address, "--protocol", protocol]
    samples, theirs = _Samples(), _Samples()
    with subprocess.Popen(
        [*command, *options, "--quiet", "--json"], stdout=subprocess.PIPE, text=True
    ) as run:
        while run.poll() is None:
            samples.take(run.pid)
            theirs.take(collector.pid)
            time.sleep(_EVERY_S if "real" in options else 0.5)
        assert run.stdout is not None
        result = json.loads(run.stdout.read())
    counts = json.loads(collector.communicate()[0].splitlines()[-1])
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
