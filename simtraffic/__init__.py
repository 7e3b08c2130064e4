"""Load generator and synthetic traffic for the telemetry of LLM services, over OTLP.

The public names are imported when they are first used, so importing the package is free.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from simtraffic._version import __version__

if TYPE_CHECKING:
    from simtraffic.errors import ScenarioError
    from simtraffic.result.result import RunResult
    from simtraffic.runner import RunOptions, StopSignal, plan, run, simulate
    from simtraffic.scenario import Scenario, load_scenario

__all__ = [
    "RunOptions",
    "RunResult",
    "Scenario",
    "ScenarioError",
    "StopSignal",
    "__version__",
    "load_scenario",
    "plan",
    "run",
    "simulate",
]

_HOMES = {
    "RunOptions": "simtraffic.runner",
    "RunResult": "simtraffic.result.result",
    "Scenario": "simtraffic.scenario",
    "ScenarioError": "simtraffic.errors",
    "StopSignal": "simtraffic.runner",
    "load_scenario": "simtraffic.scenario",
    "plan": "simtraffic.runner",
    "run": "simtraffic.runner",
    "simulate": "simtraffic.runner",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
