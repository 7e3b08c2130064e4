"""Lines of a file are no longer than readers take: the Collector's file receiver stops at 1 MiB."""

import json

import pytest

from simtraffic import run
from simtraffic.scenario import parse_scenario

MOST_BYTES = 1 << 20
SCENARIO = """\
version: 1
name: long
service: {{instances: 150}}
load: {{arrivals: even, stages: [{{duration: 1s, rate: 1500/s}}]}}
traffic:
  - {{name: chat, workflow: chat, share: 1, tokens: chat, models: {{openai/gpt-4o-mini: 1}}}}
telemetry: {{conventions: [gen_ai, llm], signals: [{signal}]}}
"""
LISTS = {
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
}


def records(line, signal):
    found = [json.loads(line)]
    for name in LISTS[signal]:
        found = [item for holder in found for item in holder[name]]
    if signal != "metrics":
        return len(found)
    kinds = ("sum", "gauge", "histogram")
    return sum(len(m[k]["dataPoints"]) for m in found for k in kinds if k in m)


@pytest.mark.parametrize(
    "signal", ["traces", *(pytest.param(s, marks=pytest.mark.long) for s in ("metrics", "logs"))]
)
def test_no_line_is_longer_than_a_reader_takes_and_none_is_lost(tmp_path, signal):
    path = tmp_path / "long.jsonl"

    result = run(parse_scenario(SCENARIO.format(signal=signal)), out=str(path))

    lines = path.read_bytes().splitlines()
    assert result.passed
    assert sum(map(len, lines)) > MOST_BYTES, "one line would have been too long"
    assert max(map(len, lines)) < MOST_BYTES
    counts = result.signals[signal]
    assert sum(records(line, signal) for line in lines) == counts.accepted == counts.generated
    assert counts.requests == len(lines)
