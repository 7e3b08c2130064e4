"""A few requests, told in full: what changes here changes what every user receives.

`make golden` rewrites the files; review the difference.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from simtraffic.runner import RunOptions, run
from simtraffic.scenario import parse_scenario

FOLDER = Path(__file__).parent
SCENARIO = """
version: 1
name: golden
seed: 5
service: {name: gateway, version: "1.0", environment: test}
load: {arrivals: even, stages: [{duration: 4s, rate: 1/s}]}
traffic:
  - name: chat
    workflow: chat
    share: 3
    streaming: 50%
    tokens: conversation
    conversation: {turns: {mean: 2}, users: 5}
    models: {openai/gpt-4o-mini: 1}
  - name: search
    workflow: embeddings
    share: 1
    tokens: embeddings
    models: {openai/text-embedding-3-small: 1}
errors: {rate_limit: 40%}
retries: {max_attempts: 2}
telemetry: {conventions: [CONVENTIONS], metrics: {interval: 1h}}
"""
INCIDENTS = "incidents: [{name: refused, at: 2s, duration: 1h, errors: {auth: 20%}}]\n"


@pytest.mark.parametrize("conventions", ["gen_ai", "llm", "gen_ai, llm", "simtraffic"])
def test_the_telemetry_of_a_few_requests(tmp_path: Path, conventions: str) -> None:
    """Byte for byte, shown with indentation so that a difference can be read."""
    golden = FOLDER / f"{conventions.replace(', ', '+')}.json"
    out = tmp_path / "out.jsonl"
    text = SCENARIO + INCIDENTS if conventions == "simtraffic" else SCENARIO
    scenario = parse_scenario(text.replace("CONVENTIONS", conventions))

    run(scenario, RunOptions(start="2026-01-01T00:00:00Z"), out=str(out))

    lines = [json.loads(line) for line in out.read_text().splitlines()]
    told = json.dumps(lines, indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("REWRITE_GOLDEN"):
        golden.write_text(told)
    assert told == golden.read_text(), "what users receive has changed: if it should, make golden"
