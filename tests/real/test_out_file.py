"""What `--out` writes is OTLP/JSON that others read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pytest

from simtraffic import load_scenario, run
from simtraffic.runner import RunOptions
from tests.real.programs import otelcol
from tests.real.telemetry import counts, items_in

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

PATHS = {"resourceSpans": "traces", "resourceMetrics": "metrics", "resourceLogs": "logs"}


def test_a_collector_that_is_fed_the_file_writes_the_same_down(
    scenario: Path, tmp_path: Path
) -> None:
    out = tmp_path / "generated.jsonl"
    result = run(load_scenario(scenario), RunOptions(start="2026-01-01T00:00:00Z"), out=str(out))

    with otelcol(tmp_path) as door:
        # What is tried is a collector's own door, so each request is sent as the file has it.
        with out.open("rb") as lines, httpx.Client(base_url=door.http) as client:
            for line in lines:
                (key,) = json.loads(line)
                answer = client.post(
                    f"/v1/{PATHS[key]}",
                    content=line,
                    headers={"content-type": "application/json"},
                )
                assert answer.status_code == 200, answer.text
                assert answer.json() == {"partialSuccess": {}}
        door.stop()
    fed, written_down = items_in(out), items_in(*door.received)

    assert result.passed, result.reasons
    assert counts(fed) == {name: each.generated for name, each in result.signals.items()}
    assert written_down == fed
