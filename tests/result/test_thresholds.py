"""Thresholds, each measure with what it selects."""

import numpy as np
import pytest

from simtraffic.ledger import Ledger
from simtraffic.result.thresholds import evaluate
from tests.result.traffic import SECOND, a_scenario, a_threshold, counts_of

# Two requests in the warm-up, three in the steady stage. The second failed at OpenAI and was cured
# by a fallback; the last failed at both.
ROWS = [
    {"due": 1 * SECOND, "operations": [{"route": 0, "first": SECOND, "tokens": (100, 0, 10, 0)}]},
    {
        "due": 2 * SECOND,
        "flow": 1,
        "operations": [
            {"route": 0, "error": 1},
            {"route": 2, "first": 2 * SECOND, "tokens": (300, 0, 30, 0), "cost": 2 * 10**12},
        ],
    },
    {"due": 12 * SECOND, "operations": [{"route": 1, "cost": 10**12, "duration": 3 * SECOND}]},
    {"due": 13 * SECOND, "streaming": False, "operations": [{"route": 1, "first": SECOND}]},
    {
        "due": 25 * SECOND,
        "instance": 2,
        "operations": [{"route": 0, "error": 3}, {"route": 2, "error": 2}],
    },
]


def judge(threshold, rows=ROWS, ledger=None, elapsed_ns=30 * SECOND, is_interrupted=False):
    counts = counts_of(
        rows,
        scenario=a_scenario(threshold),
        ledger=ledger or a_ledger(),
        elapsed_ns=elapsed_ns,
        interrupted=is_interrupted,
    )
    counts.lateness.add(np.array([0, 100_000_000], dtype=np.int64))
    return evaluate(threshold, counts)


def a_ledger():
    ledger = Ledger(planned=6, generated=5, skipped=1)
    ledger.add_generated("traces", 10)
    ledger.accept("traces", 9)
    ledger.add_generated("logs", 4)
    ledger.accept("logs", 4)
    return ledger


@pytest.mark.parametrize(
    ("threshold", "value"),
    [
        pytest.param(a_threshold("error_share"), 1 / 5, id="failed requests over requests"),
        pytest.param(
            a_threshold("error_share", provider="openai"),
            2 / 5,
            id="at a provider operations, though a fallback cured one",
        ),
        pytest.param(a_threshold("error_share", provider="anthropic"), 1 / 2, id="other provider"),
        pytest.param(a_threshold("error_share", model="openai/gpt-4o"), 0.0, id="at a model"),
        pytest.param(a_threshold("error_share", flow="search"), 0.0, id="of a flow, requests"),
        pytest.param(a_threshold("error_share", instance=3), 1.0, id="at an instance"),
        pytest.param(a_threshold("error_share", during="steady"), 1 / 3, id="in a stage"),
        pytest.param(
            a_threshold("error_share", during="brownout", provider="openai"),
            0.0,
            id="in an incident",
        ),
        pytest.param(a_threshold("requests"), 5.0, id="requests"),
        pytest.param(a_threshold("requests", provider="anthropic"), 2.0, id="operations there"),
        pytest.param(
            a_threshold("requests", during="steady", flow="search"), 0.0, id="a count of 0"
        ),
        pytest.param(a_threshold("rate"), 5 / 30, id="rate over the run"),
        pytest.param(a_threshold("rate", during="steady"), 3 / 20, id="rate in a stage"),
        pytest.param(a_threshold("cost_usd"), 3.0, id="cost"),
        pytest.param(a_threshold("cost_usd", provider="anthropic"), 2.0, id="cost there"),
        pytest.param(a_threshold("cost_usd", flow="chat"), 1.0, id="cost of a flow"),
        pytest.param(a_threshold("duration", aggregation="max"), 3.0, id="longest"),
        pytest.param(a_threshold("duration", aggregation="avg"), 9 / 7, id="mean"),
        pytest.param(
            a_threshold("time_to_first_token", aggregation="max"), 2.0, id="streamed alone"
        ),
        pytest.param(
            a_threshold("time_to_first_token", aggregation="max", provider="openai"),
            1.0,
            id="streamed at a provider",
        ),
        pytest.param(a_threshold("input_tokens", aggregation="p50"), 100.0, id="tokens of answers"),
        pytest.param(a_threshold("output_tokens", aggregation="p99.9"), 30.0, id="fine quantile"),
        pytest.param(a_threshold("lateness", aggregation="max"), 0.1, id="lateness"),
        pytest.param(a_threshold("delivered"), 0.9, id="least of the signals"),
        pytest.param(a_threshold("planned"), 6.0, id="planned"),
        pytest.param(a_threshold("generated"), 5.0, id="generated"),
        pytest.param(a_threshold("skipped"), 1.0, id="skipped"),
    ],
)
def test_a_measure_has_this_value(threshold, value):
    assert judge(threshold).value == pytest.approx(value)


@pytest.mark.parametrize(
    ("operator", "limit", "passed"),
    [
        ("<", 0.2, False),
        ("<=", 0.2, True),
        (">", 0.2, False),
        (">=", 0.2, True),
        ("==", 0.2, True),
        ("!=", 0.2, False),
        ("<", 0.3, True),
    ],
)
def test_every_operator_compares_value_with_limit(operator, limit, passed):
    assert judge(a_threshold("error_share", operator, limit)).passed is passed


@pytest.mark.parametrize(
    "threshold",
    [
        a_threshold("error_share", flow="search", during="steady"),
        a_threshold("cost_usd", provider="anthropic", during="brownout"),
        a_threshold("duration", aggregation="p95", model="anthropic/claude-haiku-4.5", flow="none"),
        a_threshold("time_to_first_token", aggregation="p95", during="brownout"),
    ],
    ids=lambda threshold: threshold.text,
)
def test_a_threshold_that_selects_nothing_fails_and_says_so(threshold):
    result = judge(threshold)

    assert (result.value, result.passed) == (None, False)
    assert result.note


def test_delivered_without_any_telemetry_is_no_observation():
    result = judge(a_threshold("delivered", ">=", 0.0), ledger=Ledger())

    assert (result.value, result.passed) == (None, False)


def test_a_rate_is_over_the_part_of_its_window_that_the_run_came_to():
    result = judge(a_threshold("rate", during="steady"), rows=ROWS[:4], elapsed_ns=14 * SECOND)

    assert result.value == pytest.approx(2 / 4)


def test_a_stage_that_a_shortened_run_never_reached_selects_nothing():
    threshold = a_threshold("error_share", ">=", 0.0, during="cool-down")

    assert judge(threshold).value is None


@pytest.mark.parametrize(
    ("measure", "aggregation"),
    [("error_share", None), ("requests", None), ("rate", None), ("duration", "p95")],
)
def test_a_stage_that_an_interrupt_cut_off_is_not_judged(measure, aggregation):
    threshold = a_threshold(measure, ">", 1.0, aggregation, during="steady")

    result = judge(threshold, rows=ROWS[:2], elapsed_ns=5 * SECOND, is_interrupted=True)

    assert (result.passed, result.value) == (True, None)
    assert result.note == "not judged: this run was interrupted before steady"


def test_what_an_interrupted_run_came_to_is_judged():
    threshold = a_threshold("requests", ">", 100.0, during="warm-up")

    result = judge(threshold, rows=ROWS[:2], elapsed_ns=5 * SECOND, is_interrupted=True)

    assert (result.passed, result.value) == (False, 2.0)
