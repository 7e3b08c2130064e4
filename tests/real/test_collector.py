"""The OpenTelemetry Collector writes down exactly what a run generated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simtraffic import load_scenario, run
from simtraffic.export.environment import ExportOptions
from simtraffic.runner import RunOptions
from tests.real.programs import otelcol
from tests.real.telemetry import counts, items_in

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf", "http/json"])
def test_what_it_wrote_is_what_was_generated_in_every_field(
    scenario: Path, tmp_path: Path, protocol: str
) -> None:
    out = tmp_path / "generated.jsonl"
    with otelcol(tmp_path) as door:
        result = run(
            load_scenario(scenario),
            RunOptions(
                receiver=ExportOptions(endpoint=door.endpoint(protocol), protocol=protocol),
                speed=20,
            ),
            out=str(out),
        )
        door.stop()
    generated, received = items_in(out), items_in(*door.received)

    assert result.passed, result.reasons
    assert not result.warnings
    assert counts(generated) == {name: each.generated for name, each in result.signals.items()}
    assert all(counts(generated).values())
    for signal in generated:
        assert received[signal] - generated[signal] == {}, f"{signal} that were never made"
        assert generated[signal] - received[signal] == {}, f"{signal} that did not arrive"
