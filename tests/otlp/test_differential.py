"""Every span and log record equals what the official SDK and encoders make of the same row."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from simtraffic import workflows
from simtraffic.catalog import load_catalog
from simtraffic.catalog.model import Provider
from simtraffic.conventions.context import Context
from simtraffic.conventions.load import ALWAYS_ON, load_convention
from simtraffic.otlp.emitter import Emitter
from simtraffic.runner.emission import context_of
from simtraffic.scenario import Telemetry
from simtraffic.schedule import Shard
from simtraffic.simulation.tables import Attempts, Exchanges, Operations, Requests
from simtraffic.token_kinds import PARTS, WHOLES
from tests.examples import examples
from tests.otlp import official
from tests.told import merged, records_of, setup, spans_of

if TYPE_CHECKING:
    from simtraffic.simulation.forecast import Forecast

CONVENTIONS = (
    ("gen_ai",),
    ("llm",),
    ("gen_ai", "llm"),
    ("llm", "gen_ai"),
    ("simtraffic",),
    ("simtraffic", "gen_ai"),
)
MOST = 2**63 - 1


def loaded(names: tuple[str, ...]) -> list[Any]:
    """The conventions of these names, and the one that is always on."""
    return [load_convention(name) for name in (*names, ALWAYS_ON)]


def judged(context: Context, names: tuple[str, ...]) -> Context:
    """What the judge may know: it is told, not asked, who tells operations."""
    return replace(context, has_operation_spans=bool({"gen_ai", "llm"} & set(names)))


@cache
def forecast() -> Forecast:
    """Only metrics ask for it, so any will do."""
    return setup().simulator.forecast


def told(exchanges: Exchanges, context: Context, names: tuple[str, ...]) -> tuple[Any, Any, Any]:
    """Our spans and records, the conventions that told them."""
    conventions = loaded(names)
    telemetry = Emitter(
        conventions,
        context,
        forecast(),
        Telemetry(),
        resources=[{"service.name": name} for name in context.instance_ids],
        shard=Shard(),
    )
    chunks = list(telemetry.records(telemetry.frames(exchanges)))
    return spans_of(merged(chunks, "traces")), records_of(merged(chunks, "logs")), conventions


def by_id(spans: list[Any]) -> dict[tuple[bytes, bytes], Any]:
    found = {(span.trace_id, span.span_id): span for span in spans}
    assert len(found) == len(spans)
    return found


def record_key(record: Any) -> tuple[object, ...]:
    return (record.trace_id, record.span_id, record.time_unix_nano, record.severity_text,
            record.event_name)  # fmt: skip


def assert_same_records(ours: list[Any], theirs: list[Any]) -> None:
    assert len(ours) == len(theirs)
    pairs = zip(sorted(ours, key=record_key), sorted(theirs, key=record_key), strict=True)
    for mine, judge in pairs:
        if mine.body.string_value.startswith("{"):
            # Blanks in front of numbers keep rows of one length; the JSON is the same.
            assert json.loads(mine.body.string_value) == json.loads(judge.body.string_value)
            mine.body.string_value = judge.body.string_value
        assert mine == judge


@pytest.mark.parametrize("names", CONVENTIONS, ids="+".join)
def test_every_shape_of_a_rich_run_equals_the_official_message(names: tuple[str, ...]) -> None:
    """All workflows, error kinds, retries and fallbacks of a simulated run."""
    run = setup()
    exchanges = run.simulator.simulate_blocks(run.blocks()[:8])
    ours, records, conventions = told(exchanges, context_of(run), names)

    context = judged(context_of(run), names)
    assert by_id(ours) == by_id(official.spans(exchanges, context, conventions))
    assert_same_records(records, official.logs(exchanges, context, conventions))


numbers = st.one_of(
    st.sampled_from([0, 1, 127, 128, 99_999_999, 100_000_000, 2**32, 2**53, MOST]),
    st.integers(min_value=0, max_value=MOST),
)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
identities = st.integers(min_value=1, max_value=2**64 - 1)


@st.composite
def a_context(draw: st.DrawFn) -> Context:
    provider = Provider(
        name=draw(words),
        address=draw(words),
        port=draw(st.integers(0, 65535)),
        overloaded_status=503,
        paths={workflow: draw(words) for workflow in workflows.NAMES},
    )
    model = replace(
        next(iter(load_catalog().models.values())),
        provider=provider.name,
        name=draw(words),
        reasoning_share=draw(st.sampled_from([0.0, 0.5])),
    )
    name = draw(words)
    return Context(
        service_name=name,
        service_version=draw(words),
        environment=draw(words),
        instance_ids=(f"{name}-1",),
        flows=(draw(words),),
        flow_workflows=np.array([draw(st.integers(0, 2))]),
        routes=(model,),
        providers={provider.name: provider},
        start_unix_ns=draw(st.sampled_from([0, 1, 1_767_225_600_000_000_000])),
    )


@st.composite
def an_exchange(draw: st.DrawFn) -> Exchanges:
    """One request, operation and attempt with edge values in every number."""
    start = draw(st.integers(0, 10**15))
    end = start + draw(st.sampled_from([1, 10**6, 10**9, 10**14]))
    error = draw(st.integers(0, 8))

    def word(values: Any) -> Any:
        return np.array(values, dtype=np.uint64)

    def ints(value: int) -> Any:
        return np.array([value], dtype=np.int64)

    def codes(value: int) -> Any:
        return np.array([value], dtype=np.int16)

    first = draw(st.integers(0, end - start))
    trace = word([[draw(identities), draw(identities)]])
    spans = draw(st.lists(identities, min_size=3, max_size=3, unique=True))
    requests = Requests(
        ints(0), ints(start), ints(end), codes(0), codes(0), codes(0), codes(0),
        ints(draw(st.integers(0, 99_999_999))), word([draw(identities)]),
        codes(draw(st.integers(1, 64))), np.array([draw(st.booleans())]), np.array([True]),
        codes(error), codes(draw(st.sampled_from([200, 400, 401, 429, 502, 504]))), ints(0),
        trace, word(spans[:1]), ints(0),
    )  # fmt: skip
    # Wholes are added up, and parts of the output taken from it.
    tokens = {whole.column: ints(draw(numbers) // 2) for whole in WHOLES}
    tokens |= {
        part.column: ints(0 if part.part_of == "output" else draw(numbers)) for part in PARTS
    }
    operations = Operations(
        ints(0), ints(start), ints(end), codes(0), np.array([False]), np.array([True]),
        codes(error), codes(draw(st.integers(0, 4))), codes(draw(st.integers(1, 5))),
        codes(draw(st.integers(0, 4))), ints(first), **tokens, max_tokens=ints(draw(numbers)),
        input_cost_pusd=ints(draw(st.integers(0, 10**15))),
        output_cost_pusd=ints(draw(st.integers(0, 10**15))),
        span_id=word(spans[1:2]), response_id=word([draw(identities)]),
    )  # fmt: skip
    attempts = Attempts(
        ints(0), ints(0), ints(start), ints(end), codes(0), codes(error),
        codes(draw(st.sampled_from([0, 200, 400, 401, 429, 500, 503, 529]))),
        codes(draw(st.integers(0, 4))), word(spans[2:]),
    )  # fmt: skip
    return Exchanges(0, requests, operations, attempts)


@examples(60, suppress_health_check=[HealthCheck.too_slow])
@given(exchanges=an_exchange(), context=a_context(), names=st.sampled_from(CONVENTIONS))
def test_edge_values_equal_the_official_message(
    exchanges: Exchanges, context: Context, names: tuple[str, ...]
) -> None:
    """0, 2^63-1, empty and non-ASCII strings come through unchanged."""
    ours, records, conventions = told(exchanges, context, names)
    context = judged(context, names)

    assert by_id(ours) == by_id(official.spans(exchanges, context, conventions))
    assert_same_records(records, official.logs(exchanges, context, conventions))
