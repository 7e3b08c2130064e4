from __future__ import annotations

import pickle
import threading

from simtraffic.ledger import OTHER_REASONS, Ledger, Loss
from simtraffic.signals import UNITS


def test_a_new_ledger_is_balanced_and_has_delivered_everything() -> None:
    ledger = Ledger()

    assert ledger.balanced()
    assert ledger.delivered == 1.0


def test_every_outcome_counts_towards_what_was_generated() -> None:
    ledger = Ledger()
    ledger.add_requests(planned=5, generated=3, skipped=2)
    ledger.add_generated("traces", 10)
    ledger.accept("traces", 4)
    ledger.reject("traces", 3, "too large", 1)
    ledger.fail("traces", 2, "gave up", 1)
    ledger.drop("traces", 1, "queue full", 1)

    assert ledger.balanced()
    assert ledger.delivered == 0.4


def test_an_imbalance_names_the_law_and_its_numbers() -> None:
    ledger = Ledger()
    ledger.add_requests(planned=5, generated=3, skipped=1)
    ledger.add_generated("logs", 2)
    ledger.accept("logs", 1)

    assert ledger.imbalances() == [
        "requests: planned 5 is not generated 3 + skipped 1",
        "logs: generated 2 is not accepted 1 + rejected 0 + failed 0 + dropped 0",
    ]
    assert not ledger.balanced()


def test_delivered_is_the_least_of_the_signals_that_have_anything() -> None:
    ledger = Ledger()
    ledger.add_generated("traces", 10)
    ledger.accept("traces", 9)
    ledger.add_generated("metrics", 10)
    ledger.accept("metrics", 5)

    assert ledger.delivered == 0.5


def test_losses_of_one_reason_become_one_with_first_and_last_time() -> None:
    ledger = Ledger()
    ledger.drop("logs", 2, "queue full", 50)
    ledger.drop("logs", 3, "queue full", 20)
    ledger.drop("logs", 0, "nothing", 10)
    ledger.fail("logs", 1, "queue full", 30)

    assert ledger.losses() == [
        Loss("logs", "dropped", "queue full", 5, 20, 50),
        Loss("logs", "failed", "queue full", 1, 30, 30),
    ]


def test_reasons_and_warnings_that_never_repeat_stay_bounded_and_counted() -> None:
    ledger = Ledger()
    for number in range(1000):
        ledger.fail("traces", 1, f"request {number} failed", number)
        ledger.warn(f"request {number} was odd")

    losses = ledger.losses()
    assert len(losses) <= 201
    assert losses[0].reason == OTHER_REASONS
    assert sum(loss.count for loss in losses) == 1000
    assert len(ledger.warnings) <= 201
    assert sum(ledger.warnings.values()) == 1000


def test_bytes_count_with_the_first_try_alone() -> None:
    ledger = Ledger()
    ledger.add_try("traces", first=True, payload_bytes=100)
    ledger.add_try("traces", first=False, payload_bytes=100, possible_duplicates=7)

    entry = ledger.signals["traces"]
    assert (entry.requests, entry.retries, entry.bytes, entry.possible_duplicates) == (2, 1, 100, 7)


def test_merging_adds_counts_reasons_and_warnings() -> None:
    one, other = Ledger(), Ledger()
    for ledger, reason in ((one, "a"), (other, "b")):
        ledger.add_requests(planned=1, generated=1)
        ledger.add_generated("traces", 3)
        ledger.accept("traces", 2)
        ledger.fail("traces", 1, reason, 5)
        ledger.warn("odd")

    one.merge(pickle.loads(pickle.dumps(other)))

    assert one.balanced()
    assert one.planned == 2
    assert one.counts()["traces"].failed == 2
    assert {loss.reason: loss.count for loss in one.losses()} == {"a": 1, "b": 1}
    assert one.warnings == {"odd": 2}


def test_counts_are_those_of_one_moment() -> None:
    ledger = Ledger()
    ledger.add_generated("traces", 3)
    before = ledger.counts()

    ledger.accept("traces", 2)

    assert (before["traces"].accepted, before["traces"].queued) == (0, 3)
    assert (ledger.counts()["traces"].queued, ledger.counts()["traces"].lost) == (1, 1)
    assert {name: each.unit for name, each in before.items()} == UNITS


def test_counting_from_many_threads_loses_nothing() -> None:
    ledger = Ledger()

    def count() -> None:
        for _ in range(2000):
            ledger.add_generated("traces", 1)
            ledger.drop("traces", 1, "x", 0)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ledger.signals["traces"].generated == 8000
    assert ledger.balanced()
