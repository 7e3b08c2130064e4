from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from simtraffic.failures import FAILURES
from simtraffic.schedule import Schedule
from simtraffic.simulation.tables import ERROR_KINDS, FINISH_REASONS, Exchanges
from tests.builders import (
    SECOND,
    conversation,
    flow,
    incident,
    load,
    scenario,
    simulator,
    stage,
    tokens,
    weighted,
)


def busy(**more: Any) -> Any:
    """Every feature at once."""
    flows = (
        flow(
            "support",
            share=60,
            streaming=0.8,
            tokens="conversation",
            conversation=conversation(2.4, users=50),
            models={"openai/gpt-4o-mini": 60, "anthropic/claude-haiku-4.5": weighted(40, auth=0.1)},
        ),
        flow("search", share=25, tokens="long_context", models={"openai/o4-mini": 1}),
        flow(
            "vectors",
            workflow="embeddings",
            share=15,
            streaming=0.0,
            tokens="embeddings",
            models={"openai/text-embedding-3-small": 1},
        ),
    )
    settings: dict[str, Any] = {
        "errors": {"rate_limit": 0.1, "timeout": 0.05, "overloaded": 0.05, "server_error": 0.05,
                   "content_filter": 0.02, "context_length": 0.02, "invalid_request": 0.01},
        "max_attempts": 3,
        "fallback": {"openai": "anthropic", "anthropic": "google", "google": "openai"},
        "incidents": (incident(at=20, seconds=60, provider="openai", slowdown=3.0,
                               errors={"overloaded": 0.3}),),
        "instances": 3,
        "capacity": {"openai": 95.0},
        "sampling": 0.25,
        "load": load(stage(60, target=150, name="up"), stage(60, rate=150, name="hold on")),
    }  # fmt: skip
    return scenario(*flows, **{**settings, **more})


@pytest.fixture(scope="module")
def whole() -> Exchanges:
    sim = simulator(busy())
    return sim.simulate_blocks(range(sim.schedule.block_count))


def columns(table: Any) -> dict[str, np.ndarray]:
    return {f.name: getattr(table, f.name) for f in fields(table)}


def assert_equal_tables(one: Any, other: Any, *, but: tuple[str, ...] = ()) -> None:
    for name, values in columns(one).items():
        if name not in but:
            np.testing.assert_array_equal(values, columns(other)[name], err_msg=name)


def test_a_block_is_the_same_alone_and_among_others() -> None:
    sim = simulator(busy())
    blocks = range(10, 16)
    joined = sim.simulate_blocks(blocks)
    block_of = joined.requests.seq >> 20
    for block in blocks:
        alone = sim.simulate(block)
        rows = np.flatnonzero(block_of == block)
        assert_equal_tables(joined.requests.take(rows), alone.requests)
        operations = np.flatnonzero(block_of[joined.operations.request] == block)
        assert_equal_tables(joined.operations.take(operations), alone.operations, but=("request",))
        attempts = np.flatnonzero(block_of[joined.attempts.request] == block)
        # Attempts keep their order among those of one operation.
        assert_equal_tables(
            joined.attempts.take(attempts), alone.attempts, but=("request", "operation")
        )
        np.testing.assert_array_equal(
            joined.operations.request[operations] - rows[0], alone.operations.request
        )
        np.testing.assert_array_equal(
            np.searchsorted(operations, joined.attempts.operation[attempts]),
            alone.attempts.operation,
        )


def test_a_block_does_not_depend_on_what_was_simulated_before() -> None:
    one, other = simulator(busy()), simulator(busy())
    first = one.simulate(5)
    for block in (40, 7, 6):
        other.simulate(block)
    again = other.simulate(5)
    for name in ("requests", "operations", "attempts"):
        assert_equal_tables(getattr(first, name), getattr(again, name))


def test_two_runs_differ_in_ids_only() -> None:
    one = simulator(busy(sampling=1.0), run_id="a").simulate(3)
    other = simulator(busy(sampling=1.0), run_id="b").simulate(3)
    ids = ("trace_id", "span_id", "response_id")
    for name in ("requests", "operations", "attempts"):
        assert_equal_tables(getattr(one, name), getattr(other, name), but=ids)
    assert not (one.requests.trace_id == other.requests.trace_id).any()
    assert not (one.attempts.span_id == other.attempts.span_id).any()


def test_another_seed_gives_another_run() -> None:
    one, other = simulator(busy()).simulate(3), simulator(busy(seed=8)).simulate(3)
    assert one.requests.due_ns.tolist() != other.requests.due_ns.tolist()


def test_every_arrival_becomes_one_request(whole: Exchanges) -> None:
    schedule = Schedule.of(busy())
    assert len(whole) == schedule.planned()
    requests = whole.requests
    assert len(np.unique(requests.seq)) == len(requests)
    due = np.concatenate([schedule.arrivals(k) for k in range(schedule.block_count)])
    np.testing.assert_array_equal(requests.due_ns, due)
    np.testing.assert_array_equal(requests.stage, due >= 60 * SECOND)


def test_columns_have_the_types_of_the_tables(whole: Exchanges) -> None:
    codes = {"flow", "route", "instance", "stage", "turn", "error", "status_code", "finish",
             "attempts", "first_error", "resend"}  # fmt: skip
    flags = {"streaming", "sampled", "is_fallback", "is_last"}
    words = {"conversation", "trace_id", "span_id", "response_id"}
    for table in (whole.requests, whole.operations, whole.attempts):
        for name, values in columns(table).items():
            kind: type[np.generic] = np.int64
            kind = np.int16 if name in codes else kind
            kind = np.bool_ if name in flags else kind
            kind = np.uint64 if name in words else kind
            assert values.dtype == kind, name
            assert len(values) == len(table), name


def test_nothing_is_negative(whole: Exchanges) -> None:
    for table in (whole.requests, whole.operations, whole.attempts):
        for name, values in columns(table).items():
            assert (values >= 0).all(), name


def test_ids_are_unique_and_never_zero(whole: Exchanges) -> None:
    spans = np.concatenate(
        [whole.requests.span_id, whole.operations.span_id, whole.attempts.span_id]
    )
    assert len(np.unique(spans)) == len(spans)
    assert spans.all()
    assert whole.requests.trace_id.all()
    assert len(np.unique(whole.requests.trace_id, axis=0)) == len(whole)
    answered = whole.operations.error == 0
    np.testing.assert_array_equal(whole.operations.response_id != 0, answered)


def test_every_child_lies_within_its_parent(whole: Exchanges) -> None:
    requests, operations, attempts = whole.requests, whole.operations, whole.attempts
    assert (requests.end_ns > requests.due_ns).all()
    assert (operations.start_ns > requests.due_ns[operations.request]).all()
    assert (operations.end_ns > operations.start_ns).all()
    assert (operations.end_ns < requests.end_ns[operations.request]).all()
    assert (attempts.start_ns > operations.start_ns[attempts.operation]).all()
    assert (attempts.end_ns > attempts.start_ns).all()
    assert (attempts.end_ns < operations.end_ns[attempts.operation]).all()
    np.testing.assert_array_equal(attempts.request, operations.request[attempts.operation])


def test_the_gateway_adds_one_to_three_milliseconds(whole: Exchanges) -> None:
    operations = whole.operations
    single = np.bincount(operations.request, minlength=len(whole)) == 1
    rows = np.flatnonzero(single[operations.request])
    request = operations.request[rows]
    inside = operations.end_ns[rows] - operations.start_ns[rows]
    outside = whole.requests.end_ns[request] - whole.requests.due_ns[request] - inside
    assert outside.min() >= 1_000_000
    assert outside.max() <= 3_000_000


def test_attempts_follow_each_other(whole: Exchanges) -> None:
    attempts, operations = whole.attempts, whole.operations
    np.testing.assert_array_equal(
        np.bincount(attempts.operation, minlength=len(operations)), operations.attempts
    )
    assert operations.attempts.max() == 3
    order = np.lexsort((attempts.resend, attempts.operation))
    operation, resend = attempts.operation[order], attempts.resend[order]
    same = operation[1:] == operation[:-1]
    np.testing.assert_array_equal(resend[1:][same], resend[:-1][same] + 1)
    wait = attempts.start_ns[order][1:][same] - attempts.end_ns[order][:-1][same]
    nominal = 0.5 * SECOND * 2.0 ** resend[:-1][same]
    assert (wait >= 0.8 * nominal - 1).all()
    assert (wait <= 1.2 * nominal + 1).all()
    first, last = ~np.append(False, same), ~np.append(same, False)
    np.testing.assert_array_equal(operations.first_error, attempts.error[order][first])
    np.testing.assert_array_equal(operations.error, attempts.error[order][last])


def test_only_what_a_retry_may_cure_is_retried(whole: Exchanges) -> None:
    retryable = [
        ERROR_KINDS.index(k) for k in ("rate_limit", "timeout", "overloaded", "server_error")
    ]
    attempts = whole.attempts
    tried_again = attempts.resend + 1 < whole.operations.attempts[attempts.operation]
    assert np.isin(attempts.error[tried_again], retryable).all()
    given_up = ~tried_again & np.isin(attempts.error, retryable)
    assert (attempts.resend[given_up] == 2).all()


def test_the_last_operation_decides_over_the_request(whole: Exchanges) -> None:
    operations, requests = whole.operations, whole.requests
    last = np.flatnonzero(operations.is_last)
    assert sorted(operations.request[last]) == list(range(len(whole)))
    np.testing.assert_array_equal(requests.error[operations.request[last]], operations.error[last])
    assert operations.error[~operations.is_last].all()


def test_a_failure_has_its_status_at_the_root_and_at_the_provider() -> None:
    """Those that stand here never change; a kind that was added later is as the table has it."""
    first = ERROR_KINDS[1:9]
    roots = {failure.kind: failure.root_status for failure in FAILURES}
    calls = {failure.kind: failure.attempt_status for failure in FAILURES}
    roots |= zip(first, (429, 504, 502, 502, 400, 400, 401, 400), strict=True)
    calls |= zip(first, (429, 0, 529, 500, 400, 400, 401, 400), strict=True)
    for kind in ERROR_KINDS[1:]:
        asked = scenario(flow(models={"anthropic/claude-haiku-4.5": 1}), errors={kind: 1.0})
        result = simulator(asked).simulate(0)
        assert set(result.requests.error) == {ERROR_KINDS.index(kind)}
        assert set(result.requests.status_code) == {roots[kind]}
        assert set(result.attempts.status_code) == {calls[kind]}
    openai = simulator(scenario(errors={"overloaded": 1.0})).simulate(0)
    assert set(openai.attempts.status_code) == {503}


def test_what_failed_has_no_tokens_no_cost_and_no_answer(whole: Exchanges) -> None:
    operations = whole.operations
    failed = operations.error > 0
    for name in ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens", "finish",
                 "first_token_ns", "input_cost_pusd", "output_cost_pusd"):  # fmt: skip
        assert not getattr(operations, name)[failed].any(), name
    assert (operations.input_tokens[~failed] > 0).all()


def test_costs_are_tokens_times_price(whole: Exchanges) -> None:
    sim = simulator(busy())
    operations = whole.operations
    prices = np.array([(m.input_pusd, m.cached_pusd, m.output_pusd) for m in sim.vocabulary.routes])
    price = prices[operations.route]
    fresh = operations.input_tokens - operations.cached_tokens
    np.testing.assert_array_equal(
        operations.input_cost_pusd, fresh * price[:, 0] + operations.cached_tokens * price[:, 1]
    )
    np.testing.assert_array_equal(
        operations.output_cost_pusd, operations.output_tokens * price[:, 2]
    )
    total = np.zeros(len(whole), dtype=np.int64)
    np.add.at(total, operations.request, operations.input_cost_pusd + operations.output_cost_pusd)
    np.testing.assert_array_equal(whole.requests.cost_pusd, total)


def test_embeddings_generate_nothing(whole: Exchanges) -> None:
    vectors = whole.requests.flow == 2
    operations = whole.operations
    rows = vectors[operations.request]
    assert rows.any()
    for name in ("output_tokens", "reasoning_tokens", "first_token_ns", "finish", "max_tokens",
                 "cached_tokens"):  # fmt: skip
        assert not getattr(operations, name)[rows].any(), name
    assert not whole.requests.streaming[vectors].any()


def test_answers_have_a_first_token_and_an_ending(whole: Exchanges) -> None:
    operations = whole.operations
    answers = (operations.error == 0) & (whole.requests.flow[operations.request] != 2)
    first = operations.first_token_ns[answers]
    took = operations.end_ns[answers] - operations.start_ns[answers]
    assert (first > 0).all()
    assert (first < took).all()
    assert (operations.finish[answers] > 0).all()
    assert (operations.output_tokens[answers] >= 1).all()
    assert (operations.output_tokens[answers] <= operations.max_tokens[answers]).all()
    cut = answers & (operations.finish == FINISH_REASONS.index("length"))
    np.testing.assert_array_equal(operations.output_tokens[cut], operations.max_tokens[cut])


def test_flows_models_and_streaming_have_their_shares() -> None:
    asked = scenario(
        flow("a", share=70, streaming=0.8, models={"openai/gpt-4o": 3, "xai/grok-4.3": 1}),
        flow("b", share=30, streaming=0.0, models={"openai/gpt-4o": 1}),
        load=load(stage(100, rate=1000.0)),
        instances=4,
    )
    requests = simulator(asked).simulate_blocks(range(40)).requests
    count = len(requests)
    shares = {
        0.7: requests.flow == 0,
        0.175: requests.route == 1,
        0.56: requests.streaming,
        0.25: requests.instance == 3,
    }
    for share, rows in shares.items():
        # Five standard errors.
        assert abs(rows.mean() - share) < 5 * math.sqrt(share * (1 - share) / count)
    assert not requests.streaming[requests.flow == 1].any()
    assert set(requests.instance) == {0, 1, 2, 3}


def test_users_of_lone_requests_are_a_thousand() -> None:
    requests = simulator(scenario()).simulate_blocks(range(10)).requests
    assert 0 <= requests.user.min() < 20
    assert 980 < requests.user.max() < 1000
    assert not requests.conversation.any()
    assert set(requests.turn) == {1}


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_sampling_keeps_its_share_of_traces(share: float) -> None:
    requests = simulator(scenario(sampling=share)).simulate_blocks(range(60)).requests
    tolerance = 5 * math.sqrt(share * (1 - share) / len(requests))
    assert abs(requests.sampled.mean() - share) <= tolerance


def test_sampling_looks_at_the_last_seven_bytes_of_the_trace_id() -> None:
    requests = simulator(scenario(sampling=0.25)).simulate(0).requests
    for row in range(len(requests)):
        identity = requests.trace_id[row].tobytes()
        kept = int.from_bytes(identity[9:], "big") >= 0.75 * 2**56
        assert requests.sampled[row] == kept


def test_a_block_without_arrivals_is_an_empty_table() -> None:
    sim = simulator(busy(load=load(stage(10, rate=0.2))))
    assert sim.schedule.block_count == 1
    counts = [len(simulator(busy(load=load(stage(1, rate=0.1)), seed=s)).simulate(0))
              for s in range(20)]  # fmt: skip
    assert 0 in counts


def test_utilisation_and_work_under_way_are_forecast() -> None:
    asked = scenario(
        flow(tokens=tokens((1000, 1000), (200, 200)), streaming=0.0),
        load=load(stage(100, rate=200.0)),
        capacity={"openai/gpt-4o-mini": 400.0},
    )
    sim = simulator(asked)
    assert sim.forecast.load.utilisation_at(50 * SECOND)["openai/gpt-4o-mini"] == pytest.approx(0.5)
    assert sim.forecast.load.utilisation_at(101 * SECOND)["openai/gpt-4o-mini"] == 0.0
    requests = sim.simulate_blocks(range(sim.schedule.block_count)).requests
    alive = ((requests.due_ns <= 50 * SECOND) & (requests.end_ns > 50 * SECOND)).sum()
    # A Poisson number of about 370; five standard deviations.
    assert abs(sim.forecast.in_flight(50 * SECOND) - alive) < 5 * math.sqrt(alive)
    assert sim.forecast.in_flight(101 * SECOND) == 0.0
