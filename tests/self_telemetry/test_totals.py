"""What a process has counted over all its runs."""

from __future__ import annotations

from simtraffic.ledger import Ledger
from simtraffic.result.snapshot import Snapshot
from simtraffic.result.watcher import Subject
from simtraffic.self_telemetry.totals import Totals


def subject(ledger: Ledger, held: int | None = None) -> Subject:
    return Subject(
        run_id="ab",
        scenario="ramp",
        seed=1,
        shard="1/1",
        ledger=ledger,
        queued_bytes=None if held is None else lambda: held,
        drain_s=30.0,
        is_timed=True,
    )


def snapshot(planned: int) -> Snapshot:
    return Snapshot(
        elapsed_ns=1,
        duration_ns=2,
        asked_rate=1.0,
        reached_rate=1.0,
        requests=0,
        failed=0,
        spans_per_second=0.0,
        planned=planned,
    )


def test_nothing_is_counted_before_the_first_run() -> None:
    totals = Totals()

    assert totals.subject is None
    assert totals.held_bytes == 0
    assert totals.ledger().counts() == Ledger().counts()


def test_a_run_is_added_to_those_before_it_while_it_goes_on() -> None:
    totals, first, second = Totals(), Ledger(), Ledger()
    totals.begin(subject(first))
    first.add_requests(planned=5, generated=4, skipped=1)
    first.add_generated("traces", 12)
    first.accept("traces", 12)
    totals.begin(subject(second))
    second.add_generated("traces", 3)

    total = totals.ledger()

    assert (total.planned, total.generated, total.skipped) == (5, 4, 1)
    assert (total.signals["traces"].generated, total.signals["traces"].accepted) == (15, 12)
    # Neither is written into.
    assert (first.signals["traces"].generated, second.signals["traces"].generated) == (12, 3)


def test_what_is_planned_is_what_was_drawn_until_the_ledger_knows_it() -> None:
    totals, ledger = Totals(), Ledger()
    totals.begin(subject(ledger))
    ledger.add_requests(generated=3)
    assert totals.ledger().planned == 3, "a snapshot is a little old"

    totals.snapshot = snapshot(planned=7)
    assert totals.ledger().planned == 7

    ledger.add_requests(planned=8, skipped=5)
    assert totals.ledger().planned == 8
    totals.begin(subject(Ledger()))
    assert totals.ledger().planned == 8, "the state of the run before is no longer that of this one"


def test_what_is_held_is_asked_anew() -> None:
    totals = Totals()

    totals.begin(subject(Ledger()))
    assert totals.held_bytes == 0
    totals.begin(subject(Ledger(), held=70))
    assert totals.held_bytes == 70
