"""A whole run against the collector in this process: what left is what arrived."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from simtraffic.clock import RealClock
from simtraffic.collector import Collector
from simtraffic.errors import UsageError
from simtraffic.export.environment import ExportOptions
from simtraffic.export.file import FileSink
from simtraffic.ledger import Ledger
from simtraffic.runner import RunOptions, StopSignal, plan, run, simulate
from simtraffic.runner.counts import plan_rest
from simtraffic.runner.playback import Playback
from simtraffic.runner.real_time import real_time
from simtraffic.runner.setup import Setup
from simtraffic.scenario import parse_scenario, with_overrides
from tests.asking import Calls
from tests.told import RICH

if TYPE_CHECKING:
    from pathlib import Path

    from simtraffic.result.result import RunResult
    from simtraffic.result.snapshot import Snapshot

START = "2026-01-01T00:00:00Z"
BRIEF = RICH.replace("duration: 20s", "duration: 4s").replace("interval: 5s", "interval: 1s")
ARRIVED = {"traces": "spans", "metrics": "data_points", "logs": "log_records"}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector("127.0.0.1:0", "127.0.0.1:0", keep=True) as started:
        yield started


def assert_balanced(result: RunResult) -> None:
    """The two laws."""
    schedule = result.schedule
    assert schedule.planned == schedule.generated + schedule.skipped
    for signal in result.signals.values():
        accounted = signal.accepted + signal.rejected + signal.failed + signal.dropped
        assert signal.generated == accounted


def assert_whole_traces(spans: list[Any]) -> None:
    """Every trace has its root, and every parent is there."""
    known = {(span.trace_id, span.span_id) for span in spans}
    roots = {span.trace_id for span in spans if not span.parent_span_id}
    for span in spans:
        assert span.trace_id in roots
        if span.parent_span_id:
            assert (span.trace_id, span.parent_span_id) in known


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf", "http/json"])
@pytest.mark.parametrize("speed", ["max", pytest.param(50.0, marks=pytest.mark.long)])
def test_everything_arrives_as_the_ledger_says(
    collector: Collector, protocol: str, speed: str | float
) -> None:
    """Every protocol, both ways of time: counts agree and the receiver finds no fault."""
    endpoint = collector.grpc_endpoint if protocol == "grpc" else collector.http_endpoint

    result = run(
        parse_scenario(BRIEF),
        RunOptions(
            receiver=ExportOptions(endpoint=endpoint, protocol=protocol), speed=speed, start=START
        ),
    )

    counts = collector.counts().as_dict()
    assert counts["faults"] == []
    for signal, name in ARRIVED.items():
        assert counts[name] == result.signals[signal].accepted > 0
    assert result.exit_code == 0
    assert_balanced(result)
    assert_whole_traces(collector.spans())


def test_file_and_receiver_get_the_same(collector: Collector, tmp_path: Path) -> None:
    """With both, both get everything, and it is counted once."""
    path = tmp_path / "out.jsonl"

    result = run(
        parse_scenario(BRIEF),
        RunOptions(speed="max", start=START),
        endpoint=collector.grpc_endpoint,
        out=str(path),
    )

    ids = {
        span["spanId"]
        for line in path.read_text().splitlines()
        for resource in json.loads(line).get("resourceSpans", [])
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    }
    assert ids == {span.span_id.hex() for span in collector.spans()}
    assert result.signals["traces"].generated == len(ids)


def test_stopping_tells_what_has_arrived_to_its_end(collector: Collector) -> None:
    """No half traces: arrived requests are complete, the rest is skipped, the ledger balances."""
    stop = StopSignal()

    def watch(snapshot: Snapshot) -> None:
        if snapshot.requests > 20:
            stop.request()

    long = RICH.replace("duration: 20s", "duration: 10m")
    result = run(
        parse_scenario(long),
        RunOptions(speed=2.0, start=START),
        endpoint=collector.grpc_endpoint,
        stop=stop,
        watchers=[Calls(see=watch)],
    )

    assert result.exit_code == 130
    assert result.schedule.skipped > 10_000
    assert result.schedule.generated > 20
    assert_balanced(result)
    assert_whole_traces(collector.spans())
    assert collector.counts().as_dict()["spans"] == result.signals["traces"].accepted
    assert sum(stage.planned for stage in result.stages) == result.schedule.planned


def test_the_drain_cuts_whole_requests(tmp_path: Path) -> None:
    """What would end too late is skipped, never told by half; the same at any speed."""
    path = tmp_path / "out.jsonl"

    whole = run(parse_scenario(BRIEF), RunOptions(start=START), out=str(path))
    cut = run(parse_scenario(BRIEF), RunOptions(start=START, drain_ns=100_000_000), out=str(path))

    assert whole.schedule.skipped == 0
    assert 0 < cut.schedule.skipped < cut.schedule.planned
    assert cut.schedule.planned == whole.schedule.planned
    assert_balanced(cut)
    ends = [
        int(span["endTimeUnixNano"])
        for line in path.read_text().splitlines()
        for resource in json.loads(line).get("resourceSpans", [])
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]
    assert max(ends) <= 1_767_225_600_000_000_000 + 4_100_000_000


@pytest.fixture
def mute() -> Iterator[str]:
    """An endpoint that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_built_in_collector_that_dies_costs_what_it_did_not_take_and_not_the_ledger(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from simtraffic.collector import embedded

    started: list[embedded.EmbeddedCollector] = []

    class Mortal(embedded.EmbeddedCollector):
        def __init__(self) -> None:
            super().__init__()
            started.append(self)

    monkeypatch.setattr(embedded, "EmbeddedCollector", Mortal)
    monkeypatch.setattr("simtraffic.runner.destination.listens", lambda _host, _port: False)

    result = run(
        parse_scenario(BRIEF),
        RunOptions(speed="max", drain_ns=1_000_000_000),
        watchers=[Calls(say=lambda _line: started[0]._process.kill())],
    )

    assert result.exit_code == 4
    assert_balanced(result)
    assert result.schedule.generated > 0
    assert result.collector is None
    assert any("ended without its counts" in warning for warning in result.warnings)


def test_a_receiver_that_never_answers_costs_everything_and_says_so(mute: str) -> None:
    """Exit code 4; what was lost, when and why."""
    result = run(
        parse_scenario(BRIEF),
        RunOptions(speed="max", start=START, drain_ns=1_000_000_000),
        endpoint=mute,
    )

    assert result.exit_code == 4
    assert_balanced(result)
    assert result.signals["traces"].accepted == 0
    assert {loss.signal for loss in result.losses} == {"traces", "metrics", "logs"}
    assert all(
        loss.reason and loss.count and loss.first_ns <= loss.last_ns for loss in result.losses
    )


def test_a_full_queue_drops_and_never_waits_with_a_clock(mute: str) -> None:
    """An open model: the schedule goes on, what does not fit is counted as dropped."""
    result = run(
        parse_scenario(BRIEF),
        RunOptions(speed=20.0, start=START, queue_bytes=50_000, drain_ns=1_000_000_000),
        endpoint=mute,
    )

    assert result.signals["traces"].dropped > 0
    # Only what the drain cuts is skipped: the schedule went through to its end.
    assert result.schedule.generated > 0.8 * result.schedule.planned
    assert_balanced(result)


@pytest.mark.parametrize("signals", ["traces, metrics, logs", "traces", "metrics", "logs"])
def test_nothing_is_late_in_simulated_time(tmp_path: Path, signals: str) -> None:
    """Zero and not unknown, whatever is told: `logs` alone has no record, as nothing fails."""
    text = BRIEF + "thresholds: ['p99(lateness) < 1ms']\n"
    scenario = parse_scenario(text)
    settings = {"conventions": ("gen_ai",), "signals": tuple(signals.split(", "))}
    telemetry = scenario.telemetry.model_copy(update=settings)
    scenario = scenario.model_copy(update={"telemetry": telemetry, "errors": {}})

    result = run(scenario, RunOptions(start=START), out=str(tmp_path / "o"))

    late = result.schedule.lateness_seconds
    assert (late.p50, late.p99, late.max) == (0, 0, 0)
    assert result.exit_code == 0


@pytest.mark.parametrize("speed", ["fast", "-1", "nan", 0, "0"])
def test_a_speed_that_is_none_is_refused(speed: str | float) -> None:
    with pytest.raises(UsageError, match="--speed"):
        run(parse_scenario(BRIEF), RunOptions(speed=speed), out="-")


@pytest.mark.parametrize("start", ["yesterday", "1969-12-31T23:59:59Z", "2400-01-01T00:00:00Z"])
def test_a_start_that_is_none_is_refused(start: str) -> None:
    with pytest.raises(UsageError, match="--start"):
        run(parse_scenario(BRIEF), RunOptions(start=start), out="-")


def test_simulate_gives_the_tables_that_run_tells() -> None:
    """The library's iterator: the same requests as a run's."""
    scenario = parse_scenario(BRIEF)

    blocks = list(simulate(scenario, start=START))

    assert (
        sum(len(block) for block in blocks)
        == run(scenario, RunOptions(start=START), out="/dev/null").schedule.generated
    )


class TestPlan:
    """What a run would do."""

    EVEN = BRIEF.replace("load:\n", "load:\n  arrivals: even\n")

    def test_even_arrivals_are_foretold_exactly(self, tmp_path: Path) -> None:
        """Requests, spans, points, records, bytes, and the traffic of every model."""
        scenario = parse_scenario(self.EVEN)
        foretold = plan(scenario)

        result = run(scenario, RunOptions(start=START), out=str(tmp_path / "o"))

        assert foretold.schedule.planned == result.schedule.planned == 100
        for signal, got in result.signals.items():
            assert foretold.signals[signal].generated == got.generated
        for ours, theirs in zip(foretold.traffic, result.traffic, strict=True):
            assert (ours.flow, ours.model) == (theirs.flow, theirs.model)
            assert (ours.requests, ours.attempts) == (theirs.requests, theirs.attempts)
            assert ours.cost_usd == pytest.approx(theirs.cost_usd)

    def test_shards_of_even_arrivals_add_up(self) -> None:
        scenario = parse_scenario(self.EVEN)

        parts = [plan(scenario, shard=f"{k}/3").schedule.planned for k in (1, 2, 3)]

        assert sum(parts) == plan(scenario).schedule.planned

    @pytest.mark.long
    def test_a_long_run_is_estimated_from_a_sample(self, tmp_path: Path) -> None:
        """Within five per cent of what a run of that load really brings (a sixth is sampled)."""
        text = BRIEF.replace("duration: 4s, rate: 25/s", "duration: 4m, rate: 1500/s")
        scenario = parse_scenario(text.replace("interval: 1s", "interval: 10s"))

        foretold = plan(scenario)

        assert foretold.notes
        short = parse_scenario(text.replace("4m", "20s").replace("interval: 1s", "interval: 10s"))
        real = run(short, RunOptions(start=START), out="/dev/null")
        for signal in ("traces", "logs"):
            per_request = foretold.signals[signal].generated / foretold.schedule.planned
            measured = real.signals[signal].generated / real.schedule.generated
            assert per_request == pytest.approx(measured, rel=0.05)


def test_a_generator_that_cannot_keep_up_skips_and_says_so(tmp_path: Path) -> None:
    """Nothing is lost silently, arrivals neither: exit code 4 and the number of them."""
    scenario = parse_scenario(BRIEF)
    setup = Setup.of(scenario, start=START)
    ledger = Ledger()
    sink = FileSink.open(str(tmp_path / "o"), ledger)
    playback = Playback.of(setup, [sink], ledger=ledger, drain_ns=10**9, give_up_ns=-1)
    counts = playback.counts

    real_time(playback, RealClock(1000.0))
    sink.close()

    assert counts.overloaded
    assert 0 < ledger.generated < playback.setup.schedule.planned()
    plan_rest(counts, setup, playback.position)
    assert counts.planned == playback.setup.schedule.planned()


class TestACutRun:
    """A run shortened by its duration, or one shard of several."""

    THRESHOLDS = BRIEF + (
        "incidents: [{name: late, at: 3s, duration: 1s, errors: {overloaded: 10%}}]\n"
        "thresholds: ['error_share < 100% during late', 'requests > 10']\n"
    )

    def test_does_not_judge_what_it_never_comes_to(self, tmp_path: Path) -> None:
        scenario = parse_scenario(self.THRESHOLDS)

        cut = run(scenario, RunOptions(start=START, duration_ns=2 * 10**9), out=str(tmp_path / "o"))

        assert [(t.value is None, t.passed) for t in cut.thresholds] == [
            (True, True),
            (False, True),
        ]
        assert cut.thresholds[0].note == "not judged: this run ends before late"

    def test_still_fails_where_nothing_matched_in_a_whole_run(self, tmp_path: Path) -> None:
        text = self.THRESHOLDS.replace("during late", "where flow=support").replace(
            "share: 5", "share: 0.0001"
        )

        whole = run(parse_scenario(text), RunOptions(start=START), out=str(tmp_path / "o"))

        assert (whole.thresholds[0].value, whole.thresholds[0].passed) == (None, False)

    def test_a_user_keeps_the_name_of_a_stage(self, tmp_path: Path) -> None:
        text = (
            BRIEF.replace("name: only", "name: hold") + "thresholds: ['requests < 120 during hold']"
        )

        result = run(
            parse_scenario(text),
            RunOptions(start=START, duration_ns=20 * 10**9),
            out=str(tmp_path / "o"),
        )

        assert [stage.name for stage in result.stages] == ["hold", "hold-on"]
        assert result.thresholds[0].passed

    @pytest.mark.parametrize("duration_ns", [0, -1])
    def test_of_no_length_is_refused(self, duration_ns: int) -> None:
        with pytest.raises(UsageError, match="--duration"):
            run(parse_scenario(BRIEF), RunOptions(duration_ns=duration_ns), out="-")

    def test_beyond_all_measure_is_refused(self) -> None:
        huge = with_overrides(parse_scenario(BRIEF), scale=1e12)

        with pytest.raises(UsageError, match="more requests than can be simulated"):
            run(huge, out="-")
