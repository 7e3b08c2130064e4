"""The status that is told is the one in the table, for every error kind and every provider."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from simtraffic import failures
from simtraffic.catalog import load_catalog
from simtraffic.conventions.rows import Rows
from simtraffic.runner.emission import context_of, emitter_of
from simtraffic.simulation.tables import ERROR_KINDS
from tests.told import merged, records_of, setup, spans_of

if TYPE_CHECKING:
    from simtraffic.failures import Failure

PROVIDERS = load_catalog().providers
SCENARIO = """
version: 1
name: statuses
load: {arrivals: even, stages: [{duration: 24s, rate: 4/s}]}
traffic:
  - name: chat
    workflow: chat
    share: 1
    tokens: chat
    models: {MODELS}
errors: {KIND: 100%}
telemetry: {conventions: [CONVENTIONS], metrics: {interval: 1h}}
"""


def one_model_each() -> dict[str, str]:
    """A chat model of every provider."""
    models: dict[str, str] = {}
    for model in load_catalog().models.values():
        if model.kind == "chat":
            models.setdefault(model.provider, model.full_name)
    assert set(models) == set(PROVIDERS)
    return models


def at_provider(failure: Failure, provider: str) -> int:
    """The status that this provider answers, by the table."""
    if failure is failures.OVERLOADED:
        return PROVIDERS[provider].overloaded_status
    return failure.attempt_status


class Told:
    """What a run tells, signal by signal."""

    def __init__(self, failure: Failure, conventions: str) -> None:
        models = ", ".join(f"{name}: 1" for name in one_model_each().values())
        text = SCENARIO.replace("MODELS", models).replace("KIND", failure.kind)
        run = setup(text.replace("CONVENTIONS", conventions))
        telemetry = emitter_of(run)
        exchanges = run.simulator.simulate_blocks(run.blocks())
        frames = telemetry.frames(exchanges)
        end_ns = int(exchanges.requests.end_ns.max())
        telemetry.aggregator.interval_ns = end_ns
        telemetry.measure(frames)
        chunks = list(telemetry.records(frames))
        spans = spans_of(merged(chunks, "traces"))
        self.roots = [values(span) for span in spans if span.kind == 2]
        # Conventions differ in what they call operations, none calls them so.
        self.attempts = [values(span) for span in spans if span.name == "POST"]
        self.bodies = [
            json.loads(record.body.string_value)
            for record in records_of(merged(chunks, "logs"))
            if record.body.string_value
        ]
        self.points: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for resource in merged(telemetry.collect(end_ns), "metrics").resource_metrics:
            for metric in (m for scope in resource.scope_metrics for m in scope.metrics):
                data = getattr(metric, metric.WhichOneof("data"))
                self.points[metric.name] += [values(point) for point in data.data_points]


def values(message: Any) -> dict[str, Any]:
    """The attributes of a span or point."""
    return {
        a.key: getattr(a.value, a.value.WhichOneof("value"))  # bool, int, double or string
        for a in message.attributes
    }


@pytest.mark.parametrize("conventions", ["gen_ai", "llm", "simtraffic", "llm, gen_ai, simtraffic"])
@pytest.mark.parametrize("failure", failures.FAILURES, ids=lambda failure: failure.kind)
def test_every_signal_tells_the_status_of_the_table(failure: Failure, conventions: str) -> None:
    told = Told(failure, conventions)
    addresses = {provider.address: name for name, provider in PROVIDERS.items()}

    for attempts in (told.attempts, told.points["http.client.request.duration"]):
        assert {addresses[each["server.address"]] for each in attempts} == set(PROVIDERS)
        for each in attempts:
            status = at_provider(failure, addresses[each["server.address"]])
            assert each.get("http.response.status_code", failures.NO_ANSWER) == status
            assert each["error.type"] == (str(status) if status else failure.kind)
    for roots in (told.roots, told.points["http.server.request.duration"]):
        assert {root["http.response.status_code"] for root in roots} == {failure.root_status}
    if "llm" in conventions:
        _assert_llm(failure, told)


def _assert_llm(failure: Failure, told: Told) -> None:
    """A code where no answer came is the caller's."""
    expected = {name: str(at_provider(failure, name) or failure.root_status) for name in PROVIDERS}
    failed = [body for body in told.bodies if body["level"] == "error"]

    assert {body["response"]["status"] for body in failed} == {failure.root_status}
    assert {body["llm"]["provider"]: body["error"]["code"] for body in failed} == expected
    points = told.points["llm.requests.errors.total"]
    assert {point["provider"]: point["error_code"] for point in points} == expected


def test_a_status_that_the_run_does_not_know_is_never_told_as_another() -> None:
    run = setup()
    context = replace(context_of(run), statuses=(0, 200))
    exchanges = run.simulator.simulate_blocks(run.blocks()[:2])
    exchanges.attempts.status_code = np.full(len(exchanges.attempts), 402, dtype=np.int16)

    with pytest.raises(ValueError, match=r"does not know: \[402\]"):
        Rows("attempt", exchanges, context).status()


def test_codes_are_positions_that_must_never_move() -> None:
    """Chance and bytes depend on them; new kinds are appended."""
    assert ERROR_KINDS[:9] == (
        *("none", "rate_limit", "timeout", "overloaded", "server_error"),
        *("content_filter", "context_length", "auth", "invalid_request"),
    )


def test_the_table_of_failures_is_sound() -> None:
    assert len(set(failures.KINDS)) == len(failures.KINDS)
    for failure in failures.FAILURES:
        assert failure.attempt_status == failures.NO_ANSWER or 400 <= failure.attempt_status <= 599
        assert 400 <= failure.root_status <= 599
        assert (failure.answer_s > 0) == (failure.takes == "answer")
