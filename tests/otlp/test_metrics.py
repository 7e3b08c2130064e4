"""Metrics: the official SDK and a row-by-row count are the judges of every series."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View

from simtraffic.conventions.load import ALWAYS_ON, load_convention
from simtraffic.metrics.cells import BucketFinder
from simtraffic.runner.emission import context_of, emitter_of
from tests.otlp.official import rows_of
from tests.told import merged, setup

SECOND = 1_000_000_000


def collected(run: Any, at_ns: int | None = None) -> Any:
    """All of a run measured, one collection at its end."""
    telemetry = emitter_of(run)
    exchanges = run.simulator.simulate_blocks(run.blocks())
    end = int(exchanges.requests.end_ns.max()) if at_ns is None else at_ns
    telemetry.aggregator.interval_ns = end
    telemetry.measure(telemetry.ordered(telemetry.frames(exchanges)))
    return exchanges, merged(telemetry.collect(end), "metrics")


def measurements(run: Any, exchanges: Any) -> dict[str, list[tuple[int, dict[str, Any], float]]]:
    """What each counter and histogram should be told, row by row: instance, attributes, value."""
    conventions = [load_convention(n) for n in (*run.scenario.telemetry.conventions, ALWAYS_ON)]
    found: dict[str, list[tuple[int, dict[str, Any], float]]] = defaultdict(list)
    for kind, row in rows_of(exchanges, context_of(run)):
        instance = int(row.rows.of_request("instance")[row.index])
        for metric in (m for c in conventions for m in c.metrics):
            if metric.table != kind or metric.instrument == "gauge" or not row.holds(metric.when):
                continue
            for measure in metric.measures:
                if not row.holds(measure.when):
                    continue
                attributes = row.attributes((*metric.attributes, *measure.attributes))
                value = 1 if measure.value is None else row.value(measure.value)
                times = 1 if measure.times is None else row.value(measure.times)
                each = value
                if measure.times is not None and measure.value is not None and times:
                    each = row.number(measure.value.name) / times / measure.value.divisor
                found[metric.name] += [(instance, attributes, each)] * times
    return found


def points_of(request: Any) -> dict[tuple[str, str], dict[tuple[Any, ...], Any]]:
    """Points by instance and metric, then by attributes."""
    found: dict[tuple[str, str], dict[tuple[Any, ...], Any]] = {}
    for resource in request.resource_metrics:
        names = {a.key: a.value.string_value for a in resource.resource.attributes}
        instance = names.get("service.instance.id", "")
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                data = getattr(metric, metric.WhichOneof("data"))
                found[instance, metric.name] = {key_of(p): p for p in data.data_points}
    return found


def key_of(point: Any) -> tuple[Any, ...]:
    return tuple(sorted((a.key, a.value.SerializeToString()) for a in point.attributes))


@pytest.fixture(scope="module")
def rich() -> Any:
    """A run of every shape, collected once, and what the SDK makes of the same measurements."""
    run = setup(conventions=("gen_ai", "llm", "simtraffic"))
    exchanges, ours = collected(run)
    told = measurements(run, exchanges)
    specs = {
        m.name: m
        for n in (*run.scenario.telemetry.conventions, ALWAYS_ON)
        for m in load_convention(n).metrics
    }
    theirs = {}
    for index in range(run.scenario.service.instances):
        views = [
            View(
                instrument_name=name,
                aggregation=ExplicitBucketHistogramAggregation(list(m.buckets)),
            )
            for name, m in specs.items()
            if m.instrument == "histogram" and m.buckets
        ]
        reader = InMemoryMetricReader()
        meter = MeterProvider([reader], views=views, shutdown_on_exit=False).get_meter("judge")
        for name, values in told.items():
            metric = specs[name]
            create = (
                meter.create_histogram if metric.instrument == "histogram" else meter.create_counter
            )
            instrument = create(name, unit=metric.unit, description=metric.description)
            record = getattr(instrument, "record", None) or instrument.add
            for instance, attributes, value in values:
                if instance == index:
                    record(value, attributes)
        data = reader.get_metrics_data()
        assert data is not None
        for (_, name), points in points_of(encode_metrics(data)).items():
            theirs[f"llm-gateway-{index + 1}", name] = points
    return run, exchanges, points_of(ours), theirs, told


def test_the_same_series_exist(rich: Any) -> None:
    """Every metric the SDK has points for, with the same attribute sets."""
    _, _, ours, theirs, _ = rich

    counted = {key: points for key, points in ours.items() if key in theirs}

    assert set(counted) == set(theirs)
    assert {k: set(p) for k, p in counted.items()} == {k: set(p) for k, p in theirs.items()}


def test_histograms_equal_those_of_the_sdk(rich: Any) -> None:
    """Counts, buckets, bounds and extremes to the last bit; sums to float addition's rounding."""
    _, _, ours, theirs, _ = rich
    compared = 0
    for name, points in theirs.items():
        for key, judge in points.items():
            point = ours[name][key]
            if not hasattr(judge, "bucket_counts"):
                continue
            compared += 1
            assert list(point.explicit_bounds) == list(judge.explicit_bounds)
            assert list(point.bucket_counts) == list(judge.bucket_counts), name
            assert point.count == judge.count
            assert (point.min, point.max) == (judge.min, judge.max)
            assert point.sum == pytest.approx(judge.sum, rel=1e-12)
    assert compared > 100


def test_counters_equal_those_of_the_sdk(rich: Any) -> None:
    """Whole numbers exactly, money to float addition's rounding."""
    _, _, ours, theirs, _ = rich
    compared = 0
    for name, points in theirs.items():
        for key, judge in points.items():
            if hasattr(judge, "bucket_counts"):
                continue
            compared += 1
            point = ours[name][key]
            assert point.WhichOneof("value") == judge.WhichOneof("value")
            assert point.as_int == judge.as_int
            assert point.as_double == pytest.approx(judge.as_double, rel=1e-12)
    assert compared > 50


def test_exemplars_point_at_the_spans_they_were_measured_on(rich: Any) -> None:
    """Each lies in a bucket that counts it, and its trace and span exist with that value."""
    _, exchanges, ours, _, _ = rich
    known = {
        (bytes(trace.tobytes()), int(span).to_bytes(8, "little"))
        for table in (exchanges.operations, exchanges.attempts)
        for trace, span in zip(
            exchanges.requests.trace_id[table.request], table.span_id, strict=True
        )
    } | {
        (bytes(trace.tobytes()), int(span).to_bytes(8, "little"))
        for trace, span in zip(exchanges.requests.trace_id, exchanges.requests.span_id, strict=True)
    }
    seen = 0
    for points in ours.values():
        for point in points.values():
            if not hasattr(point, "bucket_counts"):
                continue
            used = []
            for exemplar in point.exemplars:
                value = exemplar.as_double or exemplar.as_int
                bucket = int(np.searchsorted(point.explicit_bounds, value, side="left"))
                used.append(bucket)
                assert point.bucket_counts[bucket] > 0
                assert (exemplar.trace_id, exemplar.span_id) in known
                seen += 1
            assert len(used) == len(set(used))
    assert seen > 200


def test_exemplars_point_only_at_kept_spans() -> None:
    """With sampling, metrics stay whole and name no span that was left out."""
    run = setup(sampling=0.25)
    exchanges, request = collected(run)
    _, whole = collected(setup())
    requests, count = exchanges.requests, 0
    kept = {trace.tobytes() for trace in requests.trace_id[requests.sampled]}
    for points in points_of(request).values():
        for point in points.values():
            for exemplar in getattr(point, "exemplars", []):
                assert exemplar.trace_id in kept
                count += 1

    assert count > 50
    assert 0 < len(kept) < len(requests) / 2
    ours, theirs = points_of(request), points_of(whole)
    for name, points in theirs.items():
        for key, point in points.items():
            if hasattr(point, "bucket_counts"):
                assert ours[name][key].count == point.count


def test_cumulative_points_grow_and_end_at_the_whole() -> None:
    """Collected every five seconds or once, the last values are the same."""
    run = setup()
    _, whole = collected(run)
    telemetry = emitter_of(run)
    exchanges = run.simulator.simulate_blocks(run.blocks())
    telemetry.measure(telemetry.ordered(telemetry.frames(exchanges)))
    end = int(exchanges.requests.end_ns.max())
    last: dict[Any, Any] = {}
    before: dict[Any, int] = {}
    while telemetry.metrics.next_ns() < end + 5 * SECOND:
        request = merged(telemetry.collect(min(telemetry.metrics.next_ns(), end)), "metrics")
        for name, points in points_of(request).items():
            for key, point in points.items():
                last[name, key] = point
                if hasattr(point, "bucket_counts"):
                    assert point.count >= before.get((name, key), 0)
                    before[name, key] = point.count
    for name, points in points_of(whole).items():
        for key, point in points.items():
            if hasattr(point, "bucket_counts") and "memory" not in name[1]:
                assert list(last[name, key].bucket_counts) == list(point.bucket_counts)
                assert last[name, key].sum == point.sum
                assert last[name, key].start_time_unix_nano == point.start_time_unix_nano


def test_delta_points_add_up_to_the_whole() -> None:
    """With delta temporality the sum over all collections is the cumulative value."""
    cumulative = setup()
    _, whole = collected(cumulative)
    metrics = cumulative.scenario.telemetry.metrics.model_copy(update={"temporality": "delta"})
    run = setup(metrics=metrics)
    telemetry = emitter_of(run)
    exchanges = run.simulator.simulate_blocks(run.blocks())
    telemetry.measure(telemetry.ordered(telemetry.frames(exchanges)))
    end = int(exchanges.requests.end_ns.max())
    added: dict[Any, int] = defaultdict(int)
    starts: list[int] = []
    while telemetry.metrics.next_ns() < end + 5 * SECOND:
        request = merged(telemetry.collect(min(telemetry.metrics.next_ns(), end)), "metrics")
        for name, points in points_of(request).items():
            for key, point in points.items():
                if hasattr(point, "bucket_counts"):
                    added[name, key] += point.count
                    starts.append(point.start_time_unix_nano)
    assert len(set(starts)) > 3
    for name, points in points_of(whole).items():
        for key, point in points.items():
            if hasattr(point, "bucket_counts") and "memory" not in name[1]:
                assert added[name, key] == point.count


def test_open_calls_are_those_under_way_at_the_collection() -> None:
    """The gauge counts the attempts that began by then and have not ended."""
    run = setup()
    telemetry = emitter_of(run)
    exchanges = run.simulator.simulate_blocks(run.blocks())
    telemetry.measure(telemetry.frames(exchanges))
    at = 10 * SECOND
    list(telemetry.collect(5 * SECOND))
    points = points_of(merged(telemetry.collect(at), "metrics"))
    attempts = exchanges.attempts
    instance = exchanges.requests.instance[attempts.request]
    under_way = (attempts.start_ns <= at) & (attempts.end_ns > at)
    for number in range(2):
        shown = points[f"llm-gateway-{number + 1}", "llm.connections.active"]
        assert sum(p.as_int for p in shown.values()) == int(
            (under_way & (instance == number)).sum()
        )
    assert under_way.any()


@pytest.mark.parametrize("bounds", [[0.5], [1, 2, 4], [1e6, 1.5e6, 1e9], [10, 10.0001], [-1, 5]])
def test_buckets_are_found_as_by_a_binary_search(bounds: list[float]) -> None:
    """Also on the bounds themselves, right beside them, and far away."""
    edges = np.array(bounds, dtype=np.float64)
    near = np.concatenate([np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf), edges])
    values = np.concatenate([near, [0.0, -3.0, 1e-300, 1e300], np.geomspace(1e-3, 1e12, 500)])

    found = BucketFinder(edges).find(values)

    assert (found == np.searchsorted(edges, values, side="left")).all()
