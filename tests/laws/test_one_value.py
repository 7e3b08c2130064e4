"""One key, one value: whatever tells it, span, event, metric or log, and whoever leads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from simtraffic import failures
from simtraffic.conventions.load import built_in_names, load_conventions
from simtraffic.runner.emission import emitter_of
from simtraffic.runner.setup import Setup
from simtraffic.scenario import parse_scenario
from tests.told import RICH, merged, records_of, spans_of

if TYPE_CHECKING:
    from pathlib import Path

    from simtraffic.simulation.tables import Exchanges

# A convention of a user's own that shares keys with each of the shipped ones and means others.
OWN = """\
convention: own
version: "1"
spans:
  operation:
    name: {text: "ask {model}"}
    kind: client
    attributes:
      - error.type: {column: error, map: {rate_limit: slow-down}, when: {failed: true}}
      - gen_ai.provider.name: {column: provider, map: {openai: oai}}
        llm.retry.count: {column: attempts}
        provider: {literal: someone}
  attempt:
    name: POST
    kind: client
    attributes:
      http.response.status_code: {column: status_code, as: string, when: {answered: true}}
metrics:
  - name: own.calls
    instrument: counter
    of: operation
    attributes: {error.type: {column: error, map: {rate_limit: slow-down}, when: {failed: true}},
                 gen_ai.request.model: {text: "{provider}/{model}"}}
  - name: own.requests
    instrument: counter
    of: request
    attributes: {http.route: here, server.port: 1}
logs:
  - of: operation
    severity: ERROR
    when: {failed: true}
    attributes: {exception.type: {column: error}, exception.message: broken}
"""
ONE_FLOW = """
version: 1
name: one
load: {arrivals: even, stages: [{duration: 1s, rate: 3/s}]}
traffic:
  - {name: a, workflow: WORKFLOW, share: 1, tokens: {input: {p50: 90, p95: 900}OUTPUT},
     models: {MODEL: 1}}
errors: {ERRORS}
telemetry: {metrics: {interval: 1h}}
"""
ROOT, OPERATION, ATTEMPT = "request", "operation", "attempt"


def named(names: Sequence[str], folder: Path) -> tuple[str, ...]:
    """The conventions' names, with the path of our own in the place of its name."""
    path = folder / "own.yaml"
    path.write_text(OWN)
    return tuple(str(path) if name == "own" else name for name in names)


def orders() -> list[tuple[str, ...]]:
    """Every convention alone, every pair in both orders, and all of them both ways."""
    every = [*built_in_names(), "own"]
    few = [order for count in (1, 2) for order in permutations(every, count)]
    return [*few, tuple(every), tuple(reversed(every))]


def exact(attributes: Any) -> dict[str, bytes]:
    """Keys and values, types included."""
    return {a.key: a.value.SerializeToString() for a in attributes}


@cache
def simulated(text: str) -> tuple[Setup, Exchanges]:
    """A run of this text: what happens does not depend on who tells it."""
    run = Setup.of(parse_scenario(text), start="2026-01-01T00:00:00Z")
    return run, run.simulator.simulate_blocks(run.blocks())


class Emitted:
    """What a run emits: per kind of row and key, the values by who tells them."""

    def __init__(self, text: str, conventions: tuple[str, ...]) -> None:
        run, exchanges = simulated(text)
        telemetry = run.scenario.telemetry.model_copy(update={"conventions": conventions})
        scenario = run.scenario.model_copy(update={"telemetry": telemetry})
        teller = emitter_of(replace(run, scenario=scenario))
        frames = teller.frames(exchanges)
        end_ns = int(exchanges.requests.end_ns.max())
        teller.aggregator.interval_ns = end_ns
        teller.measure(frames)
        chunks = list(teller.records(frames))
        self.spans = spans_of(merged(chunks, "traces"))
        self.records = records_of(merged(chunks, "logs"))
        self.points = [
            (metric.name, point)
            for resource in merged(teller.collect(end_ns), "metrics").resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in getattr(metric, metric.WhichOneof("data")).data_points
        ]
        operations = {i.tobytes() for i in exchanges.operations.span_id}
        self.kinds = {
            span.span_id: ROOT
            if span.kind == 2
            else OPERATION
            if span.span_id in operations
            else ATTEMPT
            for span in self.spans
        }


def tables_of(conventions: tuple[str, ...]) -> dict[str, str]:
    """The table of each metric."""
    return {m.name: m.table for c in load_conventions(conventions) for m in c.metrics}


def of_measures(conventions: tuple[str, ...]) -> set[str]:
    """Keys of single measurements, such as the type of token: no values of the row."""
    return {
        attribute.key
        for convention in load_conventions(conventions)
        for metric in convention.metrics
        for measure in metric.measures
        for attribute in measure.attributes
    }


@pytest.mark.parametrize("names", orders(), ids="+".join)
def test_records_of_an_operation_share_the_values_of_its_span(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    """Spans, their events and log records of a rich run, by span id."""
    text = RICH.replace("duration: 20s", "duration: 4s").replace(
        "rate_limit: 8%", "rate_limit: 30%"
    )
    told = Emitted(text, named(names, tmp_path))
    values: dict[tuple[bytes, str], set[bytes]] = defaultdict(set)
    for span in told.spans:
        for attributes in (span.attributes, *(event.attributes for event in span.events)):
            for key, value in exact(attributes).items():
                values[span.span_id, key].add(value)
    for record in told.records:
        for key, value in exact(record.attributes).items():
            values[record.span_id, key].add(value)

    assert told.spans
    assert {key for (_, key), found in values.items() if len(found) > 1} == set()


@pytest.mark.parametrize(
    "names",
    # All at once disagree wherever two of them do.
    [
        pytest.param(names, marks=[pytest.mark.long] * (len(names) < len(max(orders(), key=len))))
        for names in orders()
    ],
    ids="+".join,
)
@pytest.mark.parametrize("outcome", failures.OUTCOMES)
def test_metrics_share_the_values_of_spans_and_logs(
    outcome: str, names: tuple[str, ...], tmp_path: Path
) -> None:
    """All rows of this run have one route and one outcome, so each key has one value."""
    errors = "" if outcome == failures.SUCCESS else f"{outcome}: 100%"
    text = ONE_FLOW.replace("ERRORS", errors).replace("WORKFLOW", "chat")
    text = text.replace("OUTPUT", ", output: {p50: 9, p95: 90}").replace("MODEL", "openai/gpt-4o")
    conventions = named(names, tmp_path)
    told, tables = Emitted(text, conventions), tables_of(conventions)
    values: dict[tuple[str, str], set[bytes]] = defaultdict(set)
    in_metrics: set[tuple[str, str]] = set()
    for name, point in told.points:
        for key, value in exact(point.attributes).items():
            values[tables[name], key].add(value)
            in_metrics.add((tables[name], key))
    for span in told.spans:
        for attributes in (span.attributes, *(event.attributes for event in span.events)):
            for key, value in exact(attributes).items():
                values[told.kinds[span.span_id], key].add(value)
    for record in told.records:
        for key, value in exact(record.attributes).items():
            values[OPERATION, key].add(value)

    wanted = in_metrics - {(OPERATION, key) for key in of_measures(conventions)}
    assert in_metrics
    assert {each: values[each] for each in wanted if len(values[each]) > 1} == {}
