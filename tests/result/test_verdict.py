"""The verdict, worst reason first."""

import pytest

from simtraffic.errors import ExitCode
from simtraffic.ledger import Ledger
from simtraffic.result.result import ThresholdResult
from simtraffic.result.verdict import judge, worst
from simtraffic.result.verdict import word as word_of
from tests.result.traffic import counts_of

MET = ThresholdResult("error_share < 8%", 0.01, True)
NOT_MET = ThresholdResult("error_share < 1%", 0.02, False, "error_share")


def a_ledger(*, balanced=True, delivered=True):
    ledger = Ledger(planned=5, generated=5)
    ledger.add_generated("traces", 10)
    ledger.accept("traces", 9)
    if delivered:
        ledger.accept("traces", 1)
    elif balanced:
        ledger.drop("traces", 1, "queue full", 0)
    else:
        ledger.planned = 6
    return ledger


def reasons_of(counts, *thresholds):
    return judge(counts, thresholds)[1]


@pytest.mark.parametrize(
    ("ledger", "threshold", "interrupted", "word", "code"),
    [
        (a_ledger(), MET, False, "passed", 0),
        (a_ledger(), NOT_MET, False, "failed", 5),
        (a_ledger(delivered=False), NOT_MET, False, "failed", 4),
        (a_ledger(balanced=False, delivered=False), NOT_MET, False, "failed", 1),
        (a_ledger(balanced=False, delivered=False), NOT_MET, True, "interrupted", 130),
    ],
)
def test_the_worst_wins(ledger, threshold, interrupted, word, code):
    found, _ = judge(counts_of(ledger=ledger, interrupted=interrupted), [threshold])

    assert (word_of(found), found) == (word, code)


def test_every_reason_is_told_worst_first():
    counts = counts_of(
        ledger=a_ledger(delivered=False), interrupted=True, undelivered=["credential refused"]
    )

    assert reasons_of(counts, NOT_MET) == (
        "interrupted before the end of the scenario",
        "credential refused",
        "1 of 10 spans not delivered: queue full",
        "threshold not met: error_share < 1%; found 2.00 %",
    )


def test_a_cause_is_told_once_for_all_signals_it_hit():
    ledger = Ledger()
    for number, signal in enumerate(ledger.signals, start=1):
        ledger.add_generated(signal, 10)
        ledger.accept(signal, 10 - number)
        ledger.fail(signal, number, "connection refused", 0)

    assert reasons_of(counts_of(ledger=ledger)) == (
        "1 of 10 spans, 2 of 10 data points and 3 of 10 log records not delivered:"
        " connection refused",
    )


def test_the_largest_of_several_causes_is_told():
    ledger = Ledger()
    ledger.add_generated("traces", 10)
    ledger.fail("traces", 7, "connection refused", 0)
    ledger.drop("traces", 3, "queue full", 0)

    assert reasons_of(counts_of(ledger=ledger)) == (
        "10 of 10 spans not delivered: connection refused (and 1 other cause)",
    )


def test_a_cause_that_a_further_reason_names_is_not_told_again():
    ledger = a_ledger(delivered=False)

    counts = counts_of(ledger=ledger, undelivered=["no way on: queue full"])

    assert reasons_of(counts) == ("no way on: queue full", "1 of 10 spans not delivered")


def test_a_threshold_without_a_value_says_what_was_looked_for():
    missed = ThresholdResult("rate > 1/s", None, False, "rate", "no time passed")

    assert reasons_of(counts_of(), missed) == ("threshold not met: rate > 1/s; no time passed",)


def test_a_further_reason_alone_makes_a_run_undelivered():
    code, _ = judge(counts_of(ledger=a_ledger(), undelivered=["a worker died"]), [])

    assert code == 4


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ((), ExitCode.OK),
        ((0, 0), ExitCode.OK),
        ((5, 4, 0), ExitCode.NOT_DELIVERED),
        ((5, 1, 4), ExitCode.UNEXPECTED),
        ((4, 130, 1), ExitCode.INTERRUPTED),
        ((77,), ExitCode.UNEXPECTED),
    ],
)
def test_the_worst_of_several_runs(codes, code):
    assert worst(codes) == code
