"""Peak memory: of an hour against ten hours, and into a receiver slower than the run."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.figures import Figure, ratio
from benchmarks.processes import SIMTRAFFIC, run
from benchmarks.traffic import scenario

TITLE = "peak memory at full speed: written to nowhere as OTLP JSON, and into rotel over gRPC"

# Of the queue, in MB: the one that a run has by default, and a smaller one to see its share by.
_QUEUE, _SMALL_QUEUE = 64, 16
_PEER = "into rotel, which is slower, three signals, 1000 requests a second"


def measure(rounds: int) -> list[Figure]:
    """Peak resident memory of the process; it may not grow with the length of the run."""
    return [*_to_nowhere(rounds), *_into_rotel(rounds)]


def _to_nowhere(rounds: int) -> list[Figure]:
    found: dict[str, list[float]] = {"1h": [], "10h": []}
    for _ in range(rounds):
        for duration, sizes in found.items():
            sizes.append(_peak_mb(50, duration, "--out", "/dev/null"))
    short = Figure("50 requests a second, 1 hour: peak memory", "MB", tuple(found["1h"]), "< 300")
    long = Figure("50 requests a second, 10 hours: peak memory", "MB", tuple(found["10h"]), "< 300")
    return [short, long, ratio("10 hours against 1 hour", long, short, "< 1.1")]


def _into_rotel(rounds: int) -> list[Figure]:
    """The peak with a full queue, and how it divides: by what is left without each part."""
    # Only where it is measured, as a child is counted with what its parent holds.
    from simtraffic.backends.programs import Running  # noqa: PLC0415
    from tools.rotel import find_rotel, rotel  # noqa: PLC0415

    path = find_rotel()
    kinds = (("1s", _QUEUE), ("10m", _SMALL_QUEUE), ("10m", _QUEUE), ("30m", _QUEUE))
    found: dict[tuple[str, int], list[float]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for (duration, queue), sizes in found.items():
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                with Running(rotel(path, folder), folder / "rotel.out") as peer:
                    where = ("--endpoint", peer.addresses["grpc"])
                    sizes.append(_peak_mb(1000, duration, *where, "--queue-bytes", f"{queue}MB"))
    started, small, short, long = (tuple(sizes) for sizes in found.values())
    queues = tuple(
        (whole - less) * _QUEUE / (_QUEUE - _SMALL_QUEUE)
        for whole, less in zip(short, small, strict=True)
    )
    rest = tuple(
        whole - start - queue for whole, start, queue in zip(short, started, queues, strict=True)
    )
    whole = Figure(f"{_PEER}, 10 minutes: peak memory", "MB", short, "< 300")
    longer = Figure(f"{_PEER}, 30 minutes: peak memory", "MB", long, "< 300")
    return [
        whole,
        longer,
        ratio("30 minutes against 10 minutes", longer, whole, "< 1.1"),
        Figure("of it: interpreter, libraries, templates (a run of a second)", "MB", started),
        Figure(f"of it: the queue of {_QUEUE} MB with its copies in flight", "MB", queues),
        Figure("of it: a step of the simulation, its encoding, and holes", "MB", rest),
    ]


def _peak_mb(rate: int, duration: str, *options: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scenario.yaml"
        path.write_text(scenario(rate=rate, duration=duration))
        command = (*SIMTRAFFIC, "run", str(path), "--speed", "max", "--quiet", *options)
        return run(command).peak_rss_bytes / 1e6
