"""What an OTLP receiver's answer means: paths, partial success and status messages of each signal.

Follows the OTLP specification 1.11, sections on full success, partial success and failures.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from simtraffic.export import Outcome, SendResult

if TYPE_CHECKING:
    from google.protobuf.message import Message

_LONGEST_MESSAGE = 300
UNREADABLE = "the answer to an accepted request cannot be read"


@dataclass(frozen=True, slots=True)
class OtlpService:
    """The service of one signal: its names over gRPC and HTTP, and what is said there."""

    grpc_service: str
    http_path: str
    request: type[Message]
    response: type[Message]
    rejected_field: str
    """Of the partial success."""

    @property
    def grpc_method(self) -> str:
        """Full name of the export method."""
        return f"/{self.grpc_service}/Export"


SERVICES = {
    "traces": OtlpService(
        grpc_service="opentelemetry.proto.collector.trace.v1.TraceService",
        http_path="/v1/traces",
        request=trace_service_pb2.ExportTraceServiceRequest,
        response=trace_service_pb2.ExportTraceServiceResponse,
        rejected_field="rejected_spans",
    ),
    "metrics": OtlpService(
        grpc_service="opentelemetry.proto.collector.metrics.v1.MetricsService",
        http_path="/v1/metrics",
        request=metrics_service_pb2.ExportMetricsServiceRequest,
        response=metrics_service_pb2.ExportMetricsServiceResponse,
        rejected_field="rejected_data_points",
    ),
    "logs": OtlpService(
        grpc_service="opentelemetry.proto.collector.logs.v1.LogsService",
        http_path="/v1/logs",
        request=logs_service_pb2.ExportLogsServiceRequest,
        response=logs_service_pb2.ExportLogsServiceResponse,
        rejected_field="rejected_log_records",
    ),
}


def one_line(text: str) -> str:
    """Foreign text on one line, of bounded length and without control characters."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text[: 4 * _LONGEST_MESSAGE])
    line = " ".join(plain.split())
    return line if len(line) <= _LONGEST_MESSAGE else line[: _LONGEST_MESSAGE - 1] + "…"


def read_success(signal: str, body: bytes, *, is_json: bool = False) -> SendResult:
    """The result of a success, partial or full; one that cannot be read counts as accepted."""
    service = SERVICES[signal]
    answer: Any = service.response()
    try:
        if is_json:
            json_format.Parse(body.strip() or b"{}", answer, ignore_unknown_fields=True)
        else:
            answer.ParseFromString(body)
    except (DecodeError, json_format.ParseError, UnicodeDecodeError, RecursionError):
        return SendResult(Outcome.ACCEPTED, message=UNREADABLE)
    partial = answer.partial_success
    return SendResult(
        Outcome.ACCEPTED,
        rejected=getattr(partial, service.rejected_field),
        message=one_line(partial.error_message),
    )


def status_message(body: bytes, content_type: str) -> str:
    """The message in the body of a failure: a ``google.rpc.Status``, or else plain text."""
    if content_type.startswith("application/x-protobuf"):
        status = status_pb2.Status()
        try:
            status.ParseFromString(body)
        except DecodeError:
            return ""
        return one_line(status.message)
    text = body.decode("utf-8", "replace")
    if content_type.startswith("application/json"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return one_line(text)
        if isinstance(found, dict) and isinstance(found.get("message"), str):
            return one_line(found["message"])
    return one_line(text)


def retry_info_s(details: bytes | str) -> float | None:
    """Seconds of the RetryInfo in a serialised ``google.rpc.Status``; None when there is none."""
    try:
        raw = base64.b64decode(details) if isinstance(details, str) else details
        status = status_pb2.Status.FromString(raw)
        for detail in status.details:
            info = error_details_pb2.RetryInfo()
            if detail.Unpack(info):
                delay: float = info.retry_delay.seconds + info.retry_delay.nanos / 1e9
                return delay
    except (DecodeError, binascii.Error):
        return None
    return None
