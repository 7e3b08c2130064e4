from __future__ import annotations

from simtraffic.collector.counts import MOST_FAULTS, OTHER_FAULTS, CollectorCounts, Faults


def test_counts_become_plain_data_with_faults_as_a_list() -> None:
    counts = CollectorCounts(spans=1, requests=2, faults={"odd": 3})

    assert counts.as_dict() == {
        "spans": 1,
        "data_points": 0,
        "log_records": 0,
        "requests": 2,
        "bytes": 0,
        "faults": [{"message": "odd", "count": 3}],
    }


def test_messages_that_never_repeat_stay_bounded_and_counted() -> None:
    faults = Faults()
    for number in range(1000):
        faults.add(f"fault {number}")
    faults.add("none", 0)

    assert len(faults.found) == MOST_FAULTS + 1
    assert faults.found[OTHER_FAULTS] == 1000 - MOST_FAULTS
