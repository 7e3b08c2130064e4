"""Runs for the tests of telemetry: exchanges, their context and how they are told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from simtraffic.runner.setup import Setup
from simtraffic.scenario import parse_scenario
from simtraffic.signals import Chunk

REQUESTS: dict[str, Any] = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}

RICH = """
version: 1
name: rich
seed: 11
service: {name: llm-gateway, namespace: shop, version: 1.2.3, environment: test, instances: 2}
load:
  stages: [{name: only, duration: 20s, rate: 25/s}]
traffic:
  - name: support
    workflow: chat
    share: 5
    streaming: 60%
    tokens: conversation
    conversation: {turns: {mean: 2.5}, users: 50}
    models: {openai/gpt-4o-mini: 3, anthropic/claude-haiku-4.5: 2, openai/o4-mini: 1}
  - name: titles
    workflow: completion
    share: 2
    tokens: {input: {p50: 300, p95: 900}, output: {p50: 20, p95: 60}, cached: 30%}
    models: {google/gemini-2.5-flash: 1}
  - name: search
    workflow: embeddings
    share: 2
    tokens: embeddings
    models: {openai/text-embedding-3-small: 1}
errors:
  rate_limit: 8%
  timeout: 2%
  overloaded: 6%
  server_error: 3%
  content_filter: 2%
  context_length: 2%
  auth: 1%
  invalid_request: 2%
retries: {max_attempts: 3, backoff: 200ms, fallback: {openai: anthropic}}
telemetry:
  conventions: [gen_ai, llm]
  metrics: {interval: 5s}
"""


def setup(text: str = RICH, **telemetry: Any) -> Setup:
    """A run, prepared, with these telemetry settings in place of the text's."""
    scenario = parse_scenario(text, file="test.yaml")
    if telemetry:
        settings = scenario.telemetry.model_copy(update=telemetry)
        scenario = scenario.model_copy(update={"telemetry": settings})
    return Setup.of(scenario, start="2026-01-01T00:00:00Z")


def merged(chunks: Iterable[Chunk], signal: str) -> Any:
    """The chunks of a signal as one official request."""
    payload = b"".join(chunk.payload for chunk in chunks if chunk.signal == signal)
    return REQUESTS[signal].FromString(payload)


def spans_of(request: Any) -> list[Any]:
    """All spans of a request."""
    return [s for r in request.resource_spans for c in r.scope_spans for s in c.spans]


def records_of(request: Any) -> list[Any]:
    """All log records of a request."""
    return [s for r in request.resource_logs for c in r.scope_logs for s in c.log_records]


__all__ = ["RICH", "merged", "records_of", "replace", "setup", "spans_of"]
