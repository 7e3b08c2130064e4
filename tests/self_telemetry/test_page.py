"""A run's own page, read by the parsers of Prometheus."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain_text

from simtraffic.collector import Collector
from simtraffic.errors import UsageError
from simtraffic.ledger import Ledger
from simtraffic.result.snapshot import Snapshot
from simtraffic.result.watcher import Subject
from simtraffic.runner import RunOptions, run
from simtraffic.scenario import parse_scenario
from simtraffic.self_telemetry import Page
from simtraffic.self_telemetry.health import HOLD_UP_S, SILENCE_S, STANDSTILL_S
from simtraffic.signals import SIGNALS
from tests.asking import Calls
from tests.real.programs import tool
from tests.told import RICH

if TYPE_CHECKING:
    from simtraffic.result.result import RunResult

START = "2026-01-01T00:00:00Z"
BRIEF = RICH.replace("duration: 20s", "duration: 2s").replace("interval: 5s", "interval: 1s")


class Hand:
    """A clock that is moved by hand, in seconds."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def page(hand: Hand) -> Iterator[Page]:
    with Page(0, now=hand) as opened:
        yield opened


def ask(page: Page, path: str, accept: str = "") -> tuple[int, str]:
    """Status and body."""
    try:
        with urlopen(Request(page.address + path, headers={"accept": accept}), timeout=5) as got:
            return got.status, got.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def values(page: Page) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels."""
    status, text = ask(page, "/metrics")
    assert status == 200
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in plain_text(text)
        for sample in family.samples
    }


def subject(
    ledger: Ledger,
    *,
    is_timed: bool = True,
    drain_s: float = 30.0,
    queued: Callable[[], int] | None = None,
) -> Subject:
    return Subject(
        run_id="0" * 16,
        scenario='a "quoted" name',
        seed=1,
        shard="1/1",
        ledger=ledger,
        queued_bytes=queued,
        queue_bytes=64_000_000,
        drain_s=drain_s,
        is_timed=is_timed,
    )


def snapshot(**changes: object) -> Snapshot:
    facts: dict[str, object] = {
        "elapsed_ns": 1_000_000_000,
        "duration_ns": 4_000_000_000,
        "asked_rate": 20.0,
        "reached_rate": 19.0,
        "requests": 20,
        "failed": 0,
        "spans_per_second": 60.0,
        "lateness_p99_ms": 12.5,
        "lateness_max_ms": None,
    }
    return Snapshot(**{**facts, **changes})  # type: ignore[arg-type]


def assert_is_the_ledger(found: dict[tuple[str, ...], float], results: list[RunResult]) -> None:
    """What the page says is what the results say, all together."""
    for part in ("planned", "generated", "skipped"):
        expected = sum(getattr(result.schedule, part) for result in results)
        assert found[f"simtraffic_requests_{part}_total",] == expected
    for signal in SIGNALS:
        entries = [result.signals[signal] for result in results]
        for name, part in (
            ("simtraffic_items_generated_total", "generated"),
            ("simtraffic_export_requests_total", "requests"),
            ("simtraffic_export_retries_total", "retries"),
            ("simtraffic_export_bytes_total", "bytes"),
        ):
            assert found[name, signal] == sum(getattr(entry, part) for entry in entries)
        for outcome in ("accepted", "rejected", "failed", "dropped"):
            expected = sum(getattr(entry, outcome) for entry in entries)
            assert found["simtraffic_items_settled_total", outcome, signal] == expected


class TestMetrics:
    def test_after_runs_one_after_another_are_their_ledgers(self, page: Page) -> None:
        scenario = parse_scenario(BRIEF)
        with Collector("127.0.0.1:0", "127.0.0.1:0") as collector:
            results = [
                run(
                    scenario,
                    RunOptions(start=START, speed="max", drain_ns=ns),
                    endpoint=endpoint,
                    watchers=[page],
                )
                for endpoint, ns in (
                    (collector.grpc_endpoint, 30 * 10**9),
                    ("http://127.0.0.1:1", 10**8),
                )
            ]

        assert [result.exit_code for result in results] == [0, 4]
        assert_is_the_ledger(values(page), results)

    def test_of_a_file_alone_are_its_ledger_and_know_no_queue(
        self, page: Page, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        out = tmp_path_factory.mktemp("out") / "told.jsonl"

        result = run(parse_scenario(BRIEF), RunOptions(start=START), out=str(out), watchers=[page])

        found = values(page)
        assert_is_the_ledger(found, [result])
        assert ("simtraffic_queue_bytes",) not in found
        assert found["simtraffic_run_elapsed_seconds",] == 2
        run_is = (result.run_id, result.scenario, str(result.seed), result.shard)
        assert found["simtraffic_run_info", *run_is] == 1

    @pytest.mark.parametrize("speed", [1000, "max"])
    def test_in_the_middle_of_a_run_are_what_was_made_so_far(
        self, page: Page, speed: float | str
    ) -> None:
        seen: list[tuple[Snapshot, dict[tuple[str, ...], float]]] = []

        def look(snapshot: Snapshot) -> None:
            # The run's own thread stands here, so that nothing more is made meanwhile.
            seen.append((snapshot, values(page)))

        with Collector("127.0.0.1:0", "127.0.0.1:0") as collector:
            run(
                parse_scenario(BRIEF),
                RunOptions(start=START, speed=speed),
                endpoint=collector.grpc_endpoint,
                watchers=[Calls(see=look), page],
            )

        assert {snapshot.draining for snapshot, _ in seen} == {False, True}
        for snapshot, found in seen:
            made = found["simtraffic_requests_generated_total",]
            assert made == snapshot.requests
            assert found["simtraffic_requests_planned_total",] >= made
            for signal in SIGNALS:
                items = found["simtraffic_items_generated_total", signal]
                assert items == snapshot.signals[signal].generated
                settled = sum(
                    value
                    for (name, *labels), value in found.items()
                    if name == "simtraffic_items_settled_total" and labels[1] == signal
                )
                assert snapshot.signals[signal].accepted <= settled <= items
            assert 0 <= found["simtraffic_queue_bytes",] <= found["simtraffic_queue_limit_bytes",]

    def test_never_go_down_while_runs_go_on(self, page: Page) -> None:
        scenario = parse_scenario(BRIEF)
        stop = threading.Event()

        def scrape() -> list[dict[tuple[str, ...], float]]:
            seen = []
            while not stop.is_set():
                seen.append(values(page))
            return seen

        with ThreadPoolExecutor(2) as pool, Collector("127.0.0.1:0", "127.0.0.1:0") as collector:
            scrapes = [pool.submit(scrape) for _ in range(2)]
            try:
                for _ in range(2):
                    run(
                        scenario,
                        RunOptions(speed="max"),
                        endpoint=collector.grpc_endpoint,
                        watchers=[page],
                    )
            finally:
                stop.set()

        for each in scrapes:
            seen = each.result()
            assert seen
            for before, after in pairwise(seen):
                for key, value in before.items():
                    if key[0].endswith("_total"):
                        assert after[key] >= value, key

    def test_tell_the_state_of_the_run_under_way(self, page: Page) -> None:
        page.begin(subject(Ledger()))
        page.see(snapshot(planned=25))

        found = values(page)

        assert found["simtraffic_target_requests_per_second",] == 20
        assert found["simtraffic_run_elapsed_seconds",] == 1
        assert found["simtraffic_run_duration_seconds",] == 4
        assert found["simtraffic_lateness_p99_seconds",] == 0.0125
        assert found["simtraffic_requests_planned_total",] == 25
        assert ("simtraffic_lateness_max_seconds",) not in found
        assert found["simtraffic_run_info", "0" * 16, 'a "quoted" name', "1", "1/1"] == 1

    def test_come_as_open_metrics_to_who_asks_for_it(self, page: Page) -> None:
        page.begin(subject(Ledger()))

        status, text = ask(page, "/metrics", "application/openmetrics-text; version=1.0.0")

        assert status == 200
        assert "simtraffic_items_settled" in {family.name for family in open_metrics(text)}


class TestHealth:
    def test_is_lost_when_the_loop_stands_still_and_comes_back(
        self, page: Page, hand: Hand
    ) -> None:
        page.begin(subject(Ledger()))
        hand.at += STANDSTILL_S
        assert ask(page, "/healthz") == (200, "ok\n")

        hand.at += 1
        assert ask(page, "/healthz") == (503, "the generating loop has stood still for 31 s\n")

        page.see(snapshot())
        assert ask(page, "/healthz") == (200, "ok\n")

    def test_waits_for_the_drain_as_long_as_it_may_take(self, page: Page, hand: Hand) -> None:
        page.begin(subject(Ledger(), drain_s=60.0))
        page.see(snapshot(draining=True))

        hand.at += STANDSTILL_S + 60
        assert ask(page, "/healthz")[0] == 200
        hand.at += 1
        assert ask(page, "/healthz") == (503, "the drain has stood still for 91 s\n")

    def test_at_full_speed_any_count_is_a_sign_of_life(self, page: Page, hand: Hand) -> None:
        ledger = Ledger()
        page.begin(subject(ledger, is_timed=False))
        for _ in range(3):
            hand.at += STANDSTILL_S
            ledger.add_try("logs", first=False)
            assert ask(page, "/healthz")[0] == 200

        hand.at += STANDSTILL_S + HOLD_UP_S
        assert ask(page, "/healthz")[0] == 200, "a next try may be that far off"
        hand.at += 1
        assert ask(page, "/healthz")[0] == 503

    def test_asks_nothing_of_a_process_between_runs(self, page: Page, hand: Hand) -> None:
        page.begin(subject(Ledger()))
        page.end()
        hand.at += 10 * STANDSTILL_S

        assert ask(page, "/healthz") == (200, "ok\n")


class TestReadiness:
    def test_comes_once_something_was_accepted(self, page: Page) -> None:
        ledger = Ledger()
        assert ask(page, "/readyz")[0] == 503
        page.begin(subject(ledger))
        ledger.add_generated("traces", 3)
        ledger.add_try("traces", first=True)
        assert ask(page, "/readyz") == (503, "nothing was accepted yet; export calls so far: 1\n")

        ledger.accept("traces", 3)

        assert ask(page, "/readyz") == (200, "ok\n")

    def test_goes_while_telemetry_waits_in_vain_and_comes_back(
        self, page: Page, hand: Hand
    ) -> None:
        ledger, held = Ledger(), [0]
        page.begin(subject(ledger, queued=lambda: held[0]))
        ledger.accept("logs", 1)
        assert ask(page, "/readyz")[0] == 200
        held[0] = 1

        hand.at += SILENCE_S
        assert ask(page, "/readyz")[0] == 200
        hand.at += 1
        status, why = ask(page, "/readyz")
        assert (status, why.partition(",")[0]) == (503, "nothing was accepted for 31 s")
        page.see(snapshot())
        assert ask(page, "/healthz")[0] == 200, "a receiver that is gone costs no life"

        ledger.accept("logs", 1)
        assert ask(page, "/readyz")[0] == 200

    def test_goes_when_all_is_lost_though_nothing_waits(self, page: Page, hand: Hand) -> None:
        ledger = Ledger()
        page.begin(subject(ledger, queued=lambda: 0))
        ledger.accept("logs", 1)
        assert ask(page, "/readyz")[0] == 200
        ledger.reject("logs", 1, "no", 0)

        for expected in (200, 503):
            hand.at += SILENCE_S / 2 + 1
            assert ask(page, "/readyz")[0] == expected

    def test_outlasts_a_quiet_time(self, page: Page, hand: Hand) -> None:
        ledger, held = Ledger(), [0]
        page.begin(subject(ledger, queued=lambda: held[0]))
        ledger.accept("logs", 1)
        for _ in range(3):
            assert ask(page, "/readyz")[0] == 200
            hand.at += SILENCE_S * 10
        assert ask(page, "/readyz")[0] == 200

        held[0] = 1
        hand.at += SILENCE_S
        assert ask(page, "/readyz")[0] == 200, "it waits only since the last time"


class TestTheDoor:
    def test_knows_its_paths_alone(self, page: Page) -> None:
        status, text = ask(page, "/")

        assert status == 404
        assert "/metrics" in text

    def test_answers_a_probe_that_wants_no_body(self, page: Page) -> None:
        with urlopen(Request(page.address + "/metrics", method="HEAD"), timeout=5) as got:
            assert got.status == 200
            assert int(got.headers["content-length"]) > 0
            assert got.read() == b""

    @pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
    def test_that_is_taken_is_told_before_anything_happens(self, host: str) -> None:
        with socket.create_server(
            (host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        ) as taken:
            port = taken.getsockname()[1]

            with pytest.raises(UsageError, match=f"PROMETHEUS_PORT: .*in use.*{port}"):
                Page(port, host, named="PROMETHEUS_PORT")

    def test_with_a_host_that_is_none_is_told(self) -> None:
        # An address in form only, so that no name is looked up.
        with pytest.raises(UsageError, match=r"cannot be listened on.*found \[::g\]:1;"):
            Page(1, "::g")

    @pytest.mark.parametrize("host", ["::1", "[::1]"])
    def test_listens_on_an_address_of_version_6(self, host: str) -> None:
        with Page(0, host) as page:
            assert page.address.startswith("http://[::1]:")
            assert ask(page, "/healthz")[0] == 200

    def test_is_shut_after_the_end(self) -> None:
        with Page(0) as page:
            pass

        with pytest.raises(OSError, match="refused"):
            ask(page, "/healthz")


@pytest.mark.real
def test_the_linter_of_prometheus_finds_nothing(page: Page) -> None:
    page.begin(subject(Ledger(), queued=lambda: 0))
    page.see(snapshot(lateness_max_ms=20.0))

    said = subprocess.run(
        [tool("promtool"), "check", "metrics"],
        input=ask(page, "/metrics")[1],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
