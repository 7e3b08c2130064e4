"""Every scenario that ships keeps its own promises: all of it is told and its thresholds hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from simtraffic.runner import RunOptions, run
from simtraffic.scenario import load_scenario

SCENARIOS = Path(__file__).parents[2] / "scenarios"
HOUR_NS = 3600 * 10**9
FILES = sorted(SCENARIOS.rglob("*.yaml"))


# Those of the alerts are alike and many.
ALIKE = pytest.mark.long


@pytest.mark.parametrize(
    "path",
    [pytest.param(file, marks=[ALIKE] * (file.parent != SCENARIOS)) for file in FILES],
    ids=lambda path: path.stem,
)
def test_a_shipped_scenario_passes(path: Path) -> None:
    """What is told of it does not matter to that: a point of every series is the least."""
    scenario = load_scenario(path)
    if not any(threshold.measure == "lateness" for threshold in scenario.thresholds):
        metrics = scenario.telemetry.metrics.model_copy(update={"interval_ns": 7 * 24 * HOUR_NS})
        telemetry = scenario.telemetry.model_copy(
            update={"signals": ("metrics",), "metrics": metrics}
        )
        scenario = scenario.model_copy(update={"telemetry": telemetry})

    result = run(scenario, RunOptions(start="2026-01-01T00:00:00Z", speed="max"), out="/dev/null")

    assert [t.expression for t in result.thresholds if not t.passed] == []
    assert result.exit_code == 0
    assert result.schedule.planned == result.schedule.generated
