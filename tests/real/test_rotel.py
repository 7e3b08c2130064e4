"""rotel, a collector written in Rust, takes a run and passes on what the ledger says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simtraffic import load_scenario, run
from simtraffic.collector.server import Collector
from tests.real.conftest import written
from tests.real.programs import rotel
from tests.real.telemetry import counts, items_in, items_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real


# In JSON 0.0.1a15 takes spans alone: it forgets histograms without a word, as it wants numbers where
# OTLP writes 64-bit counts as strings, and refuses a log record whose body is empty. What the
# OpenTelemetry Collector writes fares no better.
EVERYTHING = "traces, metrics, logs"


@pytest.mark.parametrize(
    ("protocol", "signals"),
    [("grpc", EVERYTHING), ("http/protobuf", EVERYTHING), ("http/json", "traces")],
)
def test_what_it_passes_on_is_what_the_ledger_says(
    tmp_path: Path, protocol: str, signals: str
) -> None:
    scenario = load_scenario(written(tmp_path, signals=signals))
    out = tmp_path / "generated.jsonl"
    with Collector(keep=True) as behind:
        with rotel(tmp_path, forward_to=behind.grpc_endpoint) as door:
            result = run(
                scenario,
                endpoint=door.endpoint(protocol),
                protocol=protocol,
                out=str(out),
                speed=20,
            )
            for signal, each in result.signals.items():
                assert behind.wait_for(signal, each.accepted), signal
        received = items_of(
            (signal, request) for signal in result.signals for request in behind.requests(signal)
        )
        faults = behind.counts().faults
    generated = items_in(out)

    assert result.passed, result.reasons
    assert not result.warnings
    assert faults == {}
    ledger = {name: each.accepted for name, each in result.signals.items()}
    assert counts(generated) == ledger
    assert all(ledger[signal] for signal in signals.split(", "))
    for signal in ledger:
        assert received[signal] - generated[signal] == {}, f"{signal} that were never made"
        assert generated[signal] - received[signal] == {}, f"{signal} that did not arrive"
