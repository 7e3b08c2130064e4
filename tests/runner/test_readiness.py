"""A run looks before the first byte, and waits where it is asked to."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, get_args

import pytest

from simtraffic.clock import SECOND_NS, unix_ns
from simtraffic.collector import Collector
from simtraffic.errors import UsageError
from simtraffic.export.environment import ExportOptions
from simtraffic.export.settings import Protocol
from simtraffic.runner import RunOptions, StopSignal, run
from simtraffic.runner.destination import Destination, find_target
from simtraffic.scenario import parse_scenario
from tests.asking import Calls, run_with
from tests.export.doors import answers, door, free_port, traces_alone
from tests.told import RICH

if TYPE_CHECKING:
    from pathlib import Path

    from simtraffic.result.result import RunResult

PROTOCOLS = get_args(Protocol)
BRIEF = RICH.replace("duration: 20s", "duration: 2s").replace("interval: 5s", "interval: 1s")
JUDGED = BRIEF + "thresholds: ['delivered == 100%', 'skipped == 0', 'error_share > 90%']\n"


def sent(**options: Any) -> RunResult:
    return run_with(parse_scenario(JUDGED), speed="max", **options)


def assert_nothing_was_sent(result: RunResult) -> None:
    """Planned is skipped, and no signal has anything in it."""
    schedule = result.schedule
    assert schedule.planned == schedule.skipped > 0
    assert schedule.generated == 0
    assert sum(stage.planned for stage in result.stages) == schedule.planned
    for each in result.signals.values():
        assert (each.generated, each.requests, each.bytes, each.possible_duplicates) == (0, 0, 0, 0)
    assert (result.losses, result.thresholds) == ((), ())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_where_nothing_listens_nothing_is_sent_and_one_sentence_says_why(
    protocol: Protocol,
) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    lines: list[str] = []

    result = sent(endpoint=endpoint, protocol=protocol, say=lines.append)

    assert_nothing_was_sent(result)
    assert (result.verdict, result.exit_code, result.endpoint) == ("failed", 4, endpoint)
    assert result.reasons == (
        f"nothing answers at {endpoint}: connection refused; is a collector running there?"
        " --wait-for-endpoint 30s waits for it",
    )
    # It is not going to send, so it does not say so.
    assert lines == []


def test_a_run_of_days_is_not_counted_through_to_hear_that_nobody_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("simtraffic.runner.counts.plan_whole", None)
    text = JUDGED.replace("duration: 2s, rate: 25/s", "duration: 24h, rate: 3000/s")

    result = run(
        parse_scenario(text), RunOptions(shard="2/4"), endpoint=f"http://127.0.0.1:{free_port()}"
    )

    assert_nothing_was_sent(result)
    assert result.schedule.planned > 3000 * 86_400 / 4 * 0.9


def test_http_to_a_grpc_port_is_no_possible_duplicate_as_nothing_is_sent() -> None:
    with Collector() as collector:
        result = sent(endpoint=collector.grpc_endpoint, protocol="http/protobuf")
        counts = collector.counts()

    assert_nothing_was_sent(result)
    (reason,) = result.reasons
    assert "use --protocol grpc" in reason
    assert "wait" not in reason
    assert counts.requests == 0


def test_each_receiver_that_is_wrong_is_told_once() -> None:
    dead = [f"http://127.0.0.1:{free_port()}" for _ in range(2)]
    with Collector() as collector:
        result = sent(
            environ={
                "OTEL_EXPORTER_OTLP_ENDPOINT": dead[0],
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": collector.grpc_endpoint,
                "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": dead[1],
            }
        )

    assert_nothing_was_sent(result)
    assert [each in reason for each, reason in zip(dead, result.reasons, strict=True)] == [True] * 2


def test_no_worker_is_started_and_no_file_is_made_for_a_run_that_does_not_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(**_: object) -> None:
        raise AssertionError("a crew was hired")

    monkeypatch.setattr("simtraffic.runner.conduct.Crew", start)
    endpoint = f"http://127.0.0.1:{free_port()}"

    assert_nothing_was_sent(sent(endpoint=endpoint, workers=2))
    assert_nothing_was_sent(sent(endpoint=endpoint, out=str(tmp_path / "out.jsonl")))
    assert list(tmp_path.iterdir()) == []


def test_a_file_alone_is_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simtraffic.runner.readiness.look", None)

    assert sent(out=str(tmp_path / "out.jsonl")).schedule.generated > 0


def test_an_address_with_the_path_of_a_signal_is_told_by_the_url_that_was_asked() -> None:
    with Collector() as collector:
        result = sent(endpoint=f"{collector.http_endpoint}/v1/traces", protocol="http/protobuf")

    assert_nothing_was_sent(result)
    (reason,) = result.reasons
    assert f"{collector.http_endpoint}/v1/traces/v1/traces" in reason


@pytest.mark.parametrize(
    ("endpoint", "protocol", "told"),
    [
        ("http://h:1/otlp/v1/traces", "http/protobuf", "OTLP/HTTP to http://h:1/otlp/v1/traces"),
        ("http://h:1/otlp/?key=hunter2", "http/json", "OTLP/HTTP JSON to http://h:1/otlp"),
        ("http://h:1", "http/protobuf", "OTLP/HTTP to http://h:1"),
        ("http://h:1/any", "grpc", "OTLP/gRPC to http://h:1"),
    ],
)
def test_the_first_line_has_the_address_as_it_was_given(
    endpoint: str, protocol: str, told: str
) -> None:
    options = ExportOptions(endpoint=endpoint, protocol=protocol)

    signals = ("traces", "logs")
    target = find_target(RunOptions(receiver=options), signals)

    assert Destination(target, signals).line == f"sending traces and logs: {told}"


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_a_receiver_of_traces_alone_gets_them_and_the_way_out_is_told(protocol: Protocol) -> None:
    lines: list[str] = []
    with traces_alone(protocol) as endpoint:
        result = sent(endpoint=endpoint, protocol=protocol, say=lines.append)

    assert result.exit_code == 4
    assert result.signals["traces"].accepted == result.signals["traces"].generated > 0
    assert result.signals["metrics"].rejected == result.signals["metrics"].generated > 0
    assert result.reasons[0] == (
        "the receiver does not take metrics and logs; leave out what it does not take:"
        " --signals traces"
    )
    if protocol == "grpc":
        # Nothing in the words tells the signals apart, so that they can be told once.
        assert len({loss.reason for loss in result.losses}) == 1
    else:
        assert any(f"{endpoint}/v1/metrics" in line for line in lines)


class TestWaiting:
    def test_ends_when_the_receiver_listens_and_the_telemetry_begins_then(self) -> None:
        port = free_port()
        opened: list[int] = []
        with ExitStack() as stack:
            lines: list[str] = []

            def say(line: str) -> None:
                lines.append(line)
                if line.startswith("waiting up to 1m: nothing answers at "):
                    stack.enter_context(Collector(f"127.0.0.1:{port}", None))
                    opened.append(unix_ns())

            result = run(
                parse_scenario(BRIEF),
                RunOptions(speed="max", wait_ns=60 * SECOND_NS),
                endpoint=f"http://127.0.0.1:{port}",
                watchers=[Calls(say=say)],
            )

        assert result.exit_code == 0
        assert len(lines) == 2
        assert lines[1].startswith("sending ")
        assert result.start >= _instant(opened[0])

    def test_says_nothing_where_a_receiver_is_there(self) -> None:
        lines: list[str] = []
        with Collector() as collector:
            sent(endpoint=collector.grpc_endpoint, wait_ns=60 * SECOND_NS, say=lines.append)

        assert [line.partition(" ")[0] for line in lines] == ["sending"]

    def test_is_bounded(self) -> None:
        result = sent(endpoint=f"http://127.0.0.1:{free_port()}", wait_ns=SECOND_NS // 100)

        assert_nothing_was_sent(result)
        (reason,) = result.reasons
        assert reason.endswith("is a collector running there?; waited 10ms")

    def test_ends_with_an_interrupt(self) -> None:
        stop = StopSignal()
        result = sent(
            endpoint=f"http://127.0.0.1:{free_port()}",
            wait_ns=600 * SECOND_NS,
            stop=stop,
            say=lambda _line: stop.request(),
        )

        assert_nothing_was_sent(result)
        assert (result.verdict, result.exit_code) == ("interrupted", 130)

    @pytest.mark.parametrize("status", ["200 OK", "404 Not Found"])
    def test_is_not_for_what_no_waiting_cures(self, status: str) -> None:
        """Such as gRPC to a web server, whatever it answers."""
        with door(answers(status)) as there:
            result = sent(
                endpoint=there.endpoint,
                wait_ns=600 * SECOND_NS,
                say=pytest.fail,
            )

        assert_nothing_was_sent(result)
        assert result.exit_code == 4

    def test_is_for_a_receiver_of_others_and_never_starts_the_built_in_one(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        port = free_port()
        monkeypatch.setattr("simtraffic.export.environment.STANDARD_PORTS", {"grpc": port})
        monkeypatch.setattr("simtraffic.runner.destination.STANDARD_PORTS", {"grpc": port})

        result = sent(wait_ns=SECOND_NS // 100)

        assert_nothing_was_sent(result)
        assert f"localhost:{port}" in result.reasons[0]

    def test_is_for_nothing_where_a_file_is_all(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="--wait-for-endpoint: there is nothing to wait for"):
            sent(out=str(tmp_path / "out"), wait_ns=SECOND_NS)


def _instant(unix: int) -> str:
    from simtraffic.result.result import timestamp

    return timestamp(unix)
