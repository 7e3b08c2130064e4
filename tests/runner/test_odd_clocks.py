"""Clocks that jump and machines that stand still in the middle of a run."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from simtraffic.clock import unix_ns
from simtraffic.collector import Collector
from simtraffic.result.result import RunResult
from simtraffic.runner import RunOptions, run
from simtraffic.scenario import parse_scenario
from tests.told import RICH

if TYPE_CHECKING:
    from pathlib import Path

START_NS = 1_767_225_600_000_000_000
START = "2026-01-01T00:00:00Z"
HOUR_NS = 3_600_000_000_000
STOOD_STILL_S = 1.5


def test_a_wall_clock_that_jumps_is_not_seen_in_what_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The run's own axis is its start and a clock that never jumps."""
    jumps = itertools.cycle([0, HOUR_NS, -HOUR_NS])
    still = unix_ns()
    with Collector(keep=True) as collector:
        monkeypatch.setattr("time.time_ns", lambda: still + next(jumps))
        result = run(
            parse_scenario(RICH.replace("duration: 20s", "duration: 3s")),
            RunOptions(speed=10, start=START),
            endpoint=collector.grpc_endpoint,
        )
        monkeypatch.undo()

        spans = collector.spans()
        assert result.exit_code == 0, result.reasons
        assert all(span.start_time_unix_nano >= START_NS for span in spans)
        assert all(span.end_time_unix_nano < START_NS + HOUR_NS for span in spans)
        assert collector.counts().faults == {}
        assert result.schedule.lateness_seconds.max is not None
        assert result.schedule.lateness_seconds.max < 60


@pytest.mark.real  # real time: the process does stand still
def test_a_process_that_stands_still_is_late_and_loses_nothing(tmp_path: Path) -> None:
    path, kept = tmp_path / "still.yaml", tmp_path / "result.json"
    path.write_text(RICH.replace("duration: 20s", "duration: 5s"), encoding="utf-8")
    with Collector() as collector:
        command = [sys.executable, "-m", "simtraffic", "run", str(path), "--quiet"]
        command += ["--endpoint", collector.grpc_endpoint, "--result", str(kept)]
        with subprocess.Popen(command) as process:
            assert collector.wait_for("traces", 1, 30.0)
            os.kill(process.pid, signal.SIGSTOP)
            threading.Event().wait(STOOD_STILL_S)
            os.kill(process.pid, signal.SIGCONT)
            code = process.wait(60)
        arrived = collector.counts()
    result = RunResult.from_dict(json.loads(kept.read_text(encoding="utf-8")))

    assert code == 0, result.reasons
    assert result.schedule.skipped == 0
    assert arrived.spans == result.signals["traces"].accepted
    assert result.schedule.lateness_seconds.max is not None
    # It was due to hand over something while it stood, at most a tick before it went on.
    assert result.schedule.lateness_seconds.max > STOOD_STILL_S / 2
