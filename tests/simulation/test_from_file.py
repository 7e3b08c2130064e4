from __future__ import annotations

import numpy as np

from simtraffic.catalog import load_catalog
from simtraffic.scenario import parse_scenario
from simtraffic.schedule import Schedule
from simtraffic.simulation import Simulator

TEXT = """
version: 1
name: ramp
seed: 7
service: {instances: 3}
load:
  start: 1/s
  stages:
    - {name: warm-up, duration: 30s, target: 50/s}
    - {name: steady, duration: 2m, rate: 50/s}
traffic:
  - name: support-chat
    workflow: chat
    share: 70
    streaming: 80%
    tokens: conversation
    conversation: {turns: {mean: 2.4}, users: 500}
    models: {openai/gpt-4o-mini: 60, anthropic/claude-haiku-4.5: {weight: 40, errors: {auth: 1%}}}
  - name: search
    workflow: chat
    share: 30
    tokens: {input: {p50: 900, p95: 4k}, output: {p50: 160, p95: 600}, cached: 30%}
    models: {anthropic/claude-sonnet-4.6: 1}
  - name: vectors
    workflow: embeddings
    share: 10
    tokens: embeddings
    models: {openai/text-embedding-3-small: 1}
errors: {rate_limit: 1%, timeout: 0.2%}
retries: {max_attempts: 3, backoff: 500ms, fallback: {openai: anthropic}}
capacity: {openai: 300/s}
incidents:
  - name: brownout
    in: steady
    after: 30s
    duration: 45s
    match: {provider: openai}
    errors: {overloaded: 40%}
    slowdown: 4
telemetry: {sampling: 50%}
"""


def test_a_scenario_file_is_simulated() -> None:
    scenario = parse_scenario(TEXT, file="ramp.yaml")
    schedule = Schedule.of(scenario)
    simulator = Simulator(scenario, schedule, load_catalog(), run_id="run")
    result = simulator.simulate_blocks(range(schedule.block_count))
    assert len(result) == schedule.planned()
    words = simulator.vocabulary
    assert words.flows == ("support-chat", "search", "vectors")
    assert words.stages == ("warm-up", "steady")
    assert words.incidents == ("brownout",)
    assert words.instances == 3
    assert {route.full_name for route in words.routes} <= set(load_catalog().models)
    attempts = result.attempts
    seconds = attempts.start_ns / 1e9
    openai = np.isin(
        attempts.route, [i for i, r in enumerate(words.routes) if r.provider == "openai"]
    )
    inside = openai & (seconds >= 60) & (seconds < 105)
    assert (attempts.error[inside] > 0).mean() > 0.3
    assert (attempts.error[~inside] > 0).mean() < 0.05
