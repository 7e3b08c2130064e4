"""Every fault over every transport for every signal: the ledger against what was stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simtraffic.clock import monotonic
from simtraffic.collector import Collector
from simtraffic.ledger import SIGNALS, UNITS
from simtraffic.runner import run
from simtraffic.scenario import parse_scenario
from tests.told import RICH
from tools.fault_matrix import EXIT, PROTOCOLS, ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simtraffic.collector import CollectorCounts
    from simtraffic.report.result import RunResult
    from tools.fault_matrix import Row

# In real time, as what is on trial is patience.
pytestmark = pytest.mark.real

# Requests enough for several batches of each signal.
BRIEF = RICH.replace("duration: 20s", "duration: 2s").replace("interval: 5s", "interval: 500ms")
TIMEOUT_MS = 250
# Longer than any wait for a fault that passes; much shorter than one that does not should take.
DRAIN_NS = 4_000_000_000
FAILING_DRAIN_NS = 800_000_000


@pytest.fixture(
    scope="module",
    # The cells of a row go to one worker, which then makes each run once.
    params=[pytest.param(row, marks=pytest.mark.xdist_group(row.name)) for row in ROWS],
    ids=lambda row: row.name,
)
def row(request: pytest.FixtureRequest) -> Row:
    found: Row = request.param
    return found


@pytest.fixture(scope="module", params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def met(row: Row, protocol: str) -> Iterator[tuple[RunResult, CollectorCounts, int, float]]:
    """The result, what was stored, the different spans of it, and how long it took in seconds."""
    with Collector(faults=row.faults, seed=3, keep=True) as collector:
        began = monotonic()
        result = run(
            parse_scenario(BRIEF),
            endpoint=collector.grpc_endpoint if protocol == "grpc" else collector.http_endpoint,
            protocol=protocol,
            speed=4,
            drain_ns=FAILING_DRAIN_NS if row.outcome(protocol) == "failed" else DRAIN_NS,
            environ={"OTEL_EXPORTER_OTLP_TIMEOUT": str(TIMEOUT_MS)},
        )
        took_s = monotonic() - began
        spans = {(span.trace_id, span.span_id) for span in collector.spans()}
        yield result, collector.counts(), len(spans), took_s


@pytest.mark.parametrize("signal", SIGNALS)
def test_the_ledger_tells_what_the_receiver_stored(
    row: Row, protocol: str, met: tuple[RunResult, CollectorCounts, int, float], signal: str
) -> None:
    result, stored, different_spans, _ = met
    each, outcome = result.signals[signal], row.outcome(protocol)
    arrived = getattr(stored, UNITS[signal])

    assert each.generated > 0
    assert each.generated == each.accepted + each.rejected + each.failed + each.dropped
    if row.may_duplicate:
        assert each.accepted <= arrived <= each.accepted + each.possible_duplicates
    else:
        assert arrived == each.accepted
    if signal == "traces":
        # A retry that arrived twice is one span, told as a possible duplicate.
        assert different_spans == each.accepted
    if outcome == "delivered":
        assert each.accepted == each.generated
    elif outcome == "rejected":
        assert (each.accepted, each.failed) == (0, 0)
        assert row.ends_early or each.rejected == each.generated
    elif outcome == "failed":
        assert (each.accepted, each.rejected) == (0, 0)
        assert each.failed > 0
    if not (row.retries or row.splits or outcome == "failed" or len(row.faults) > 1):
        assert each.retries == 0


def test_the_exit_code_is_right(
    row: Row, protocol: str, met: tuple[RunResult, CollectorCounts, int, float]
) -> None:
    result, _, _, took_s = met
    outcome = row.outcome(protocol)

    assert result.exit_code == EXIT[outcome]
    assert result.verdict == ("passed" if EXIT[outcome] == 0 else "failed")
    assert bool(result.warnings) == row.warns
    if outcome == "partly rejected":
        lost = sum(each.rejected for each in result.signals.values())
        assert 0 < lost < sum(each.generated for each in result.signals.values())
    if row.retries and outcome == "delivered":
        assert sum(each.retries for each in result.signals.values()) > 0
    # Two drains, what they wait for, and a busy machine.
    assert took_s < 20


def test_the_matrix_is_whole() -> None:
    assert len(ROWS) * len(PROTOCOLS) * len(SIGNALS) >= 150
    assert len({row.name for row in ROWS}) == len(ROWS)
