"""What is asked: the scenario file, its nouns, and every fault in it.

The public names are imported when they are first used, so that listing commands stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simtraffic.scenario.flows import (
        Conversation,
        Flow,
        ModelShare,
        Quantiles,
        TokenSpec,
        Turns,
    )
    from simtraffic.scenario.incidents import Incident, Match
    from simtraffic.scenario.load import load_scenario, parse_scenario
    from simtraffic.scenario.model import Arrivals, Load, Retries, Scenario, Service, Stage
    from simtraffic.scenario.override import with_overrides
    from simtraffic.scenario.schema import json_schema
    from simtraffic.scenario.telemetry import MetricsSettings, Telemetry
    from simtraffic.scenario.thresholds import Threshold

__all__ = [
    "Arrivals",
    "Conversation",
    "Flow",
    "Incident",
    "Load",
    "Match",
    "MetricsSettings",
    "ModelShare",
    "Quantiles",
    "Retries",
    "Scenario",
    "Service",
    "Stage",
    "Telemetry",
    "Threshold",
    "TokenSpec",
    "Turns",
    "json_schema",
    "load_scenario",
    "parse_scenario",
    "with_overrides",
]

_HOMES = {
    "json_schema": "schema",
    "load_scenario": "load",
    "parse_scenario": "load",
    "with_overrides": "override",
    "Threshold": "thresholds",
    **dict.fromkeys(("Incident", "Match"), "incidents"),
    **dict.fromkeys(("MetricsSettings", "Telemetry"), "telemetry"),
    **dict.fromkeys(
        ("Conversation", "Flow", "ModelShare", "Quantiles", "TokenSpec", "Turns"), "flows"
    ),
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = import_module(f"simtraffic.scenario.{_HOMES.get(name, 'model')}")
    value: object = getattr(home, name)
    globals()[name] = value
    return value
