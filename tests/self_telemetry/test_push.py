"""What a run tells of itself through the SDK is its ledger, apart from what it generates."""

from __future__ import annotations

from typing import Any

import pytest

from simtraffic.clock import monotonic
from simtraffic.collector import Collector
from simtraffic.errors import UsageError
from simtraffic.runner import RunOptions, run
from simtraffic.scenario import parse_scenario
from simtraffic.self_telemetry.push import Push
from tests.told import RICH


def last_values(collector: Collector) -> dict[tuple[str, ...], float]:
    """The last point of every series: metric and the values of its attributes."""
    found: dict[tuple[str, ...], float] = {}
    for metric in collector.metrics():
        for point in getattr(metric, str(metric.WhichOneof("data"))).data_points:
            labels = sorted((a.key, a.value.string_value) for a in point.attributes)
            value = point.as_int if point.HasField("as_int") else point.as_double
            found[metric.name, *(value for _, value in labels)] = value
    return found


def resources(collector: Collector) -> list[dict[str, Any]]:
    return [
        {a.key: a.value.string_value for a in part.resource.attributes}
        for signal in ("traces", "metrics")
        for request in collector.requests(signal)
        for part in (request.resource_spans if signal == "traces" else request.resource_metrics)
    ]


def test_the_last_figures_are_the_ledger_and_a_trace_tells_the_stages() -> None:
    with Collector(keep=True) as generated, Collector(keep=True) as own:
        with Push(own.grpc_endpoint) as push:
            result = run(
                parse_scenario(RICH),
                RunOptions(speed="max"),
                endpoint=generated.grpc_endpoint,
                watchers=[push],
            )
        figures, spans = last_values(own), own.spans()

    assert figures["simtraffic.requests.generated",] == result.schedule.generated > 0
    for signal, each in result.signals.items():
        assert figures["simtraffic.items.generated", signal] == each.generated
        for outcome in ("accepted", "rejected", "failed", "dropped"):
            assert figures["simtraffic.items.settled", outcome, signal] == getattr(each, outcome)
        assert figures["simtraffic.export.requests", signal] == each.requests
        assert figures["simtraffic.export.bytes", signal] == each.bytes
    assert figures["simtraffic.loop.p99",] > 0
    names = [span.name for span in spans]
    assert "run" in names
    assert any(name.startswith("stage ") for name in names)
    (root,) = [span for span in spans if span.name == "run"]
    assert {span.trace_id for span in spans} == {root.trace_id}
    for resource in resources(own):
        assert resource["service.name"] == "simtraffic"
        assert "simtraffic.synthetic" not in resource
    assert all(r["service.name"] == "llm-gateway" for r in resources(generated))


@pytest.mark.real  # real time
def test_a_receiver_that_is_away_costs_a_few_seconds_and_no_word(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with Collector() as generated:
        began = monotonic()
        with Push("http://127.0.0.1:1") as push:
            result = run(
                parse_scenario(RICH),
                RunOptions(speed="max"),
                endpoint=generated.grpc_endpoint,
                watchers=[push],
            )
        assert monotonic() - began < 20

    assert result.exit_code == 0
    assert capfd.readouterr().err == ""
    assert caplog.records == []


def test_an_endpoint_that_is_none_is_told() -> None:
    with pytest.raises(UsageError, match="--self-telemetry: not a URL; found 'localhost:4317'"):
        Push("localhost:4317")
