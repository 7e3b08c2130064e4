"""A run in several processes: one truth, one result, and no process that outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from simtraffic.clock import monotonic
from simtraffic.collector import Collector
from simtraffic.errors import UsageError
from simtraffic.export.environment import ExportOptions
from simtraffic.runner import RunOptions, StopSignal, run
from simtraffic.scenario import parse_scenario
from simtraffic.self_telemetry import Page
from tests.asking import Calls
from tests.told import RICH

if TYPE_CHECKING:
    from simtraffic.result.result import RunResult
    from simtraffic.result.snapshot import Snapshot

START = "2026-01-01T00:00:00Z"
JUDGED = (
    RICH
    + """
thresholds:
  - delivered == 100%
  - p95(time_to_first_token) < 1ms
  - error_share < 90%
incidents:
  - {name: brown-out, at: 6s, duration: 7s, match: {provider: openai}, errors: {overloaded: 20%}}
"""
)
LONG = RICH.replace("duration: 20s", "duration: 1h")
PATIENCE_S = 30.0
_NEVER = threading.Event()


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector("127.0.0.1:0", "127.0.0.1:0", keep=True) as started:
        yield started


def in_time(happened: Callable[[], bool]) -> None:
    deadline = monotonic() + PATIENCE_S
    while not happened():
        assert monotonic() < deadline
        _NEVER.wait(0.02)


def workers_of(pid: int) -> list[int]:
    """Processes that play a part of the run of this process."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text(encoding="ascii").split():
            command = Path(f"/proc/{child}/cmdline")
            if command.exists() and b"simtraffic.runner.worker" in command.read_bytes():
                found.append(int(child))
    return found


def is_gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has waited for yet counts as ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state.rpartition(")")[2].split()[0] == "Z"


def bag(items: Any) -> Counter[bytes]:
    return Counter(item.SerializeToString(deterministic=True) for item in items)


def assert_balanced(result: RunResult) -> None:
    """The two laws."""
    schedule = result.schedule
    assert schedule.planned == schedule.generated + schedule.skipped
    for each in result.signals.values():
        assert each.generated == each.accepted + each.rejected + each.failed + each.dropped


def test_several_tell_what_one_tells_and_judge_it_alike() -> None:
    """Also the quantiles are those of the whole: they come from merged sketches."""
    scenario, results, told = parse_scenario(JUDGED), [], []
    for workers in (1, 3):
        with Collector(keep=True) as collector:
            results.append(
                run(
                    scenario,
                    RunOptions(speed="max", start=START, workers=workers),
                    endpoint=collector.grpc_endpoint,
                )
            )
            told.append((bag(collector.spans()), bag(collector.log_records())))
            assert collector.counts().faults == {}
    one, several = results

    assert told[1] == told[0]
    assert several.shard == one.shard == "1/1"
    for name in ("run_id", "schedule", "stages", "traffic", "incidents", "thresholds", "verdict"):
        assert getattr(several, name) == getattr(one, name), name
    for name in ("traces", "logs"):
        assert several.signals[name].accepted == one.signals[name].accepted
    assert several.exit_code == one.exit_code == 5


@pytest.mark.long
def test_several_tell_the_same_wrong_things() -> None:
    spoiled = """
imperfections:
  late_spans: {share: 10%, by: 5s}
  missing_roots: 10%
  duplicate_ids: 10%
  clock_skew: 3s
  oversize_attributes: {share: 5%, bytes: 2KB}
"""
    scenario, counts, told = parse_scenario(RICH + spoiled), [], []
    for workers in (1, 2):
        with Collector(keep=True) as collector:
            result = run(
                scenario,
                RunOptions(speed="max", start=START, workers=workers),
                endpoint=collector.grpc_endpoint,
            )
            counts.append(result.imperfections)
            told.append(bag(collector.spans()))

    assert told[1] == told[0]
    assert counts[1] == counts[0]
    assert counts[0] is not None
    assert all(counts[0][kind] for kind in list(counts[0])[:5])


@pytest.mark.real  # real time, real processes
def test_a_shard_is_divided_further(collector: Collector) -> None:
    scenario = parse_scenario(RICH)
    for shard in ("1/2", "2/2"):
        result = run(
            scenario,
            RunOptions(
                receiver=ExportOptions(endpoint=collector.http_endpoint, protocol="http/protobuf"),
                speed="max",
                start=START,
                shard=shard,
                workers=2,
            ),
        )
        assert (result.exit_code, result.shard) == (0, shard)
    with Collector(keep=True) as whole:
        run(scenario, RunOptions(speed="max", start=START), endpoint=whole.grpc_endpoint)
        assert bag(collector.spans()) == bag(whole.spans())


@pytest.mark.real  # real time, real processes
def test_a_worker_that_is_killed_fails_the_run_and_the_others_go_on(collector: Collector) -> None:
    killed: list[int] = []

    def kill(snapshot: Snapshot) -> None:
        if snapshot.signals["traces"].accepted and not killed:
            killed.append(workers_of(os.getpid())[0])
            os.kill(killed[0], signal.SIGKILL)

    result = run(
        parse_scenario(RICH),
        RunOptions(speed=10, workers=2),
        endpoint=collector.grpc_endpoint,
        watchers=[Calls(see=kill)],
    )

    assert killed
    assert (result.verdict, result.exit_code) == ("failed", 4)
    assert_balanced(result)
    (reason,) = [each for each in result.reasons if "died" in each]
    assert "killed by SIGKILL" in reason
    assert 0 < result.schedule.skipped < result.schedule.planned / 2 + 50
    assert sum(stage.planned for stage in result.stages) == result.schedule.planned
    # What is called accepted was acknowledged; what the dead one sent last nobody counted.
    assert collector.counts().spans >= result.signals["traces"].accepted
    assert not workers_of(os.getpid())


@pytest.mark.real  # real time, real processes
def test_nobody_is_left_when_the_run_itself_is_killed(collector: Collector, tmp_path: Path) -> None:
    path = tmp_path / "long.yaml"
    path.write_text(LONG, encoding="utf-8")
    command = [sys.executable, "-m", "simtraffic", "run", str(path), "--workers", "2", "--quiet"]
    with subprocess.Popen([*command, "--endpoint", collector.grpc_endpoint]) as process:
        in_time(lambda: collector.counts().spans > 0)
        workers = workers_of(process.pid)
        process.kill()
    assert len(workers) == 2

    in_time(lambda: all(is_gone(worker) for worker in workers))


@pytest.mark.real  # real time, real processes
def test_a_stop_drains_all_of_them(collector: Collector) -> None:
    stop = StopSignal()

    def end(snapshot: Snapshot) -> None:
        if snapshot.signals["traces"].accepted:
            stop.request()

    result = run(
        parse_scenario(LONG),
        RunOptions(workers=2),
        endpoint=collector.grpc_endpoint,
        watchers=[Calls(see=end)],
        stop=stop,
    )

    assert (result.verdict, result.exit_code) == ("interrupted", 130)
    assert_balanced(result)
    assert collector.counts().spans == result.signals["traces"].accepted > 0
    assert result.schedule.skipped > 0


@pytest.mark.real  # real time, real processes
def test_a_refused_credential_ends_all_of_them() -> None:
    with Collector(faults=["status=401"]) as collector:
        result = run(parse_scenario(LONG), RunOptions(workers=2), endpoint=collector.grpc_endpoint)

    assert result.exit_code == 4
    assert_balanced(result)
    assert any("401" in each or "UNAUTHENTICATED" in each for each in result.reasons)


@pytest.mark.real  # real time, real processes
def test_a_page_tells_of_all_of_them(collector: Collector) -> None:
    with Page(0) as page:
        result = run(
            parse_scenario(RICH),
            RunOptions(speed="max", workers=2),
            endpoint=collector.grpc_endpoint,
            watchers=[page],
        )
        total = page._totals.ledger()

    assert total.generated == result.schedule.generated > 0
    assert total.signals["traces"].accepted == result.signals["traces"].accepted


@pytest.mark.parametrize("workers", [0, -1, 1000])
def test_a_number_that_is_none_is_refused(workers: int) -> None:
    with pytest.raises(UsageError, match="--workers: not a number of processes"):
        run(parse_scenario(RICH), RunOptions(workers=workers))


def test_several_do_not_write_one_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--workers: .*--out"):
        run(parse_scenario(RICH), RunOptions(workers=2), out=str(tmp_path / "told.jsonl"))
