from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from simtraffic.collector.counts import Faults
from simtraffic.collector.metrics import MetricCheck

START_NS = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z
CUMULATIVE, DELTA = 2, 1


def request(
    kind: str, points: list[dict[str, Any]], *, name: str = "m", **data: Any
) -> ExportMetricsServiceRequest:
    built = ExportMetricsServiceRequest()
    metric = built.resource_metrics.add().scope_metrics.add().metrics.add(name=name)
    holder = getattr(metric, kind)
    if kind not in ("gauge", "summary"):
        data.setdefault("aggregation_temporality", CUMULATIVE)
    for key, value in data.items():
        setattr(holder, key, value)
    for given in points:
        point = {"start_time_unix_nano": START_NS, "time_unix_nano": START_NS + 1, **given}
        attribute = point.pop("attribute", "")
        added = holder.data_points.add(**point)
        if attribute:
            added.attributes.add(key="a").value.string_value = attribute
    return built


def total(value: int, seconds: int = 1, **more: Any) -> ExportMetricsServiceRequest:
    point = {"as_int": value, "time_unix_nano": START_NS + seconds, **more}
    return request("sum", [point], is_monotonic=True)


def histogram(**given: Any) -> ExportMetricsServiceRequest:
    good = {"count": 3, "sum": 4.0, "bucket_counts": [1, 2, 0], "explicit_bounds": [1.0, 2.0]}
    return request("histogram", [{**good, **given}])


def checked(*requests: ExportMetricsServiceRequest, generation: int = 1000) -> dict[str, int]:
    faults = Faults()
    check = MetricCheck(faults, generation)
    for each in requests:
        check.check(each)
    return faults.found


@pytest.mark.parametrize(
    "good",
    [
        request("gauge", [{"as_double": -1.0}]),
        request("sum", [{"as_int": -5}]),
        request("sum", [{"as_int": 5}], aggregation_temporality=DELTA, is_monotonic=True),
        request("sum", [{"flags": 1}]),
        request("summary", [{"count": 2}]),
        histogram(),
        histogram(bucket_counts=[], explicit_bounds=[]),
        request("exponential_histogram", [{"count": 3, "zero_count": 3}]),
        total(0),
    ],
)
def test_good_points_have_no_faults(good: ExportMetricsServiceRequest) -> None:
    assert checked(good) == {}


def test_points_are_counted_over_all_metrics() -> None:
    check = MetricCheck(Faults())

    assert check.check(request("gauge", [{"as_int": 1}, {"as_int": 2}])) == 2
    assert check.check(ExportMetricsServiceRequest()) == 0


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (request("gauge", [{"as_int": 1}], name=""), "metric has no name"),
        (request("gauge", [{"as_int": 1, "time_unix_nano": 0, "start_time_unix_nano": 0}]),
         "m: point has no time"),
        (request("gauge", [{"as_int": 1, "time_unix_nano": START_NS - 1}]),
         "m: point starts after its time"),
        (request("gauge", [{}]), "m: point has no value"),
        (request("sum", [{"as_int": 1}], aggregation_temporality=0),
         "m: temporality is unspecified"),
        (total(-1), "m: monotonic sum is negative"),
        (histogram(count=4), "m: buckets do not add up to the count"),
        (histogram(bucket_counts=[3]), "m: bucket counts are not one more than bounds"),
        (histogram(explicit_bounds=[2.0, 1.0]), "m: bounds are not in ascending order"),
        (histogram(explicit_bounds=[1.0, 1.0]), "m: bounds are not in ascending order"),
        (histogram(sum=float("nan")), "m: sum is not a finite number"),
        (histogram(exemplars=[{"as_double": 9.0}]), "m: exemplar lies in an empty bucket"),
        (histogram(exemplars=[{"as_double": 1.0, "trace_id": b"abc"}]),
         "m: exemplar id has a wrong length"),
        (request("exponential_histogram", [{"count": 3, "zero_count": 2}]),
         "m: buckets do not add up to the count"),
    ],
)  # fmt: skip
def test_each_kind_of_bad_point_has_its_message(
    bad: ExportMetricsServiceRequest, message: str
) -> None:
    assert checked(bad) == {message: 1}


def test_a_metric_without_data_is_a_fault() -> None:
    built = ExportMetricsServiceRequest()
    built.resource_metrics.add().scope_metrics.add().metrics.add(name="empty")

    assert checked(built) == {"metric empty has no data": 1}


def test_the_upper_bound_of_a_bucket_is_inside_it() -> None:
    assert checked(histogram(exemplars=[{"as_double": 1.0}, {"as_double": 2.0}])) == {}
    assert checked(histogram(bucket_counts=[0, 3, 0], exemplars=[{"as_double": 1.0}])) == {
        "m: exemplar lies in an empty bucket": 1
    }


def test_a_cumulative_sum_may_not_go_down_unless_it_starts_anew() -> None:
    message = "m: cumulative stream went down without a new start"

    assert checked(total(5, 1), total(5, 2), total(6, 3)) == {}
    assert checked(total(5, 1), total(4, 2)) == {message: 1}
    assert checked(total(5, 1), total(0, 9, start_time_unix_nano=START_NS + 5)) == {}


def test_a_cumulative_histogram_may_not_lose_counts() -> None:
    later = histogram(count=1, bucket_counts=[1, 0, 0], time_unix_nano=START_NS + 2)

    assert checked(histogram(), later) == {"m: cumulative stream went down without a new start": 1}


def test_a_sum_that_is_not_monotonic_may_go_down() -> None:
    low = request("sum", [{"as_int": 1, "time_unix_nano": START_NS + 2}])

    assert checked(request("sum", [{"as_int": 5}]), low) == {}


def test_points_of_a_stream_come_in_order() -> None:
    message = "m: point is not newer than the last of its stream"

    assert checked(total(5, 2), total(6, 2)) == {message: 1}
    assert checked(total(5, 2), total(6, 1)) == {message: 1}


def test_streams_are_told_apart_by_their_attributes() -> None:
    high = total(5, 1, attribute="x")

    assert checked(high, total(1, 1, attribute="y"), total(2, 2, attribute="y")) == {}


def test_the_memory_of_streams_is_bounded() -> None:
    check = MetricCheck(Faults(), generation=10)

    for number in range(500):
        check.check(total(1, attribute=str(number)))

    assert len(check._young) + len(check._old) <= 20
