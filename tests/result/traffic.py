"""Tables of what happened, made by hand or at random, and the scenarios they belong to."""

from typing import Any

import numpy as np

from simtraffic.catalog import load_catalog
from simtraffic.result.counts import RunCounts
from simtraffic.result.tally import Tally
from simtraffic.scenario import Incident, Match, Threshold, parse_scenario
from simtraffic.schedule import Segment
from simtraffic.simulation.tables import (
    Attempts,
    Exchanges,
    Operations,
    Requests,
    Vocabulary,
)

CATALOG = load_catalog()
SECOND = 1_000_000_000
STAGES = [
    Segment(0, 10 * SECOND, 0.0, 8.0, name="warm-up"),
    Segment(10 * SECOND, 30 * SECOND, 2.0, 2.0, name="steady"),
]
ROUTES = (
    CATALOG.models["openai/gpt-4o-mini"],
    CATALOG.models["openai/gpt-4o"],
    CATALOG.models["anthropic/claude-haiku-4.5"],
)
VOCABULARY = Vocabulary(
    flows=("chat", "search"),
    flow_workflows=(0, 2),
    routes=ROUTES,
    stages=("warm-up", "steady"),
    incidents=("brownout",),
    instances=3,
)


RAMP = parse_scenario(
    """
version: 1
name: ramp
seed: 7
service: {instances: 3}
load:
  stages:
    - {name: warm-up, duration: 10s, rate: 1/s}
    - {name: steady, duration: 20s, rate: 1/s}
traffic:
  - name: chat
    workflow: chat
    share: 1
    tokens: chat
    models: {openai/gpt-4o-mini: 1, openai/gpt-4o: 1, anthropic/claude-haiku-4.5: 1}
  - name: search
    workflow: embeddings
    share: 1
    tokens: embeddings
    models: {openai/text-embedding-3-small: 1}
"""
)


def a_threshold(measure, operator="<", limit=1.0, aggregation=None, during=None, **where):
    text = f"{aggregation}({measure})" if aggregation else measure
    return Threshold(
        text=f"{text} {operator} {limit}",
        measure=measure,
        operator=operator,
        limit=limit,
        aggregation=aggregation,
        during=during,
        where={key: str(value) for key, value in where.items()},
    )


def an_incident(name="brownout", at=12, seconds=8, **match):
    return Incident.model_construct(
        name=name, at_ns=at * SECOND, duration_ns=seconds * SECOND, match=Match(**match)
    )


BROWNOUT = an_incident(provider="openai")


def a_scenario(*thresholds, incidents=(BROWNOUT,)):
    return RAMP.model_copy(update={"thresholds": thresholds, "incidents": incidents})


def counts_of(rows=(), *, scenario=None, **changes):
    """What a run of these requests has counted; its ledger knows of none of them."""
    tally = Tally(scenario or a_scenario(), VOCABULARY, STAGES)
    tally.add(exchanges(rows))
    return RunCounts(tally, **changes)


def exchanges(rows, block=0):
    """One request a row: keys due, flow, route, instance, streaming, and a list of operations.

    An operation has route, error, duration, first, tokens (in, cached, out, reasoning), cost and
    attempts, a list of error codes. The request fails with its last operation.
    """
    requests: list[Any] = []
    operations: list[Any] = []
    attempts: list[Any] = []
    for number, row in enumerate(rows):
        last_error = row["operations"][-1].get("error", 0)
        requests.append(
            {
                "seq": number,
                "due_ns": row["due"],
                "flow": row.get("flow", 0),
                "route": row["operations"][0].get("route", 0),
                "instance": row.get("instance", 0),
                "stage": int(row["due"] >= 10 * SECOND),
                "streaming": row.get("streaming", True),
                "error": last_error,
                "cost_pusd": sum(op.get("cost", 0) for op in row["operations"]),
            }
        )
        for op in row["operations"]:
            tokens = op.get("tokens", (0, 0, 0, 0))
            attempts += [
                {
                    "request": number,
                    "operation": len(operations),
                    "route": op.get("route", 0),
                    "error": error,
                }
                for error in op.get("attempts", [op.get("error", 0)])
            ]
            operations.append(
                {
                    "request": number,
                    "start_ns": row["due"],
                    "end_ns": row["due"] + op.get("duration", SECOND),
                    "route": op.get("route", 0),
                    "error": op.get("error", 0),
                    "first_token_ns": op.get("first", 0),
                    "input_tokens": tokens[0],
                    "cached_tokens": tokens[1],
                    "output_tokens": tokens[2],
                    "reasoning_tokens": tokens[3],
                    "input_cost_pusd": op.get("cost", 0),
                }
            )
    return Exchanges(
        block,
        _columns(Requests, requests),
        _columns(Operations, operations),
        _columns(Attempts, attempts),
    )


def _columns(table, rows):
    codes = {"flow", "route", "instance", "stage", "turn", "error", "status_code", "finish"}
    columns = {}
    for name in table.__dataclass_fields__:
        values = [row.get(name, 0) for row in rows]
        kind: type[np.generic] = np.int64
        if name in codes:
            kind = np.int16
        elif name in ("streaming", "sampled", "is_fallback", "is_last"):
            kind = np.bool_
        columns[name] = np.array(values, dtype=kind)
    return table(**columns)


def random_rows(count, seed=1):
    """Rows with every kind of thing in them."""
    draw = np.random.Generator(np.random.Philox(seed))
    rows = []
    for due in np.sort(draw.integers(0, 30 * SECOND, count)):
        operations = []
        for fallback in range(int(draw.integers(1, 3))):
            error = int(draw.integers(0, 9)) if draw.random() < 0.3 else 0
            tokens = (0, 0, 0, 0) if error else (int(draw.integers(1, 9000)), 5, 70, 6)
            operations.append(
                {
                    "route": int(draw.integers(0, 3)),
                    "error": error,
                    "duration": int(draw.integers(1, 60 * SECOND)),
                    "first": 0 if error else int(draw.integers(1, 5 * SECOND)),
                    "tokens": tokens,
                    "cost": 0 if error else int(draw.integers(0, 10**12)),
                    "attempts": [1] * fallback + [error],
                }
            )
        rows.append(
            {
                "due": int(due),
                "flow": int(draw.integers(0, 2)),
                "instance": int(draw.integers(0, 3)),
                "streaming": bool(draw.random() < 0.6),
                "operations": operations,
            }
        )
    return rows
