"""What a run has counted: it adds up over processes, and balances whatever became of them."""

import pickle

import numpy as np
import pytest

from simtraffic.ledger import Ledger
from tests.result.traffic import SECOND, counts_of, exchanges, random_rows


def counted(rows, **changes):
    """As the loop counts: what is planned first, then what has arrived."""
    counts = counts_of(**changes)
    block = exchanges(rows)
    counts.plan(block.requests.due_ns)
    counts.add(block)
    counts.lateness.add_repeated(len(rows), 1)
    counts.loop.add_repeated(2 * len(rows), 1)
    return counts


def figures_of(counts):
    return (
        (counts.planned, counts.ledger.generated, counts.end_ns),
        [(stage.planned, stage.generated, stage.failed) for stage in counts.tally.stages],
        counts.tally.traffic(),
        (counts.tally.requests, counts.tally.failed),
        (counts.queued_bytes, counts.cpu_seconds, counts.imperfections),
    )


def test_counts_of_processes_add_up_to_those_of_one():
    rows = random_rows(300)
    parts = [
        counted(rows[:120], queued_bytes=1, cpu_seconds=0.5, imperfections={"clock_skew": 2}),
        counted(rows[120:], queued_bytes=2, cpu_seconds=0.25, imperfections={"clock_skew": 3}),
    ]
    merged = counts_of()

    for part in parts:
        # As it comes from a worker.
        merged.merge(pickle.loads(pickle.dumps(part)))

    whole = counted(rows, queued_bytes=3, cpu_seconds=0.75, imperfections={"clock_skew": 5})
    assert figures_of(merged) == figures_of(whole)
    assert (merged.lateness.count, merged.lateness.maximum) == (2, 180)
    assert (merged.loop.count, merged.loop.maximum) == (2, 360)


def test_what_one_process_met_is_true_of_all():
    calm = counted(random_rows(1))
    calm.merge(
        counts_of(
            overloaded=True,
            interrupted=True,
            fatal="credential refused",
            trouble="connection refused",
            undelivered=["a worker died"],
            elapsed_ns=5 * SECOND,
        )
    )

    assert calm.overloaded
    assert calm.interrupted
    assert (calm.fatal, calm.trouble) == ("credential refused", "connection refused")
    assert calm.undelivered == ["a worker died"]
    assert calm.elapsed_ns == 5 * SECOND


def test_arrivals_are_planned_by_stage_and_the_last_moment_is_the_last_stages():
    counts = counts_of()

    counts.plan(np.array([0, 10 * SECOND - 1, 10 * SECOND, 30 * SECOND], dtype=np.int64))

    assert [stage.planned for stage in counts.tally.stages] == [2, 2]
    assert counts.planned == 4


def test_a_run_ends_with_its_last_span_or_its_last_stage():
    counts = counts_of(elapsed_ns=30 * SECOND)
    assert counts.end_ns == 30 * SECOND

    counts.last_end_ns = 31 * SECOND
    assert counts.end_ns == 31 * SECOND


def test_what_was_planned_and_never_took_place_is_skipped():
    counts = counted(random_rows(3))
    counts.plan(np.array([20 * SECOND] * 4, dtype=np.int64))

    counts.skip_rest()

    ledger = counts.ledger
    assert (ledger.planned, ledger.generated, ledger.skipped) == (7, 3, 4)
    assert ledger.balanced()


@pytest.mark.parametrize(
    ("planned", "reason"),
    [(3, "killed"), (5, "killed; 2 requests were never simulated")],
)
def test_a_process_that_is_gone_leaves_balanced_counts(planned, reason):
    ledger = Ledger(generated=3)
    ledger.add_generated("traces", 9)
    ledger.accept("traces", 5)
    # A copy taken between two counts.
    ledger.accept("logs", 1)
    counts = counts_of(ledger=ledger)
    counts.plan(np.zeros(planned, dtype=np.int64))

    counts.close_without("killed")

    assert ledger.balanced()
    assert (ledger.signals["traces"].failed, ledger.signals["logs"].lost) == (4, 0)
    assert counts.undelivered == [reason]
