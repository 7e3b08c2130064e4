"""Collectors that are killed three times during a run, at 20,000 spans a second."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING

import pytest

from simtraffic import load_scenario, run
from simtraffic.export.environment import ExportOptions
from simtraffic.runner import RunOptions
from tests.asking import Calls
from tests.real import revived
from tests.real.programs import PATIENCE_S, rotel
from tests.real.test_endings import assert_balanced

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from simtraffic import RunResult
    from simtraffic.result.snapshot import Snapshot
    from tests.real.programs import Door

pytestmark = pytest.mark.real

# An operation is a root, an operation and an attempt, and few are retried: three spans a request.
RATE, DURATION_S = 6_800, 12
SCENARIO = f"""\
version: 1
name: kills
seed: 5
service: {{name: llm-gateway, instances: 4}}
load:
  start: {RATE}/s
  stages: [{{name: hold, duration: {DURATION_S}s, rate: {RATE}/s}}]
traffic:
  - name: embeddings
    workflow: embeddings
    share: 1
    tokens: embeddings
    models: {{openai/text-embedding-3-small: 1}}
telemetry: {{signals: [traces, metrics], metrics: {{interval: 2s}}}}
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "kills.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_what_a_killed_collector_answered_for_is_in_its_file(
    scenario: Path, tmp_path: Path, protocol: str
) -> None:
    result, collector = run_over_kills(revived.otelcol(tmp_path), scenario, protocol)
    traces = result.signals["traces"]

    assert traces.generated > 20_000 * DURATION_S
    assert revived.spans(collector) >= traces.accepted
    # Each time it was back in a moment, and all that had failed was tried again.
    assert traces.accepted == traces.generated
    assert (result.exit_code, result.verdict) == (0, "passed")
    assert traces.retries > 0


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_every_span_sent_to_a_killed_rotel_is_accounted_for(
    scenario: Path, tmp_path: Path, protocol: str
) -> None:
    result, _ = run_over_kills(rotel(tmp_path), scenario, protocol)
    traces = result.signals["traces"]

    assert traces.generated > 20_000 * DURATION_S
    assert traces.accepted == traces.generated
    assert traces.retries > 0


def run_over_kills(
    started: AbstractContextManager[Door], scenario: Path, protocol: str
) -> tuple[RunResult, Door]:
    """The result of a run whose collector dies three times and is gone for a second or longer."""
    eighths = [Event() for _ in range(8)]

    def watch(snapshot: Snapshot) -> None:
        for event in eighths[: 8 * snapshot.elapsed_ns // snapshot.duration_ns]:
            event.set()

    def kill(collector: Door) -> None:
        for number, event in enumerate(eighths[:6]):
            assert event.wait(2 * PATIENCE_S)
            if number % 2 == 0:
                collector.running.kill()
            else:
                revived.revive(collector)

    with started as collector, ThreadPoolExecutor(1) as pool:
        killing = pool.submit(kill, collector)
        result = run(
            load_scenario(scenario),
            RunOptions(
                receiver=ExportOptions(endpoint=collector.endpoint(protocol), protocol=protocol)
            ),
            watchers=[Calls(see=watch)],
        )
        killing.result()
    assert_balanced(result)
    assert result.schedule.skipped == 0
    return result, collector
