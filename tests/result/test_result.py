"""The result file: its keys, its laws, and that it reads back."""

import json

from simtraffic.ledger import Ledger
from simtraffic.result.assemble import run_result
from simtraffic.result.result import RunResult, timestamp
from tests.result.results import a_failed_result, a_result
from tests.result.traffic import SECOND, a_scenario, a_threshold, counts_of, random_rows

# The keys of interface section 4, in order; others may follow.
TOP = [
    *("simtraffic", "result_version", "run_id", "scenario", "seed", "shard", "start", "end"),
    *("speed", "endpoint", "verdict", "exit_code", "schedule", "signals", "stages", "traffic"),
    *("incidents", "thresholds", "generator"),
]
SIGNAL = {
    *("unit", "generated", "accepted", "rejected", "failed", "dropped"),
    *("requests", "retries", "bytes"),
}
STAGE = {
    *("name", "planned", "generated", "target_rate", "achieved_rate", "error_share"),
    *("time_to_first_token_seconds", "duration_seconds"),
}
TRAFFIC = {
    *("flow", "provider", "model", "requests", "attempts", "failed", "errors"),
    *("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens", "cost_usd"),
}


def assembled(rows, *, interrupted=False):
    ledger = Ledger(planned=len(rows) + 3, generated=len(rows), skipped=3)
    ledger.add_generated("traces", 10)
    ledger.accept("traces", 9)
    ledger.fail("traces", 1, "gone", 5 * SECOND)
    counts = counts_of(
        rows,
        scenario=a_scenario(a_threshold("error_share")),
        ledger=ledger,
        elapsed_ns=30 * SECOND,
        last_end_ns=40 * SECOND,
        interrupted=interrupted,
        cpu_seconds=1.0,
        peak_rss_bytes=2,
        wall_seconds=4.0,
    )
    counts.lateness.add_repeated(4_000_000, 10)
    for stage, planned in zip(counts.tally.stages, (40, 63), strict=True):
        stage.planned = planned
    return run_result(
        a_scenario(a_threshold("error_share")),
        counts,
        run_id="ab",
        shard="1/1",
        start_ns=1_767_225_600 * SECOND,
        speed="max",
        endpoint=None,
    )


def test_the_file_has_every_key_of_the_interface():
    data = a_result().to_dict()

    assert list(data)[: len(TOP)] == TOP
    assert set(data["signals"]["traces"]) >= SIGNAL
    assert set(data["stages"][0]) >= STAGE
    assert set(data["traffic"][0]) >= TRAFFIC
    assert {"expression", "value", "passed"} <= set(data["thresholds"][0])
    assert {"name", "start", "end", "requests", "errors"} <= set(data["incidents"][0])
    assert {"cpu_seconds", "peak_rss_bytes", "spans_per_second"} <= set(data["generator"])
    assert set(data["schedule"]) == {"planned", "generated", "skipped", "lateness_seconds"}
    assert set(data["schedule"]["lateness_seconds"]) == {"p50", "p99", "max"}
    loss = a_failed_result().to_dict()["losses"][0]
    assert list(loss) == ["signal", "outcome", "reason", "count", "first", "last"]


def test_a_file_reads_back_as_the_result_that_it_was():
    for result in (a_result(), a_failed_result(), assembled(random_rows(50))):
        assert RunResult.from_dict(json.loads(result.to_json())) == result


def test_keys_of_a_newer_version_are_passed_over():
    data = a_result().to_dict()
    data["new"] = 1
    data["stages"][0]["new"] = 1
    data["signals"]["traces"]["new"] = 1

    assert RunResult.from_dict(data) == a_result()


def test_an_assembled_result_keeps_both_laws():
    result = assembled(random_rows(100))

    schedule = result.schedule
    assert schedule.planned == schedule.generated + schedule.skipped
    for signal in result.signals.values():
        lost = signal.rejected + signal.failed + signal.dropped
        assert signal.generated == signal.accepted + lost
    assert sum(stage.generated for stage in result.stages) == schedule.generated


def test_an_assembled_result_says_what_was_lost_and_when():
    result = assembled(random_rows(10))
    (loss,), (written,) = result.losses, result.to_dict()["losses"]

    assert (loss.signal, loss.outcome, loss.reason, loss.count) == ("traces", "failed", "gone", 1)
    assert written["first"] == written["last"] == "1970-01-01T00:00:05Z"


def test_times_and_rates_are_those_of_the_run():
    result = assembled(random_rows(100))

    warm_up = result.stages[0]
    assert (result.start, result.end) == ("2026-01-01T00:00:00Z", "2026-01-01T00:00:40Z")
    assert (warm_up.target_rate, warm_up.asked_rate) == (8.0, 4.0)
    assert warm_up.achieved_rate == warm_up.generated / 10
    (incident,) = result.to_dict()["incidents"]
    assert incident["start"] == "2026-01-01T00:00:12Z"
    assert result.schedule.lateness_seconds.p99 == 0.004


def test_what_was_not_observed_is_null_in_the_file():
    data = assembled([]).to_dict()

    assert data["stages"][0]["duration_seconds"] == {"p50": None, "p95": None, "p99": None}
    assert data["thresholds"][0]["value"] is None
    json.loads(assembled([]).to_json())


def test_an_interrupted_run_says_so():
    result = assembled(random_rows(10), interrupted=True)

    assert (result.verdict, result.exit_code, result.passed) == ("interrupted", 130, False)


def test_a_passed_result_is_passed():
    assert a_result().passed
    assert not a_failed_result().passed


def test_fractions_of_a_second_are_kept():
    assert timestamp(1_500_000_000) == "1970-01-01T00:00:01.500000Z"
