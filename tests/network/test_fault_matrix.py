"""Every fault over every transport for every signal: the ledger against what was stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simtraffic.clock import monotonic
from simtraffic.collector import Collector
from simtraffic.export.environment import ExportOptions
from simtraffic.runner import RunOptions, run
from simtraffic.scenario import parse_scenario
from simtraffic.signals import SIGNALS, UNITS
from tests.told import RICH
from tools.fault_matrix import EXIT, PROTOCOLS, ROWS

if TYPE_CHECKING:
    from simtraffic.collector import CollectorCounts
    from simtraffic.ledger import SignalCounts
    from simtraffic.result.result import RunResult
    from tools.fault_matrix import Outcome, Row

# In real time, as what is on trial is patience.
pytestmark = pytest.mark.real

# Requests enough for several batches of each signal.
BRIEF = RICH.replace("duration: 20s", "duration: 2s").replace("interval: 5s", "interval: 1s")
# Only where no answer comes is it short: a busy machine may take long to read a request in JSON,
# and an answer that comes too late is a duplicate.
TIMEOUT_MS = 5_000
SHORT_TIMEOUT_MS = 700
# Longer than any wait for a fault that passes; much shorter than one that does not should take.
DRAIN_NS = 4_000_000_000
FAILING_DRAIN_NS = 800_000_000


def meeting(row: Row, protocol: str) -> tuple[RunResult, CollectorCounts, int, float]:
    """The result of a run, what was stored, the different spans of it, and seconds it took."""
    hangs = any("hang" in fault for fault in row.faults)
    timeout_ms = SHORT_TIMEOUT_MS if hangs else TIMEOUT_MS
    with Collector(faults=row.faults, seed=3, keep=True) as collector:
        began = monotonic()
        result = run(
            parse_scenario(BRIEF),
            RunOptions(
                receiver=ExportOptions(
                    endpoint=collector.grpc_endpoint
                    if protocol == "grpc"
                    else collector.http_endpoint,
                    protocol=protocol,
                ),
                speed=4,
                drain_ns=FAILING_DRAIN_NS if row.outcome(protocol) == "failed" else DRAIN_NS,
                environ={"OTEL_EXPORTER_OTLP_TIMEOUT": str(timeout_ms)},
            ),
        )
        took_s = monotonic() - began
        spans = {(span.trace_id, span.span_id) for span in collector.spans()}
        return result, collector.counts(), len(spans), took_s


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_ledger_tells_what_the_receiver_stored(row: Row, protocol: str) -> None:
    """Three cells, one of each signal, and the exit code that they come to."""
    result, stored, different_spans, took_s = meeting(row, protocol)

    for signal in SIGNALS:
        arrived = getattr(stored, UNITS[signal])
        assert_cell(row, row.outcome(protocol), result.signals[signal], arrived)
    # A retry that arrived twice is one span, told as a possible duplicate.
    assert different_spans == result.signals["traces"].accepted
    assert_exit(row, row.outcome(protocol), result)
    # Two drains, what they wait for, and a busy machine.
    assert took_s < 20


def assert_cell(row: Row, outcome: Outcome, each: SignalCounts, arrived: int) -> None:
    assert each.generated > 0, each
    assert each.generated == each.accepted + each.rejected + each.failed + each.dropped, each
    # What arrived twice is told as a possible duplicate, and nothing else arrives twice.
    assert each.accepted <= arrived <= each.accepted + each.possible_duplicates, each
    if not row.may_duplicate:
        assert each.possible_duplicates == 0, each
    if outcome == "delivered":
        assert each.accepted == each.generated, each
    elif outcome == "rejected":
        assert (each.accepted, each.failed) == (0, 0), each
        assert row.ends_early or each.rejected == each.generated, each
    elif outcome == "failed":
        assert (each.accepted, each.rejected) == (0, 0), each
        assert each.failed > 0, each
    if not (row.retries or row.splits or outcome == "failed" or len(row.faults) > 1):
        assert each.retries == 0, each


def assert_exit(row: Row, outcome: Outcome, result: RunResult) -> None:
    assert result.exit_code == EXIT[outcome]
    assert result.verdict == ("passed" if EXIT[outcome] == 0 else "failed")
    assert bool(result.warnings) == row.warns
    signals = result.signals.values()
    if outcome == "partly rejected":
        lost = sum(each.rejected for each in signals)
        assert 0 < lost < sum(each.generated for each in signals)
    if row.retries and outcome == "delivered":
        assert sum(each.retries for each in signals) > 0


def test_the_matrix_is_whole() -> None:
    assert len(ROWS) * len(PROTOCOLS) * len(SIGNALS) >= 150
    assert len({row.name for row in ROWS}) == len(ROWS)
