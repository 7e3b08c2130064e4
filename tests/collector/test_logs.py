from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from simtraffic.collector.counts import Faults
from simtraffic.collector.logs import LogCheck


def checked(**given: Any) -> dict[str, int]:
    faults = Faults()
    built = ExportLogsServiceRequest()
    record = {"time_unix_nano": 1, "severity_number": 9, **given}
    built.resource_logs.add().scope_logs.add().log_records.add(**record)
    assert LogCheck(faults).check(built) == 1
    return faults.found


@pytest.mark.parametrize(
    "good",
    [
        {},
        {"trace_id": b"T" * 16, "span_id": b"S" * 8},
        {"time_unix_nano": 0, "observed_time_unix_nano": 1},
        {"severity_number": 0},
    ],
)
def test_good_records_have_no_faults(good: dict[str, object]) -> None:
    assert checked(**good) == {}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"trace_id": b"abc"}, "log record's trace id is not 16 bytes, or all zero"),
        ({"trace_id": bytes(16)}, "log record's trace id is not 16 bytes, or all zero"),
        ({"span_id": b"abc"}, "log record's span id is not 8 bytes, or all zero"),
        ({"span_id": bytes(8)}, "log record's span id is not 8 bytes, or all zero"),
        ({"time_unix_nano": 0}, "log record has neither time nor observed time"),
        ({"severity_number": 25}, "log record's severity is unknown"),
    ],
)
def test_each_kind_of_bad_record_has_its_message(bad: dict[str, object], message: str) -> None:
    assert checked(**bad) == {message: 1}


def test_an_empty_request_has_no_records() -> None:
    assert LogCheck(Faults()).check(ExportLogsServiceRequest()) == 0
