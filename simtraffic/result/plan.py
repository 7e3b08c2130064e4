"""What a run would do, as a noun: the result's rows with expectations in place of counts."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from simtraffic._version import __version__
from simtraffic.result.result import RESULT_VERSION, traffic_written
from simtraffic.result.rows import (
    IncidentCounts,
    RequestCounts,
    StageCounts,
    TrafficCounts,
    Usage,
    Window,
    picked,
)

if TYPE_CHECKING:
    from simtraffic.ledger import SignalCounts

_OF_PLAN = ("scenario", "seed", "shard", "duration_seconds")
_OF_SIGNAL = ("unit", "generated", "bytes", "series")
_OF_STAGE = ("planned", "target_rate", "asked_rate")
_OF_GENERATOR = ("cpu_seconds", "peak_rss_bytes", "spans_per_second")


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The asked rate at a moment of the run."""

    seconds: float
    rate: float
    """Requests a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanResult:
    """What a run would do; nothing was opened or sent to find it."""

    scenario: str
    seed: int
    shard: str
    duration_seconds: float
    schedule: RequestCounts
    """How many requests the schedule asks for (of this shard)."""
    signals: dict[str, SignalCounts]
    """What is generated, its bytes and its series."""
    stages: tuple[StageCounts, ...]
    traffic: tuple[TrafficCounts, ...]
    incidents: tuple[IncidentCounts, ...] = ()
    """When each is on."""
    generator: Usage = field(default_factory=Usage)
    curve: tuple[CurvePoint, ...] = ()
    """In order of time, first and last moment included; straight lines in between. Two points at
    one moment are a step."""
    notes: tuple[str, ...] = ()
    """What people should know, one line each."""

    def to_dict(self) -> dict[str, Any]:
        """The object that ``plan --json`` prints."""
        said = {"simtraffic": __version__, "result_version": RESULT_VERSION}
        said |= picked(self, _OF_PLAN)
        return said | {
            "schedule": picked(self.schedule, ("planned", "exact")),
            "signals": {name: picked(one, _OF_SIGNAL) for name, one in self.signals.items()},
            "stages": [
                _placed(stage.name, stage.window) | picked(stage, _OF_STAGE)
                for stage in self.stages
            ],
            "traffic": [traffic_written(row) for row in self.traffic],
            "incidents": [_placed(each.name, each.window) for each in self.incidents],
            "generator": picked(self.generator, _OF_GENERATOR),
            "curve": [asdict(point) for point in self.curve],
            "notes": list(self.notes),
        }

    def to_json(self, *, indent: int | None = 2) -> str:
        """The text that ``plan --json`` prints, ending in a line feed."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False) + "\n"


def _placed(name: str, window: Window) -> dict[str, Any]:
    return {
        "name": name,
        "start_seconds": window.start_ns / 1e9,
        "duration_seconds": window.seconds,
    }
