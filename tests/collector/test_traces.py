from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from simtraffic.collector.counts import Faults
from simtraffic.collector.traces import MISSING_PARENT, TraceCheck

START_NS = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z


def request(*spans: Mapping[str, Any]) -> ExportTraceServiceRequest:
    built = ExportTraceServiceRequest()
    scope = built.resource_spans.add().scope_spans.add()
    for given in spans:
        span: dict[str, Any] = {
            "trace_id": b"T" * 16,
            "span_id": b"S" * 8,
            "name": "chat",
            "kind": 3,
            "start_time_unix_nano": START_NS,
            "end_time_unix_nano": START_NS + 1,
            **given,
        }
        scope.spans.add(**span)
    return built


def span_id(number: int) -> bytes:
    return number.to_bytes(8, "big")


def checked(*requests: ExportTraceServiceRequest, generation: int = 1000) -> dict[str, int]:
    faults = Faults()
    check = TraceCheck(faults, generation)
    for each in requests:
        check.check(each)
    faults.add(MISSING_PARENT, check.orphans)
    return faults.found


def test_a_good_family_has_no_faults_in_whatever_order_it_comes() -> None:
    root = {"span_id": span_id(1)}
    child = {"span_id": span_id(2), "parent_span_id": span_id(1)}

    assert checked(request(root, child)) == {}
    assert checked(request(child, root)) == {}
    assert checked(request(child), request(root)) == {}


def test_spans_are_counted() -> None:
    check = TraceCheck(Faults())

    assert check.check(request({"span_id": span_id(1)}, {"span_id": span_id(2)})) == 2
    assert check.check(request()) == 0


@pytest.mark.parametrize(
    ("span", "message"),
    [
        ({"trace_id": b"short"}, "trace id is not 16 bytes, or all zero"),
        ({"trace_id": bytes(16)}, "trace id is not 16 bytes, or all zero"),
        ({"span_id": b"longer than eight"}, "span id is not 8 bytes, or all zero"),
        ({"span_id": bytes(8)}, "span id is not 8 bytes, or all zero"),
        ({"end_time_unix_nano": START_NS - 1}, "span ends before it starts"),
        (
            {"start_time_unix_nano": 1_767_225_600},
            "span time is outside the years 2000 to 2100; wrong unit?",
        ),
        (
            {"end_time_unix_nano": START_NS * 3},
            "span time is outside the years 2000 to 2100; wrong unit?",
        ),
        ({"kind": 0}, "span kind is unspecified or unknown"),
        ({"kind": 6}, "span kind is unspecified or unknown"),
        ({"name": ""}, "span has no name"),
    ],
)
def test_one_bad_span_among_good_ones_is_counted_once(
    span: dict[str, object], message: str
) -> None:
    good = {"span_id": span_id(7)}

    assert checked(request(good, span)) == {message: 1}


def test_a_parent_of_wrong_length_is_a_fault() -> None:
    found = checked(request({"parent_span_id": b"abc"}))

    assert found == {"parent span id is not 8 bytes": 1, MISSING_PARENT: 1}


def test_a_span_that_comes_twice_is_a_fault_within_and_across_requests() -> None:
    message = "span id came twice in its trace"

    assert checked(request({}, {})) == {message: 1}
    assert checked(request({}), request({})) == {message: 1}
    assert checked(request({}), request({"trace_id": b"U" * 16})) == {}


def test_a_span_that_comes_again_a_generation_later_is_still_a_fault() -> None:
    faults = Faults()
    check = TraceCheck(faults, generation=10)
    check.check(request({}))

    for number in range(1, 12):
        check.check(request({"span_id": span_id(number)}))
    check.check(request({}))

    assert faults.found == {"span id came twice in its trace": 1}


def test_a_parent_in_another_trace_is_missing() -> None:
    child = {"span_id": span_id(2), "parent_span_id": b"S" * 8, "trace_id": b"U" * 16}

    assert checked(request({}), request(child)) == {MISSING_PARENT: 1}


def test_a_parent_may_come_a_generation_later_and_the_memory_stays_bounded() -> None:
    faults = Faults()
    check = TraceCheck(faults, generation=10)
    check.check(request({"span_id": span_id(1), "parent_span_id": span_id(15)}))

    for number in range(2, 1000):
        check.check(request({"span_id": span_id(number)}))

    assert faults.found == {}
    assert len(check._young) + len(check._old) <= 20
    assert check.orphans == 0


def test_a_parent_that_may_still_be_under_way_is_forgotten_without_a_fault() -> None:
    """At a high rate roots come many spans after their children: memory stays flat, no fault."""
    faults = Faults()
    check = TraceCheck(faults, generation=10)
    check.check(request({"span_id": span_id(1), "parent_span_id": b"nobody!!"}))

    for number in range(2, 1000):
        check.check(request({"span_id": span_id(number)}))

    assert not faults.found
    assert check.orphans == 0
