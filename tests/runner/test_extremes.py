"""Quantities at their legal extremes: check, plan and run agree, and none of them trips.

Every key of the scenario that is a quantity has its least and its greatest value here, and what
lies just beyond. A value that works is planned and run; one that cannot is refused with its place.
"""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest

from simtraffic import plan, run
from simtraffic.errors import ExitCode, ScenarioError
from simtraffic.runner import RunOptions
from simtraffic.scenario.load import parse_scenario
from tools.scenario_reference import every_key, type_of

BASE: dict[str, Any] = {
    "version": 1,
    "name": "tiny",
    "seed": 1,
    "service": {"instances": 1},
    "load": {"arrivals": "poisson", "start": "0/s", "stages": [{"duration": "2s", "rate": "4/s"}]},
    "traffic": [
        {
            "name": "a",
            "workflow": "chat",
            "share": 1,
            "streaming": "50%",
            "tokens": {
                "input": {"p50": 9, "p95": 1000},
                "output": {"p50": 3, "p95": 1000},
                "cached": "20%",
                "reasoning": "20%",
            },
            "conversation": {"turns": {"mean": 2}, "users": 5},
            "models": {
                "openai/gpt-4o-mini": 1,
                "anthropic/claude-haiku-4.5": {"weight": 1, "errors": {"auth": "1%"}},
            },
            "errors": {"timeout": "1%"},
        },
        {
            "name": "b",
            "workflow": "embeddings",
            "share": 1,
            "tokens": "embeddings",
            "models": {"openai/text-embedding-3-small": 1},
        },
    ],
    "errors": {"overloaded": "50%"},
    "retries": {"max_attempts": 3, "backoff": "1ms", "fallback": {"openai": "anthropic"}},
    "capacity": {"openai": "100/s"},
    "incidents": [
        {
            "name": "i",
            "in": "stage-1",
            "after": "0s",
            "duration": "1s",
            "match": {"instance": 1},
            "errors": {"server_error": "1%"},
            "slowdown": 2,
        },
        {"name": "j", "at": "1s", "duration": "1s", "slowdown": 2},
    ],
    "telemetry": {"metrics": {"interval": "1s"}, "sampling": "50%"},
    "imperfections": {
        "late_spans": {"share": "1%", "by": "1s"},
        "missing_roots": "0%",
        "duplicate_ids": "0%",
        "clock_skew": "0s",
        "oversize_attributes": {"share": "0%", "bytes": "1KB"},
        "out_of_order_points": "0%",
        "missing_points": "0%",
        "counter_resets": "0s",
    },
    "thresholds": ["requests >= 0"],
}

SHARES = (["0%", "100%"], ["101%", "-1%", 1.1])
TOKENS = ([1, "1000G"], [0, "1001G"])
FACTORS = ([0, 1e-320, 10**15], [-1, 2 * 10**15])
TIMES = ["0s", "1ns", "3650d"]

EXTREMES: dict[str, tuple[list[Any], list[Any]]] = {
    "version": ([1], [0, 2]),
    "seed": ([0, 2**63 - 1], [-1, 2**63]),
    "service.instances": ([1, 1000], [0, 1001]),
    "load.arrivals": (["gamma(cv=0.000000001)", "gamma(cv=100)"], ["gamma(cv=0)", "gamma(cv=101)"]),
    "load.start": (["0/s", "999999999999999/s"], ["-1/s", "1000000000000000/s"]),
    "load.stages[].duration": (["1ns", "1m"], ["0s", "3651d"]),
    "load.stages[].target": (["0/s", "0.000000001/d"], ["-1/s", "999999999999999/s"]),
    "load.stages[].rate": (["0/s", "0.000000001/d"], ["-1/s", "999999999999999/s"]),
    "traffic[].share": FACTORS,
    "traffic[].streaming": SHARES,
    "traffic[].tokens.input.p50": ([1, 1000], [0, 1001]),
    "traffic[].tokens.input.p95": ([9, "1000G"], [8, "1001G"]),
    "traffic[].tokens.output.p50": ([1, 1000], [0, 1001]),
    "traffic[].tokens.output.p95": ([3, "1000G"], [2, "1001G"]),
    "traffic[].tokens.cached": SHARES,
    "traffic[].tokens.reasoning": SHARES,
    "traffic[].conversation.turns.mean": ([1, 1.000001, 10**15], [0.9, 2 * 10**15]),
    "traffic[].conversation.users": ([1, "1000G"], [0, "1001G"]),
    "traffic[].models": (
        [{"openai/gpt-4o": 1e-320}, {"openai/gpt-4o": 10**15}],
        [{"openai/gpt-4o": 0}],
    ),
    "traffic[].models.*.weight": FACTORS,
    "traffic[].models.*.errors": ([{"auth": "0%"}, {"auth": "45%"}], [{"auth": "51%"}]),
    "traffic[].errors": ([{"timeout": "0%"}, {"timeout": "48%"}], [{"timeout": "51%"}]),
    "errors": ([{}, {"timeout": "97%"}, {"overloaded": "97%"}], [{"auth": "100.1%"}]),
    "retries.max_attempts": ([1, 20], [0, 21]),
    "retries.backoff": (["0s", "1ns", "1216d"], ["1217d"]),
    "capacity": (
        [{}, {"openai": "0.000000001/d"}, {"openai": "999999999999999/s"}],
        [{"openai": "0/s"}],
    ),
    "incidents[].at": (["0s", "1.999999999s"], ["2s"]),
    "incidents[].after": (["0s", "1.999999999s"], ["2s"]),
    "incidents[].duration": (["1ns", "3650d"], ["0s", "3651d"]),
    "incidents[].match.instance": ([1], [0, 2]),
    "incidents[].errors": ([{}, {"timeout": "47%"}], [{"timeout": "51%"}]),
    "incidents[].slowdown": ([1e-320, 0.5, 10**6], [0, 10**6 + 1]),
    "telemetry.metrics.interval": (["100ms", "3650d"], ["99.999999ms", "0s"]),
    "telemetry.sampling": SHARES,
    "imperfections.late_spans.share": SHARES,
    "imperfections.late_spans.by": (["1ns", "3650d"], ["0s"]),
    "imperfections.missing_roots": SHARES,
    "imperfections.duplicate_ids": SHARES,
    "imperfections.clock_skew": (["0s", "1ns", "365d"], ["366d"]),
    "imperfections.oversize_attributes.share": (["0%", "100%"], ["101%"]),
    "imperfections.oversize_attributes.bytes": (["1B", "16MB"], ["0B", "16.1MB"]),
    "imperfections.out_of_order_points": SHARES,
    "imperfections.missing_points": SHARES,
    "imperfections.counter_resets": (["0s", "1ns", "3650d"], ["3651d"]),
}
NO_QUANTITIES = {"extends", "service.attributes", "traffic[].conversation.turns"}
QUANTITY = re.compile(r"duration|rate|share|count|size|number|\d to \d|`1`|gamma")


def with_value(path, value):
    """The tiny scenario with a value at a path; the first item stands for all of a list."""
    said = copy.deepcopy(BASE)
    keys = [key for key in re.split(r"\.|\[\]\.?", path) if key]
    node: Any = said
    for key in keys[:-1]:
        if key == "*":
            node = node["anthropic/claude-haiku-4.5"]
            continue
        node = node[key]
        if isinstance(node, list):
            # An incident has `at` or `in`.
            node = node[1] if keys[-1] == "at" else node[0]
    if keys[-1] == "instances":
        said["telemetry"]["metrics"]["interval"] = "1h"
    if "stages" in keys:
        said["incidents"] = []
    if keys[-1] == "target":
        del node["rate"]
    node[keys[-1]] = value
    if isinstance(value, dict) and keys[-1] in {"errors", "models"} and not value:
        node[keys[-1]] = {}
    return json.dumps(said)


def cases(which):
    return [(path, value) for path, both in EXTREMES.items() for value in both[which]]


def name(case):
    return f"{case[0]} {case[1]}" if isinstance(case, tuple) else str(case)


def test_every_quantity_of_the_scenario_has_its_extremes_here():
    quantities = {
        key.path
        for key in every_key()
        if QUANTITY.search(type_of(key.node)) and key.path not in NO_QUANTITIES
    }

    assert quantities - set(EXTREMES) == set()


@pytest.mark.parametrize("case", cases(0), ids=name)
def test_what_check_accepts_is_planned(case):
    planned = plan(parse_scenario(with_value(*case)))

    json.loads(planned.to_json())


@pytest.mark.long
@pytest.mark.parametrize("case", cases(0), ids=name)
def test_what_check_accepts_is_run(case):
    scenario = parse_scenario(with_value(*case))

    result = run(scenario, RunOptions(speed="max", start="2026-01-01T00:00:00Z"), out="/dev/null")

    json.loads(result.to_json())
    assert result.exit_code == ExitCode.OK, result.reasons


@pytest.mark.parametrize("case", cases(1), ids=name)
def test_what_cannot_work_is_refused_with_its_place(case):
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(with_value(*case))

    # What is out of range against its neighbour is told at the neighbour.
    leaf = case[0].removesuffix(".p50").rpartition(".")[2].removesuffix("[]").replace("*", "")
    assert any(leaf in fault.path or "load.stages" in fault.path for fault in caught.value.faults)
    assert all(fault.problem and fault.found for fault in caught.value.faults)


SILENT = [
    [{"duration": "1d", "rate": "0/s"}],
    [{"duration": "0s", "target": "5/s"}, {"duration": "1s", "target": "0/s"}],
    [{"duration": "1s", "rate": "2/s"}, {"duration": "1d", "rate": "0/s"}],
    [{"duration": "30d", "target": "0/s"}],
]


@pytest.mark.parametrize("stages", SILENT, ids=str)
def test_silence_however_long_is_planned_and_run(stages):
    said: dict[str, Any] = {**copy.deepcopy(BASE), "load": {"stages": stages}, "incidents": []}
    said["telemetry"]["metrics"]["interval"] = "1h"
    scenario = parse_scenario(json.dumps(said))

    planned = plan(scenario)
    result = run(scenario, RunOptions(speed="max", start="2026-01-01T00:00:00Z"), out="/dev/null")

    assert planned.schedule.planned in {0, 2}
    assert result.exit_code == ExitCode.OK, result.reasons


def test_a_day_of_silence_at_the_usual_interval_is_planned():
    """Longer than what a plan plays through, and without a block that it could sample."""
    said: dict[str, Any] = {**copy.deepcopy(BASE), "load": {"stages": SILENT[0]}, "incidents": []}

    assert plan(parse_scenario(json.dumps(said))).schedule.planned == 0


def test_a_thousand_flows_are_planned():
    flows = [{**BASE["traffic"][1], "name": f"f{number}"} for number in range(1000)]
    scenario = parse_scenario(json.dumps({**BASE, "traffic": flows, "retries": {}}))

    assert len(plan(scenario).traffic) <= 1000


def test_slowness_that_comes_together_stays_inside_what_times_hold():
    said = copy.deepcopy(BASE)
    said["incidents"] = [
        {"name": f"i{n}", "at": "0s", "duration": "2s", "slowdown": 10**6} for n in range(60)
    ]
    said["retries"] = {
        "max_attempts": 20,
        "backoff": "10m",
        "fallback": {"openai": "anthropic", "anthropic": "google", "google": "openai"},
    }
    scenario = parse_scenario(json.dumps(said))

    result = run(scenario, RunOptions(speed="max", start="2026-01-01T00:00:00Z"), out="/dev/null")

    assert result.exit_code == ExitCode.OK, result.reasons
