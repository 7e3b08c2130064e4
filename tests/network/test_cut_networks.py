"""Networks that are slow, cut, or swallow everything: runs end in time, with balanced ledgers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from simtraffic.clock import monotonic
from simtraffic.collector import Collector
from simtraffic.scenario import parse_scenario
from simtraffic.signals import SIGNALS
from tests.asking import run_with
from tests.network.line import Line, Weather
from tests.told import RICH

if TYPE_CHECKING:
    from simtraffic.result.result import RunResult
    from simtraffic.result.snapshot import Snapshot

# In real time, as what is on trial is patience.
pytestmark = pytest.mark.real

PROTOCOLS = ("grpc", "http/protobuf", "http/json")
BRIEF = RICH.replace("duration: 20s", "duration: 2s").replace("interval: 5s", "interval: 1s")
DRAIN_S = 0.8
# Beyond the drain: the tail of spans, ends of threads, a machine that does something else as well.
MARGIN_S = 10.0
ARRIVED = {"traces": "spans", "metrics": "data_points", "logs": "log_records"}
SECOND_NS = 1_000_000_000


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector("127.0.0.1:0", "127.0.0.1:0", keep=True) as started:
        yield started


@contextmanager
def line(collector: Collector, protocol: str, weather: Weather) -> Iterator[Line]:
    """A line to the door of a protocol."""
    door = collector.grpc_endpoint if protocol == "grpc" else collector.http_endpoint
    with Line(urlsplit(door).port or 0, weather) as opened:
        yield opened


def sent(port: int, protocol: str, *, timeout_ms: int = 250, **options: object) -> RunResult:
    """A run to this port, which ends in time and whose ledger balances."""
    began = monotonic()
    result = run_with(
        parse_scenario(BRIEF),
        **{
            "endpoint": f"http://127.0.0.1:{port}",
            "protocol": protocol,
            "speed": 4,
            "environ": {"OTEL_EXPORTER_OTLP_TIMEOUT": str(timeout_ms)},
            "drain_ns": int(DRAIN_S * SECOND_NS),
            **options,
        },
    )
    assert monotonic() - began < 2 + 2 * DRAIN_S + MARGIN_S
    assert result.schedule.planned == result.schedule.generated + result.schedule.skipped
    for each in result.signals.values():
        assert each.generated == each.accepted + each.rejected + each.failed + each.dropped
        assert each.generated > 0
    return result


def assert_told_what_arrived(result: RunResult, collector: Collector) -> None:
    """The receiver has all that is called accepted, and more only as possible duplicates."""
    arrived = collector.counts()
    for signal in SIGNALS:
        each, count = result.signals[signal], getattr(arrived, ARRIVED[signal])
        # What was given up may have arrived all the same, its answer being lost.
        unknown = each.possible_duplicates + each.failed
        assert each.accepted <= count <= each.accepted + unknown, signal


def test_a_slow_line_loses_nothing(collector: Collector, protocol: str) -> None:
    with line(collector, protocol, Weather(delay_s=0.05)) as slow:
        result = sent(slow.port, protocol, timeout_ms=5000, drain_ns=10 * SECOND_NS)

    assert result.exit_code == 0, result.reasons
    assert_told_what_arrived(result, collector)


def test_a_line_that_swallows_everything_costs_everything_in_time(
    collector: Collector, protocol: str
) -> None:
    with line(collector, protocol, Weather(swallows_requests=True)) as hole:
        result = sent(hole.port, protocol)

    assert result.exit_code == 4
    assert collector.counts().spans == 0
    for each in result.signals.values():
        assert each.accepted == 0
        assert each.failed > 0


def test_a_port_where_no_connection_ever_comes_up_costs_everything_in_time(protocol: str) -> None:
    """The queue of a listener is full, so that the kernel answers no further knock."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        knocking = []
        for _ in range(4):
            knock = socket.socket()
            knock.setblocking(False)
            knock.connect_ex(("127.0.0.1", port))
            knocking.append(knock)
        try:
            result = sent(port, protocol)
        finally:
            for knock in knocking:
                knock.close()

    assert result.exit_code == 4
    assert all(each.accepted == 0 for each in result.signals.values())


def test_lost_answers_are_told_as_failed_and_as_possible_duplicates(
    collector: Collector, protocol: str
) -> None:
    with line(collector, protocol, Weather(swallows_answers=True)) as deaf:
        result = sent(deaf.port, protocol)

    assert result.exit_code == 4
    traces = result.signals["traces"]
    assert traces.accepted == 0
    if protocol != "grpc":
        # HTTP/2 does not even begin before the other side's first word.
        assert collector.counts().spans > 0
        assert traces.possible_duplicates > 0
    assert_told_what_arrived(result, collector)


def test_connections_that_are_reset_are_made_anew(collector: Collector, protocol: str) -> None:
    with line(collector, protocol, Weather(reset_after=20_000, resets=4)) as shaky:
        result = sent(shaky.port, protocol, timeout_ms=5000, drain_ns=20 * SECOND_NS)

    assert result.exit_code == 0, result.losses
    assert sum(each.retries for each in result.signals.values()) > 0
    assert_told_what_arrived(result, collector)


@pytest.mark.parametrize(
    "broken", [Weather(swallows_requests=True), Weather(reset_after=0, refuses=True)], ids=str
)
def test_a_line_that_is_mended_is_used_again(
    collector: Collector, protocol: str, broken: Weather
) -> None:
    with line(collector, protocol, broken) as mended:

        def mend(snapshot: Snapshot) -> None:
            if snapshot.draining:
                mended.weather = Weather()

        result = sent(mended.port, protocol, see=mend, drain_ns=20 * SECOND_NS)

    assert result.exit_code == 0, result.losses
    assert sum(each.retries for each in result.signals.values()) > 0
    assert_told_what_arrived(result, collector)
