"""The scenario that all benchmarks run: several models, retries, errors, conversations."""

from __future__ import annotations

SCENARIO = """\
version: 1
name: benchmark
seed: 7
service:
  name: llm-gateway
  namespace: ai-platform
  version: 2.3.0
  environment: staging
  instances: 3
  attributes: {{k8s.cluster.name: demo}}
load:
  arrivals: poisson
  start: {rate}/s
  stages:
    - {{name: steady, duration: {duration}, rate: {rate}/s}}
traffic:
  - name: support-chat
    workflow: chat
    share: 70
    streaming: 80%
    tokens: conversation
    conversation: {{turns: {{mean: 2.4}}, users: 500}}
    models: {{openai/gpt-4o-mini: 60, anthropic/claude-haiku-4.5: 25, google/gemini-2.5-flash: 15}}
  - name: search
    workflow: chat
    share: 30
    streaming: 20%
    tokens: long_context
    models: {{anthropic/claude-sonnet-4.6: 1}}
errors: {{rate_limit: 1%, timeout: 0.2%, overloaded: 0.4%, content_filter: 0.3%}}
retries: {{max_attempts: 3, backoff: 500ms, fallback: {{openai: anthropic}}}}
telemetry:
  conventions: [{conventions}]
  signals: [{signals}]
"""


def scenario(
    *,
    rate: int,
    duration: str,
    conventions: str = "gen_ai",
    signals: str = "traces, metrics, logs",
) -> str:
    """YAML of a steady run at ``rate`` requests a second, about three spans each."""
    return SCENARIO.format(rate=rate, duration=duration, conventions=conventions, signals=signals)
