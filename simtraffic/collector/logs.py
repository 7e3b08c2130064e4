"""Checks on received log records."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    from simtraffic.collector.counts import Faults

_ZERO_TRACE = bytes(16)
_ZERO_SPAN = bytes(8)
_MOST_SEVERE = 24


class LogCheck:
    """Log records, each by itself."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def check(self, request: ExportLogsServiceRequest) -> int:
        """Check a request; returns the number of its records."""
        records = [
            record
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]
        traces = [record.trace_id for record in records]
        if not {0, 16}.issuperset(map(len, traces)) or _ZERO_TRACE in traces:
            bad = sum(len(each) not in {0, 16} or each == _ZERO_TRACE for each in traces)
            self._faults.add("log record's trace id is not 16 bytes, or all zero", bad)
        spans = [record.span_id for record in records]
        if not {0, 8}.issuperset(map(len, spans)) or _ZERO_SPAN in spans:
            bad = sum(len(each) not in {0, 8} or each == _ZERO_SPAN for each in spans)
            self._faults.add("log record's span id is not 8 bytes, or all zero", bad)
        timeless = sum(
            not (record.time_unix_nano or record.observed_time_unix_nano) for record in records
        )
        self._faults.add("log record has neither time nor observed time", timeless)
        unknown = sum(not 0 <= record.severity_number <= _MOST_SEVERE for record in records)
        self._faults.add("log record's severity is unknown", unknown)
        return len(records)
