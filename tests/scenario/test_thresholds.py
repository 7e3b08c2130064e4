"""The grammar of thresholds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from simtraffic.scenario.thresholds import MEASURES, OPERATORS, parse_threshold


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("delivered == 100%", (None, "delivered", "==", 1.0, None, {})),
        ("delivered >= 0.999", (None, "delivered", ">=", 0.999, None, {})),
        ("p99(lateness) < 250ms", ("p99", "lateness", "<", 0.25, None, {})),
        ("p99.9(duration)<=2s", ("p99.9", "duration", "<=", 2.0, None, {})),
        ("max( input_tokens ) < 4k", ("max", "input_tokens", "<", 4000.0, None, {})),
        ("avg(output_tokens) > 1.5", ("avg", "output_tokens", ">", 1.5, None, {})),
        ("cost_usd < 2.50", (None, "cost_usd", "<", 2.5, None, {})),
        ("rate > 60/m", (None, "rate", ">", 1.0, None, {})),
        ("skipped == 0", (None, "skipped", "==", 0.0, None, {})),
        ("error_share < 8% during up", (None, "error_share", "<", 0.08, "up", {})),
        (
            "requests != 0 where provider=openai, flow=chat",
            (None, "requests", "!=", 0.0, None, {"provider": "openai", "flow": "chat"}),
        ),
        (
            "error_share > 5% where model=openai/gpt-4o during x",
            (None, "error_share", ">", 0.05, "x", {"model": "openai/gpt-4o"}),
        ),
    ],
)
def test_expressions_are_read(text, expected):
    threshold = parse_threshold(text)

    assert threshold.text == text
    assert (
        threshold.aggregation,
        threshold.measure,
        threshold.operator,
        threshold.limit,
        threshold.during,
        threshold.where,
    ) == expected


@pytest.mark.parametrize(
    ("text", "offset", "problem", "hint"),
    [
        ("", 0, "a threshold starts with a measure", "known: delivered, error_share"),
        ("latency < 2s", 0, "unknown measure", "did you mean lateness?"),
        ("zzz < 2s", 0, "unknown measure", "known: delivered, error_share"),
        ("lateness < 2s", 0, "lateness needs an aggregation", "write p95(lateness)"),
        ("p95(error_share) < 2%", 0, "error_share is one number", "write error_share alone"),
        ("p95(latency) < 2s", 4, "unknown measure", "did you mean lateness?"),
        ("p100(duration) < 2s", 0, "unknown aggregation", "known: p50, p90, p95"),
        ("p0(duration) < 2s", 0, "unknown aggregation", "known: p50, p90, p95"),
        ("median(duration) < 2s", 0, "unknown aggregation", "known: p50, p90, p95"),
        ("error_share", 11, "an operator is missing", "known: < <= > >= == !="),
        ("error_share = 5%", 12, "unknown operator", "known: < <= > >= == !="),
        ("error_share <", 13, "a limit is missing", "write what to compare"),
        ("error_share < 8", 14, "error_share: share without a percent sign", "write 8%"),
        ("error_share < 101%", 14, "error_share: share over 100%", "write 0% to 100%"),
        ("max(duration) < 2", 16, "duration: duration without a unit", "write 2s or 2ms"),
        ("rate > 5", 7, "rate: rate without a unit", "write 5/s"),
        ("cost_usd < $5", 11, "cost_usd: not an amount of dollars", "write a plain number"),
        ("error_share < 5% for 3m", 17, "unexpected words", "what may follow: during NAME"),
        ("error_share < 5% during", 23, "a name is missing after during", "name a stage"),
        ("error_share < 5% during a during b", 26, "during is given twice", "leave one out"),
        ("error_share < 5% where", 22, "a condition is missing after where", "write KEY=VALUE"),
        ("error_share < 5% where prvider=x", 23, "unknown condition", "did you mean provider?"),
        ("error_share < 5% where flow=a,flow=b", 30, "flow is given twice", "leave one out"),
        ("skipped == 0 during a", 13, "skipped is of the whole run", "leave during out"),
        ("delivered == 1 where flow=a", 15, "delivered is of the whole run", "leave where out"),
    ],
)
def test_wrong_expressions_are_told_where_they_are_wrong(text, offset, problem, hint):
    with pytest.raises(PydanticCustomError) as caught:
        parse_threshold(text)

    context = caught.value.context
    assert context is not None
    assert (context["offset"], context["problem"]) == (offset, problem)
    assert context["hint"].startswith(hint)


PIECES = st.sampled_from(
    (
        *(*MEASURES, *OPERATORS, "p95", "max", "(", ")", "during", "where", "provider", "=", ","),
        *(" ", "5%", "2s", "1/s", "4k", "0.5", "x"),
    )
)


@given(st.lists(PIECES, max_size=12).map("".join) | st.text())
def test_any_text_is_read_or_told(text):
    try:
        offset = 0 if parse_threshold(text).measure in MEASURES else -1
    except PydanticCustomError as error:
        offset = (error.context or {})["offset"]

    assert 0 <= offset <= len(text)
