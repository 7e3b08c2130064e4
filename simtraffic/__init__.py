"""Load generator and synthetic traffic for the telemetry of LLM services, over OTLP.

The public names are imported when they are first used, so importing the package is free.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from simtraffic._version import __version__

if TYPE_CHECKING:
    from simtraffic.errors import ScenarioError
    from simtraffic.plan import plan
    from simtraffic.report.result import RunResult
    from simtraffic.run import run
    from simtraffic.scenario import Scenario, load_scenario
    from simtraffic.simulation import simulate

__all__ = [
    "RunResult",
    "Scenario",
    "ScenarioError",
    "__version__",
    "load_scenario",
    "plan",
    "run",
    "simulate",
]

_HOMES = {
    "RunResult": "simtraffic.report.result",
    "Scenario": "simtraffic.scenario",
    "ScenarioError": "simtraffic.errors",
    "load_scenario": "simtraffic.scenario",
    "simulate": "simtraffic.simulation",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


class _Package(ModuleType):
    """The package, where `run` and `plan` stay functions though modules of those names exist.

    Importing ``simtraffic.run`` would otherwise put the module in the function's place.
    """

    @property
    def run(self) -> object:
        return import_module("simtraffic.run").run

    @run.setter
    def run(self, module: object) -> None: ...

    @property
    def plan(self) -> object:
        return import_module("simtraffic.plan").plan

    @plan.setter
    def plan(self, module: object) -> None: ...


sys.modules[__name__].__class__ = _Package


def __dir__() -> list[str]:
    return sorted(__all__)
