"""Runs that end badly: nothing is lost without a word."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from simtraffic.result.result import RunResult
from tests.real.programs import PATIENCE_S, otelcol, simtraffic_run, wait_until
from tests.real.telemetry import counts, items_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.real.programs import Door

pytestmark = pytest.mark.real


def test_a_collector_killed_half_way_leaves_a_balanced_ledger_that_says_what_was_lost(
    long_scenario: Path, tmp_path: Path
) -> None:
    kept, said = tmp_path / "result.json", tmp_path / "stderr.txt"
    with (
        otelcol(tmp_path) as door,
        simtraffic_run(
            *(long_scenario, "--endpoint", door.grpc, "--result", kept),
            *("--speed", "20", "--duration", "80s", "--drain", "3s"),
            stderr=said,
        ) as process,
    ):
        wait_until(lambda: something_arrived(door), "telemetry to arrive", process)
        door.running.kill()
        code = process.wait(PATIENCE_S)
    result, summary = result_in(kept), said.read_text(encoding="utf-8")

    assert code == 4, summary
    assert (result.verdict, result.exit_code) == ("failed", 4)
    assert_balanced(result)
    for name, each in result.signals.items():
        assert each.failed + each.dropped > 0, f"{name} were lost, as half of the run was ahead"
    assert sum(each.accepted for each in result.signals.values()) > 0
    lost = dict.fromkeys(result.signals, 0)
    for loss in result.losses:
        lost[loss.signal] += loss.count
        assert result.start_ns <= loss.first_ns <= loss.last_ns
        # A long reason goes over several lines of its column.
        assert loss.reason in " ".join(summary.split())
    assert lost == {name: each.lost for name, each in result.signals.items()}
    for name, each in result.signals.items():
        assert f"{each.lost:,}" in summary, f"how many {name} were lost"


def test_an_interrupted_run_has_delivered_exactly_what_its_ledger_says(
    long_scenario: Path, tmp_path: Path
) -> None:
    """The collector is ended after the run and flushes, so that both can be compared."""
    kept, said = tmp_path / "result.json", tmp_path / "stderr.txt"
    with (
        otelcol(tmp_path) as door,
        simtraffic_run(
            *(long_scenario, "--endpoint", door.grpc, "--result", kept, "--speed", "5"),
            stderr=said,
        ) as process,
    ):
        wait_until(lambda: something_arrived(door), "telemetry to arrive", process)
        process.send_signal(signal.SIGINT)
        code = process.wait(PATIENCE_S)
        door.stop()
    result, summary = result_in(kept), said.read_text(encoding="utf-8")

    assert code == 130, summary
    assert (result.verdict, result.exit_code) == ("interrupted", 130)
    assert_balanced(result)
    assert result.schedule.generated > 0
    assert counts(items_in(*door.received)) == {
        name: each.accepted for name, each in result.signals.items()
    }
    assert "INTERRUPTED" in summary
    assert "Ledger" in summary


def something_arrived(door: Door) -> bool:
    return all(path.exists() and path.stat().st_size for path in door.received)


def result_in(path: Path) -> RunResult:
    return RunResult.from_dict(json.loads(path.read_text(encoding="utf-8")))


def assert_balanced(result: RunResult) -> None:
    schedule = result.schedule
    assert schedule.planned == schedule.generated + schedule.skipped
    for name, each in result.signals.items():
        ended = each.accepted + each.rejected + each.failed + each.dropped
        assert each.generated == ended, name
