"""Tallies against the same sums made row by row."""

from typing import Any

import numpy as np
import pytest

from simtraffic.result.tally import Tally, selection_key
from simtraffic.simulation.tables import ERROR_KINDS
from tests.result.traffic import (
    ROUTES,
    SECOND,
    STAGES,
    VOCABULARY,
    a_scenario,
    a_threshold,
    an_incident,
    random_rows,
)
from tests.result.traffic import exchanges as tables


def tally_of(*blocks, scenario=None):
    tally = Tally(scenario or a_scenario(), VOCABULARY, STAGES)
    for rows in blocks:
        tally.add(tables(rows))
    return tally


def row_by_row(rows):
    """Traffic counted the slow way."""
    found: dict[tuple[str, str], Any] = {}
    for row in rows:
        for op in row["operations"]:
            key = (VOCABULARY.flows[row["flow"]], ROUTES[op["route"]].full_name)
            cell = found.setdefault(
                key,
                {"requests": 0, "attempts": 0, "failed": 0, "errors": {}, "input": 0, "cost": 0},
            )
            cell["requests"] += 1
            cell["attempts"] += len(op["attempts"])
            cell["failed"] += op["error"] > 0
            cell["input"] += op["tokens"][0]
            cell["cost"] += op["cost"]
            for error in op["attempts"]:
                if error:
                    kind = ERROR_KINDS[error]
                    cell["errors"][kind] = cell["errors"].get(kind, 0) + 1
    return found


def test_traffic_rows_are_the_sums_of_their_operations_and_attempts():
    rows = random_rows(500)

    found = {
        (row.flow, f"{row.provider}/{row.model}"): {
            "requests": row.requests,
            "attempts": row.attempts,
            "failed": row.failed,
            "errors": row.errors,
            "input": row.input_tokens,
            "cost": row.cost_pusd,
        }
        for row in tally_of(rows).traffic()
    }

    assert found == row_by_row(rows)


def test_costs_stay_exact_where_float_sums_would_not():
    """Nine thousand dollars are 2**53 picodollars; a sum in float64 would round."""
    dear = [{"due": 0, "operations": [{"cost": 2**52 + 1}]} for _ in range(5)]

    (row,) = tally_of(dear).traffic()

    assert row.cost_pusd == 5 * (2**52 + 1)


def test_stages_count_requests_by_due_time():
    rows = random_rows(400)
    early = [row for row in rows if row["due"] < 10 * SECOND]

    tally = tally_of(rows)

    warm_up, steady = tally.stages

    assert (warm_up.generated, steady.generated) == (len(early), 400 - len(early))
    assert warm_up.failed == sum(row["operations"][-1]["error"] > 0 for row in early)
    duration = tally.sketches[0]["duration"]
    assert duration.count == sum(len(row["operations"]) for row in early)
    assert duration.total == sum(op["duration"] for row in early for op in row["operations"])


def test_time_to_first_token_is_over_streamed_operations_that_produced_one():
    rows = [
        {"due": 0, "streaming": True, "operations": [{"first": 5}, {"error": 2}]},
        {"due": 1, "streaming": False, "operations": [{"first": 7}]},
    ]

    sketch = tally_of(rows).sketches[0]["time_to_first_token"]

    assert (sketch.count, sketch.total) == (1, 5)


def test_incidents_count_the_matching_requests_in_their_window():
    rows = random_rows(400)
    scenario = a_scenario(
        incidents=(an_incident(at=12, seconds=8, provider="openai", flow="chat"),)
    )
    hit = [
        row
        for row in rows
        if 12 * SECOND <= row["due"] < 20 * SECOND
        and row["flow"] == 0
        and row["operations"][0]["route"] in (0, 1)
    ]

    (incident,) = tally_of(rows, scenario=scenario).incidents

    assert incident.requests == len(hit) > 0
    assert incident.errors == sum(row["operations"][-1]["error"] > 0 for row in hit)


def test_an_incident_ends_with_a_run_that_is_cut_short():
    scenario = a_scenario(incidents=(an_incident(at=25, seconds=60),))

    (incident,) = tally_of(scenario=scenario).incidents

    assert incident.window.end_ns == 30 * SECOND


def test_an_instance_is_counted_from_one_in_scenarios():
    threshold = a_threshold("requests", instance=2)
    rows: list[Any] = [{"due": 0, "instance": n, "operations": [{}]} for n in (0, 1, 1, 2)]

    tally = tally_of(rows, scenario=a_scenario(threshold))

    assert tally.selections[selection_key(threshold)].requests == 2


def test_blocks_may_be_counted_apart_or_joined():
    rows = random_rows(300)
    scenario = a_scenario(a_threshold("duration", aggregation="p95", during="brownout"))

    apart = tally_of(rows[:100], rows[100:], scenario=scenario)
    joined = tally_of(rows, scenario=scenario)

    assert figures_of(apart) == figures_of(joined)


def test_merged_tallies_are_the_tally_of_the_whole():
    rows = random_rows(300)
    scenario = a_scenario(a_threshold("duration", aggregation="p95", during="brownout"))

    merged = tally_of(rows[:120], scenario=scenario)
    merged.merge(tally_of(rows[120:], scenario=scenario))

    assert figures_of(merged) == figures_of(tally_of(rows, scenario=scenario))


def figures_of(tally):
    sketches = [sketch for stage in tally.sketches for sketch in stage.values()]
    sketches += [s for chosen in tally.selections.values() for s in chosen.sketches.values()]
    return (
        tally.traffic(),
        [(stage.generated, stage.failed) for stage in tally.stages],
        [(incident.requests, incident.errors) for incident in tally.incidents],
        [(one.requests, one.failed, one.cost_pusd) for one in tally.selections.values()],
        [(sketch.count, sketch.total, sketch.quantile(0.9)) for sketch in sketches],
        (tally.requests, tally.failed, tally.operations, tally.attempts),
    )


def test_an_empty_block_changes_nothing():
    assert figures_of(tally_of([])) == figures_of(tally_of())


def test_memory_does_not_grow_with_the_run():
    tally = tally_of(random_rows(200))
    kept = sum(len(stage["duration"]._counts) for stage in tally.sketches)

    for _ in range(20):
        tally.add(tables(random_rows(200)))

    assert sum(len(stage["duration"]._counts) for stage in tally.sketches) == pytest.approx(
        kept, abs=512
    )
    assert isinstance(tally._made, np.ndarray)
