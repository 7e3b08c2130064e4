"""Load generator and synthetic traffic for the telemetry of LLM services, over OTLP.

The public names are imported when they are first used, so importing the package is free.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from simtraffic._version import __version__

if TYPE_CHECKING:
    from simtraffic.errors import ExitCode, Fault, ScenarioError, SimtrafficError, UsageError
    from simtraffic.export.environment import ExportOptions
    from simtraffic.ledger import Ledger, Loss, SignalCounts
    from simtraffic.result.plan import CurvePoint, PlanResult
    from simtraffic.result.result import RunResult, ThresholdResult
    from simtraffic.result.rows import (
        IncidentCounts,
        Percentiles,
        RequestCounts,
        StageCounts,
        TrafficCounts,
        Usage,
        Window,
    )
    from simtraffic.result.snapshot import Snapshot
    from simtraffic.result.watcher import Subject, Watcher
    from simtraffic.runner import RunOptions, StopSignal, plan, run, simulate
    from simtraffic.scenario import Scenario, load_scenario, parse_scenario
    from simtraffic.scenario.known import Known
    from simtraffic.self_telemetry import Page
    from simtraffic.simulation.tables import Attempts, Exchanges, Operations, Requests

__all__ = [
    "Attempts",
    "CurvePoint",
    "Exchanges",
    "ExitCode",
    "ExportOptions",
    "Fault",
    "IncidentCounts",
    "Known",
    "Ledger",
    "Loss",
    "Operations",
    "Page",
    "Percentiles",
    "PlanResult",
    "RequestCounts",
    "Requests",
    "RunOptions",
    "RunResult",
    "Scenario",
    "ScenarioError",
    "SignalCounts",
    "SimtrafficError",
    "Snapshot",
    "StageCounts",
    "StopSignal",
    "Subject",
    "ThresholdResult",
    "TrafficCounts",
    "Usage",
    "UsageError",
    "Watcher",
    "Window",
    "__version__",
    "load_scenario",
    "parse_scenario",
    "plan",
    "run",
    "simulate",
]

_NAMES = {
    "errors": "ExitCode Fault ScenarioError SimtrafficError UsageError",
    "export.environment": "ExportOptions",
    "ledger": "Ledger Loss SignalCounts",
    "result.plan": "CurvePoint PlanResult",
    "result.result": "RunResult ThresholdResult",
    "result.rows": (
        "IncidentCounts Percentiles RequestCounts StageCounts TrafficCounts Usage Window"
    ),
    "result.snapshot": "Snapshot",
    "result.watcher": "Subject Watcher",
    "runner": "RunOptions StopSignal plan run simulate",
    "scenario": "Scenario load_scenario parse_scenario",
    "scenario.known": "Known",
    "self_telemetry": "Page",
    "simulation.tables": "Attempts Exchanges Operations Requests",
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"simtraffic.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
