"""The JSON of a result and of plans: every key in its order, every figure that a seed decides.

`make golden` rewrites the files; review the difference.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from simtraffic.runner import RunOptions, plan, run
from simtraffic.scenario import parse_scenario

FOLDER = Path(__file__).parent / "golden"
SCENARIO = """
version: 1
name: counted
seed: 5
service: {name: gateway, version: "1.0", environment: test, instances: 2}
load:
  start: 1/s
  stages:
    - {name: up, duration: 20s, target: 8/s}
    - {name: steady, duration: 20s, rate: 8/s}
traffic:
  - name: chat
    workflow: chat
    share: 3
    streaming: 50%
    tokens: conversation
    conversation: {turns: {mean: 2}, users: 5}
    models: {openai/gpt-4o-mini: 1, openai/o3: 1}
  - name: search
    workflow: embeddings
    share: 1
    tokens: embeddings
    models: {openai/text-embedding-3-small: 1}
errors: {rate_limit: 10%}
retries: {max_attempts: 2, fallback: {openai: anthropic}}
incidents:
  - {name: refused, at: 25s, duration: 5s, match: {provider: openai}, errors: {auth: 20%}}
  - {name: beyond, at: 35s, duration: 1h, errors: {auth: 20%}}
imperfections: {duplicate_ids: 10%}
thresholds:
  - error_share < 50%
  - p95(time_to_first_token) < 1ms during steady where provider=openai
  - delivered == 100%
telemetry: {conventions: [gen_ai], metrics: {interval: 10s}}
"""
LONG = SCENARIO.replace("duration: 20s, rate: 8/s", "duration: 24h, rate: 8/s")


def assert_is_golden(name: str, found: dict[str, Any]) -> None:
    """Compare with the file of this name; the order of the keys counts."""
    golden = FOLDER / name
    text = json.dumps(found | {"simtraffic": "(the version)"}, indent=1) + "\n"
    if os.environ.get("REWRITE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text(), "what `--json` says has changed: if it should, make golden"


def test_a_result(tmp_path: Path) -> None:
    options = RunOptions(start="2026-01-01T00:00:00Z")

    result = run(parse_scenario(SCENARIO), options, out=str(tmp_path / "out.jsonl"))

    found = result.to_dict()
    # What the generator used differs from run to run.
    found["generator"] = dict.fromkeys(found["generator"], 0)
    assert_is_golden("result.json", found)


@pytest.mark.parametrize(
    ("name", "text", "shard"),
    [("plan.json", SCENARIO, "1/1"), ("plan-long.json", LONG, "2/3")],
)
def test_a_plan(name: str, text: str, shard: str) -> None:
    """One that is played through, and a shard of one that is sampled."""
    assert_is_golden(name, plan(parse_scenario(text), shard=shard).to_dict())
