"""The traffic that real programs are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SCENARIO = """\
version: 1
name: real
seed: 11
service: {{name: llm-gateway, namespace: ai, version: 1.2.3, environment: test, instances: 2,
          attributes: {{team: platform, shards: 3, spot: true, weight: 0.5}}}}
load:
  arrivals: poisson
  start: {rate}/s
  stages: [{{name: hold, duration: {duration}, rate: {rate}/s}}]
traffic:
  - name: chat
    workflow: chat
    share: 3
    streaming: 60%
    tokens: {{input: {{p50: 300, p95: 900}}, output: {{p50: 20, p95: 60}}, cached: 40%}}
    conversation: {{turns: {{mean: 4}}, users: 50}}
    models: {{openai/gpt-4o-mini: 2, anthropic/claude-haiku-4.5: 1}}
  - name: completion
    workflow: completion
    share: 1
    tokens: {{input: {{p50: 100, p95: 400}}, output: {{p50: 10, p95: 30}}}}
    models: {{google/gemini-2.5-flash-lite: 1}}
  - name: embeddings
    workflow: embeddings
    share: 1
    tokens: embeddings
    models: {{openai/text-embedding-3-small: 1}}
errors: {{rate_limit: 5%, timeout: 1%}}
retries: {{max_attempts: 2, backoff: 100ms, fallback: {{openai: anthropic}}}}
incidents:
  - name: outage
    at: 2s
    duration: 4s
    match: {{provider: openai}}
    errors: {{server_error: 60%}}
telemetry:
  conventions: [gen_ai, llm]
  signals: [{signals}]
  metrics: {{interval: 2s}}
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    """Ten seconds of traffic with errors, retries, streams, conversations and an incident."""
    return written(tmp_path)


@pytest.fixture
def long_scenario(tmp_path: Path) -> Path:
    """Ten minutes, to be ended before."""
    return written(tmp_path, duration="10m")


def written(folder: Path, *, duration: str = "10s", signals: str = "traces, metrics, logs") -> Path:
    path = folder / "real.yaml"
    text = SCENARIO.format(rate=30, duration=duration, signals=signals)
    path.write_text(text, encoding="utf-8")
    return path
