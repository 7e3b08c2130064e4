"""What the telemetry of a scenario amounts to, as `simtraffic plan` foresees it."""

from __future__ import annotations

from pathlib import Path

from simtraffic import load_scenario, plan

SCENARIO = Path(__file__).parents[1] / "scenarios/demo.yaml"
_MILLION = 1_000_000


def markdown() -> str:
    """A table for a million requests of the demo, by signal."""
    expected = plan(load_scenario(SCENARIO))
    requests = expected.schedule.planned
    rows = ["| signal | items | bytes before compression |", "| --- | ---: | ---: |"]
    for signal, each in expected.signals.items():
        items = each.generated / requests * _MILLION
        octets = each.bytes / requests * _MILLION
        unit = each.unit.replace("_", " ")
        rows.append(f"| {signal} | {items / _MILLION:.1f} million {unit} | {octets / 1e9:.1f} GB |")
    return "\n".join(rows)
