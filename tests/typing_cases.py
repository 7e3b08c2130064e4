"""What a type checker says to somebody who only installs the package.

Read by mypy alone, in its strict mode: each `assert_type` must hold, and each ignored error must be
one, as an ignore that nothing needs is itself an error there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, assert_type

import simtraffic
from simtraffic import (
    Exchanges,
    ExportOptions,
    Loss,
    Page,
    PlanResult,
    RunOptions,
    RunResult,
    Scenario,
    SignalCounts,
    Snapshot,
    StageCounts,
    StopSignal,
    TrafficCounts,
    Watcher,
    load_scenario,
    parse_scenario,
    plan,
    run,
    simulate,
)
from simtraffic.testing import otlp_collector

if TYPE_CHECKING:
    from simtraffic.collector.server import Collector


def scenarios() -> None:
    assert_type(load_scenario("scenario.yaml"), Scenario)
    assert_type(parse_scenario("version: 1"), Scenario)
    load_scenario(1)  # type: ignore[arg-type]


def tables(scenario: Scenario) -> None:
    blocks = simulate(scenario, start="2026-01-01T00:00:00Z", duration_ns=10**9, shard="1/2")
    assert_type(blocks, Iterator[Exchanges])
    for block in blocks:
        assert_type(int(block.operations.input_tokens.sum()), int)
    simulate(scenario, seed=1)  # type: ignore[call-arg]


def plans(scenario: Scenario) -> None:
    planned = plan(scenario, duration_ns=10**9)
    assert_type(planned, PlanResult)
    assert_type(planned.signals["traces"].generated, int)
    assert_type(planned.stages, tuple[StageCounts, ...])


def runs(scenario: Scenario, environ: Mapping[str, str]) -> None:
    receiver = ExportOptions(endpoint="http://localhost:4317", protocol="grpc")
    options = RunOptions(receiver=receiver, environ=environ, speed="max", drain_ns=10**9)
    result = run(scenario, options, watchers=[Looks(), Page(0)], stop=StopSignal())
    assert_type(result, RunResult)
    assert_type(result.passed, bool)
    assert_type(result.signals, dict[str, SignalCounts])
    assert_type(result.traffic, tuple[TrafficCounts, ...])
    assert_type(result.losses, tuple[Loss, ...])
    assert_type(run(scenario, endpoint="http://localhost:4317"), RunResult)
    assert_type(run(scenario, out="telemetry.jsonl"), RunResult)
    RunOptions("max")  # type: ignore[call-arg, arg-type]
    RunOptions(sped="max")  # type: ignore[call-arg]
    options.speed = 2.0  # type: ignore[misc]
    run(scenario, watchers=[print])  # type: ignore[list-item]
    assert_type(simtraffic.__version__, str)


class Looks(Watcher):
    """Hears what it wants to hear alone."""

    def see(self, snapshot: Snapshot) -> None:
        assert_type(snapshot.signals["traces"].accepted, int)
        assert_type(snapshot.elapsed_ns, int)


def fixture(otlp_collector: Collector) -> None:
    assert_type(otlp_collector.grpc_endpoint, str)
    assert_type(otlp_collector.wait_for("traces", 1), bool)


__all__ = ["otlp_collector"]
