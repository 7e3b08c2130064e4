"""What a scenario makes wrong on purpose, as the collector finds and a summary tells it."""

from simtraffic.report.tables import to_text
from simtraffic.report.terminal import summary
from simtraffic.runner import RunOptions, run
from simtraffic.scenario import parse_scenario

SCENARIO = """
version: 1
name: wrong
seed: 3
load: {arrivals: even, stages: [{name: hold, duration: 20s, rate: 10/s}]}
traffic:
  - {name: chat, workflow: chat, share: 1, tokens: chat, models: {openai/gpt-4o-mini: 1}}
telemetry: {metrics: {interval: 1s}}
imperfections:
  late_spans: {share: 2%, by: 2s}
  missing_roots: 10%
  duplicate_ids: 20%
  clock_skew: 1s
  oversize_attributes: {share: 1%, bytes: 1KB}
  out_of_order_points: 30%
  missing_points: 10%
  counter_resets: 7s
"""


def test_the_collector_finds_it_and_the_summary_calls_nothing_a_fault():
    result = run(parse_scenario(SCENARIO, file="wrong.yaml"), RunOptions(speed="max", environ={}))

    assert result.collector is not None
    found = {fault["message"].rpartition(": ")[2] for fault in result.collector["faults"]}
    assert {
        "span id came twice in its trace",
        "parent span did not arrive in the same trace",
        "point is not newer than the last of its stream",
    } <= found
    assert result.imperfections is not None
    said = to_text(summary(result)).partition("\nBuilt-in collector\n")[2].partition("\n\n")[0]
    assert "\n  faults      none\n" in said
    assert f"{result.imperfections['duplicate_ids']} x span id came twice in its trace" in said
