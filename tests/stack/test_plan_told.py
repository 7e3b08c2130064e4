"""The plan in a real Prometheus: its names, and sums that are right over instances and shards."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from simtraffic.backends.prometheus_names import prometheus_name
from simtraffic.clock import unix_ns
from simtraffic.conventions.load import load_conventions
from simtraffic.runner.setup import Setup
from simtraffic.scenario import load_scenario
from tools.stack.past import STEP_S, Past, past

if TYPE_CHECKING:
    from simtraffic.scenario import Scenario

pytestmark = pytest.mark.real

RAMP = Path(__file__).parents[2] / "scenarios" / "ramp.yaml"
CONVENTIONS = ("gen_ai", "llm", "simtraffic")


def ramp() -> Scenario:
    """The shipped one without retries, so that every kind of failure is told."""
    made = load_scenario(RAMP)
    retries = made.retries.model_copy(update={"max_attempts": 1})
    telemetry = made.telemetry.model_copy(update={"conventions": CONVENTIONS})
    return made.model_copy(update={"telemetry": telemetry, "retries": retries})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """Two shards of a run on three instances, a quarter of an hour ago."""
    now = unix_ns() // 10**9 // STEP_S * STEP_S
    start = datetime.fromtimestamp(now, UTC) - timedelta(minutes=15)
    with past(tmp_path_factory.mktemp("told"), start) as running:
        for shard in ("1/2", "2/2"):
            running.send(ramp(), "gateway", shard=shard)
        yield running


def values(store: Past, query: str) -> dict[int, float]:
    """By seconds since the start, the one series of a query."""
    (series,) = store.range(query, 60)
    began = store.start.timestamp()
    return {round(at - began): value for at, value in zip(series.times, series.values, strict=True)}


def test_every_series_has_the_name_that_we_say(store: Past) -> None:
    listed = store.prometheus.label_values("__name__")
    found = {name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")
             for name in listed} - {"target_info"}  # fmt: skip
    ours = {
        prometheus_name(metric.name, metric.unit, metric.instrument)
        for convention in load_conventions(CONVENTIONS)
        for metric in convention.metrics
    }

    assert found == ours
    assert {
        "simtraffic_requests_due_total",
        "simtraffic_arrival_rate_per_second",
        "simtraffic_incident_active",
    } <= set(listed)


def test_the_requests_that_were_due_add_up_to_the_plan(store: Past) -> None:
    planned = Setup.of(ramp(), start=store.start).schedule.planned()

    (series,) = store.range("sum(max_over_time(simtraffic_requests_due_total[10m]))", 300)

    assert series.value == planned


def test_the_rate_is_that_of_the_curve_and_told_once(store: Past) -> None:
    """At 15 s it has reached 40 a second, and falls from 50 s on: 5 are left at the end."""
    rate = values(store, "sum(simtraffic_arrival_rate_per_second)")

    assert rate[15] == rate[30] == rate[45] == 40
    assert rate[60] == 5


def test_the_incident_is_told_once_and_has_both_edges(store: Past) -> None:
    """It lasts from 25 s to 40 s; the first collection, after 5 s, shows that it does not yet."""
    active = values(store, 'sum(simtraffic_incident_active{simtraffic_incident="openai-brownout"})')

    assert [active[at] for at in (15, 30, 45, 60)] == [0, 1, 0, 0]
