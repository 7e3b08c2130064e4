"""What was planned, as metrics: counted when due, shown by one writer, judged by the SDK."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from simtraffic.runner import RunOptions, plan, run
from simtraffic.runner.emission import emitter_of
from simtraffic.runner.setup import Setup
from simtraffic.scenario import parse_scenario
from tests.otlp.test_metrics import points_of
from tests.told import merged

if TYPE_CHECKING:
    from pathlib import Path

SECOND = 1_000_000_000
START = "2026-01-01T00:00:00Z"
DUE, RATE, ACTIVE = (f"simtraffic.{n}" for n in ("requests.due", "arrival.rate", "incident.active"))
# Even arrivals of one a second are due at half seconds: every collection meets one.
TEXT = """
version: 1
name: planned
seed: 3
service: {name: gateway, instances: 2}
load:
  arrivals: even
  start: 0/s
  stages: [{name: ramp, duration: 10s, target: 20/s}, {name: hold, duration: 10s, rate: 1/s}]
traffic:
  - name: chat
    workflow: chat
    share: 1
    streaming: 50%
    tokens: chat
    models: {openai/gpt-4o-mini: 1}
  - {name: search, workflow: embeddings, share: 1, tokens: embeddings,
     models: {openai/text-embedding-3-small: 1}}
incidents:
  - {name: early, at: 1s, duration: 4s, slowdown: 2}
  - {name: late, at: 5s, duration: 8s, errors: {overloaded: 50%}}
telemetry: {conventions: [simtraffic, gen_ai], metrics: {interval: 500ms}}
"""
# By hand: the ramp gains two a second each second; the later rate holds at the jump.
RATES = {1: 2.0, 4: 8.0, 9: 18.0, 10: 1.0, 19: 1.0, 21: 0.0}
LASTING = {1: {"early"}, 4: {"early"}, 5: {"late"}, 12: {"late"}, 13: set(), 21: set()}


def prepared(text: str = TEXT, shard: str = "1/1") -> Setup:
    return Setup.of(parse_scenario(text), start=START, shard=shard)


def collections(setup: Setup) -> dict[int, Any]:
    """By time in nanoseconds, the points of every collection until two seconds after the end."""
    telemetry = emitter_of(setup)
    exchanges = setup.simulator.simulate_blocks(list(setup.blocks()))
    telemetry.measure(telemetry.ordered(telemetry.frames(exchanges)))
    found = {}
    while (at := telemetry.metrics.next_ns()) <= 22 * SECOND:
        found[at] = points_of(merged(telemetry.collect(at), "metrics"))
    return found


def sdk_gauge(
    name: str, shown: Sequence[tuple[dict[str, str], float]], time_ns: int
) -> dict[Any, Any]:
    """Points of a gauge as the SDK tells it, at our time."""
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader], shutdown_on_exit=False).get_meter("judge")
    gauge = meter.create_gauge(name)
    for attributes, value in shown:
        gauge.set(value, attributes)
    data = reader.get_metrics_data()
    assert data is not None
    (points,) = points_of(encode_metrics(data)).values()
    for point in points.values():
        point.time_unix_nano = time_ns
        point.ClearField("start_time_unix_nano")
    return points


@pytest.fixture(scope="module")
def told() -> tuple[Setup, dict[int, Any]]:
    setup = prepared()
    return setup, collections(setup)


class TestGauges:
    @pytest.mark.parametrize("second", RATES)
    def test_the_planned_rate_is_the_sdks_gauge(self, told: Any, second: int) -> None:
        setup, found = told
        time_ns = setup.start_unix_ns + second * SECOND

        shown = found[second * SECOND]["gateway-1", RATE]

        assert shown == sdk_gauge(RATE, [({}, RATES[second])], time_ns)

    @pytest.mark.parametrize("second", LASTING)
    def test_each_incident_is_the_sdks_gauge_from_the_start_on(
        self, told: Any, second: int
    ) -> None:
        setup, found = told
        time_ns = setup.start_unix_ns + second * SECOND
        lasting = [
            ({"simtraffic.incident": name}, int(name in LASTING[second]))
            for name in ("early", "late")
        ]

        assert found[second * SECOND]["gateway-1", ACTIVE] == sdk_gauge(ACTIVE, lasting, time_ns)

    def test_one_instance_tells_the_run(self, told: Any) -> None:
        _, found = told

        tellers = {key for points in found.values() for key in points if key[1] in (RATE, ACTIVE)}

        assert tellers == {("gateway-1", RATE), ("gateway-1", ACTIVE)}

    @pytest.mark.parametrize("shard", ["2/3", "3/3"])
    def test_shards_after_the_first_leave_it_to_the_first(self, shard: str) -> None:
        found = collections(prepared(shard=shard))

        names = {name for points in found.values() for _, name in points}

        assert DUE in names
        assert names.isdisjoint({RATE, ACTIVE})

    def test_a_gauge_may_show_each_instance_and_scale(self, tmp_path: Path) -> None:
        """Memory is the instance's own; incidents without attributes of their own add up."""
        own = tmp_path / "own.yaml"
        own.write_text(
            "convention: own\nversion: '1'\nmetrics:\n"
            "  - {name: my.memory, instrument: gauge, of: collection, unit: MB,\n"
            "     measure: [{value: {column: memory_bytes, scale: 1e-6}}]}\n"
            "  - {name: my.incidents, instrument: gauge, of: incident, unit: '1',\n"
            "     measure: [{value: {column: active}, when: {incident: [early, late]}}]}\n"
            "  - {name: my.late, instrument: gauge, of: incident, unit: '1',\n"
            "     when: {incident: late}, measure: [{value: {column: active}}]}\n"
        )
        text = TEXT.replace("[simtraffic, gen_ai]", f"[{own}]").replace("at: 5s", "at: 3s")

        points = collections(prepared(text))[4 * SECOND]

        for instance in ("gateway-1", "gateway-2"):
            (point,) = points[instance, "my.memory"].values()
            assert 220 < point.as_double < 240
        assert [p.as_int for p in points["gateway-1", "my.incidents"].values()] == [2]
        assert [p.as_int for p in points["gateway-1", "my.late"].values()] == [1]


class TestDue:
    @pytest.mark.parametrize("temporality", ["cumulative", "delta"])
    def test_requests_are_counted_when_they_are_due(self, temporality: str) -> None:
        """At every collection, by flow and instance, as a count of due times has it."""
        text = TEXT.replace("interval: 500ms", f"interval: 500ms, temporality: {temporality}")
        setup = prepared(text)
        requests = setup.simulator.simulate_blocks(list(setup.blocks())).requests
        on_a_border = 0

        for at, points in collections(setup).items():
            since = at - SECOND // 2 if temporality == "delta" else 0
            due = (requests.due_ns >= since) & (requests.due_ns < at)
            on_a_border += int((requests.due_ns == at).sum())
            expected = Counter(
                zip(requests.instance[due].tolist(), requests.flow[due].tolist(), strict=True)
            )
            got = {
                (int(instance[-1]) - 1, ["chat", "search"].index(flow_of(point))): point.as_int
                for (instance, name), found in points.items()
                if name == DUE
                for point in found.values()
            }
            assert got == dict(expected)
        assert on_a_border > 5

    @pytest.mark.parametrize("speed", ["max", 200.0])
    def test_at_the_end_all_that_were_planned_are_counted(
        self, tmp_path: Path, speed: str | float
    ) -> None:
        """As fast as possible or by the clock, where arrivals and collections fall together."""
        out = tmp_path / "out"

        result = run(parse_scenario(TEXT), RunOptions(start=START, speed=speed), out=str(out))

        assert result.schedule.planned == result.schedule.generated == 110
        assert sum(last_values(out, DUE).values()) == 110

    def test_shards_add_up_to_what_was_planned(self, tmp_path: Path) -> None:
        parts = []
        for k in (1, 2, 3):
            out = tmp_path / str(k)
            run(parse_scenario(TEXT), RunOptions(start=START, shard=f"{k}/3"), out=str(out))
            parts.append(sum(last_values(out, DUE).values()))

        assert sum(parts) == 110
        assert min(parts) > 0

    def test_rows_of_operations_may_be_counted_at_their_start_too(self, tmp_path: Path) -> None:
        """With a value, and in the interval of the start although the end is later."""
        own = tmp_path / "own.yaml"
        own.write_text(
            "convention: own\nversion: '1'\nmetrics:\n"
            "  - {name: my.tokens, instrument: counter, of: operation, unit: '1', at: start,\n"
            "     when: {generates: true}, measure: [{value: {column: output_tokens}}]}\n"
        )
        setup = prepared(TEXT.replace("[simtraffic, gen_ai]", f"[{own}]"))
        operations = setup.simulator.simulate_blocks(list(setup.blocks())).operations
        begun = operations.start_ns < 10 * SECOND
        ended = operations.end_ns <= 10 * SECOND

        points = collections(setup)[10 * SECOND]

        told = sum(
            p.as_int for key in points if key[1] == "my.tokens" for p in points[key].values()
        )
        assert told == int(operations.output_tokens[begun].sum())
        assert told != int(operations.output_tokens[ended].sum())


def flow_of(point: Any) -> str:
    (attribute,) = point.attributes
    assert attribute.key == "simtraffic.flow"
    return str(attribute.value.string_value)


def last_values(path: Path, name: str) -> dict[Any, int]:
    """The last value of each series of a counter, by instance and attributes."""
    last = {}
    for line in path.read_text().splitlines():
        for resource in json.loads(line).get("resourceMetrics", []):
            owner = json.dumps(resource["resource"])
            for metric in (m for s in resource["scopeMetrics"] for m in s["metrics"]):
                if metric["name"] == name:
                    for point in metric["sum"]["dataPoints"]:
                        last[owner, json.dumps(point["attributes"])] = int(point["asInt"])
    return last


class TestPlan:
    def test_points_are_foretold_exactly(self, tmp_path: Path) -> None:
        scenario = parse_scenario(TEXT)

        result = run(scenario, RunOptions(start=START), out=str(tmp_path / "o"))

        foretold = plan(scenario).signals["metrics"]
        assert foretold.generated == result.signals["metrics"].generated
        assert foretold.bytes == result.signals["metrics"].bytes

    @pytest.mark.parametrize(("shard", "more"), [("1/1", 3), ("1/2", 3), ("2/2", 0)])
    def test_a_sampled_run_counts_the_plan_once(self, shard: str, more: int) -> None:
        """The rate and two incidents at each collection, of the first shard alone."""
        long = TEXT.replace("10s, rate: 1/s", "3h, rate: 20/s").replace("500ms", "10s")
        metrics = {}
        for names in ("[gen_ai]", "[gen_ai, simtraffic]"):
            scenario = parse_scenario(long.replace("[simtraffic, gen_ai]", names))
            foretold = plan(scenario, shard=shard)
            assert foretold.notes
            metrics[names] = foretold.signals["metrics"]
        due = 2 * 2  # instances by flows

        series = [each.series for each in metrics.values()]
        points = [each.generated for each in metrics.values()]

        assert series[1] - series[0] == due + more
        assert points[1] - points[0] == (due + more) * 1081


def test_without_spans_of_operations_attempts_hang_from_the_root(tmp_path: Path) -> None:
    """No span, record or exemplar refers to a span that is not told."""
    own = tmp_path / "own.yaml"
    own.write_text(
        "convention: own\nversion: '1'\nmetrics:\n"
        "  - {name: my.time, instrument: histogram, of: operation, unit: s, buckets: [1],\n"
        "     measure: [{value: {column: duration_ns, scale: 1e-9}}]}\n"
        "logs: [{of: operation, severity: INFO, body: {text: 'in {parent_span_id}'}}]\n"
    )
    text = TEXT.replace("[simtraffic, gen_ai]", f"[{own}, simtraffic]").replace("500ms", "1h")
    telemetry = emitter_of(prepared(text))
    setup = prepared(text)
    exchanges = setup.simulator.simulate_blocks(list(setup.blocks()))
    frames = telemetry.frames(exchanges)
    telemetry.measure(frames)
    chunks = list(telemetry.records(frames))
    roots = {np.uint64(i).tobytes() for i in exchanges.requests.span_id}
    spans = [
        span
        for resource in merged(chunks, "traces").resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    known = {span.span_id for span in spans}
    records = [
        record
        for resource in merged(chunks, "logs").resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]
    points = points_of(merged(telemetry.collect(500 * SECOND), "metrics"))
    exemplars = [
        e
        for (_, name), found in points.items()
        if name == "my.time"
        for point in found.values()
        for e in point.exemplars
    ]

    assert len(spans) == len(exchanges.requests) + len(exchanges.attempts)
    assert {span.parent_span_id for span in spans} == roots | {b""}
    assert {record.span_id for record in records} == roots
    assert all(record.body.string_value == f"in {record.span_id.hex()}" for record in records)
    assert exemplars
    assert {e.span_id for e in exemplars} <= known
