"""The result of a run as a noun, and the JSON object that it is written as.

Nothing is computed here: `verdict` judges and `assemble` fills in.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from simtraffic._version import __version__
from simtraffic.errors import ExitCode
from simtraffic.ledger import Loss, SignalCounts
from simtraffic.result.rows import (
    IncidentCounts,
    Percentiles,
    RequestCounts,
    StageCounts,
    TrafficCounts,
    Usage,
    Window,
    picked,
)

RESULT_VERSION = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The keys of each object, in the order of the file.
_OF_RUN = (
    "run_id", "scenario", "seed", "shard", "start", "end", "speed", "endpoint", "verdict",
    "exit_code",
)  # fmt: skip
_OF_SIGNAL = tuple(part.name for part in fields(SignalCounts) if part.name != "series")
_OF_STAGE = (
    "name", "planned", "generated", "target_rate", "asked_rate", "achieved_rate", "error_share",
)  # fmt: skip
_SKETCHED = ("time_to_first_token_seconds", "duration_seconds")
_SHARES = ("p50", "p95", "p99")
_LATENESS = ("p50", "p99", "max")
_OF_GENERATOR = ("cpu_seconds", "peak_rss_bytes", "spans_per_second", "wall_seconds")
_OF_TRAFFIC = tuple(part.name for part in fields(TrafficCounts) if part.name != "cost_pusd")


@dataclass(frozen=True, slots=True)
class ThresholdResult:
    """A threshold of the scenario with what was found, and whether that meets it."""

    expression: str
    value: float | None
    """In the unit of the measure (seconds, a ratio, a count); None when nothing was observed."""
    passed: bool
    measure: str = ""
    note: str = ""
    """Why there is no value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """Everything that is known at the end of a run."""

    run_id: str
    scenario: str
    seed: int
    shard: str
    start_ns: int
    """Unix nanoseconds, as ``end_ns``; both in simulated time."""
    end_ns: int
    speed: str | float
    endpoint: str | None
    """Where the telemetry went; None for a file alone."""
    verdict: str
    """``passed``, ``failed`` or ``interrupted``."""
    exit_code: int
    schedule: RequestCounts
    signals: dict[str, SignalCounts]
    stages: tuple[StageCounts, ...]
    traffic: tuple[TrafficCounts, ...]
    incidents: tuple[IncidentCounts, ...]
    thresholds: tuple[ThresholdResult, ...]
    generator: Usage
    reasons: tuple[str, ...] = ()
    """Why the run did not pass, worst first."""
    losses: tuple[Loss, ...] = ()
    warnings: dict[str, int] = field(default_factory=dict)
    """What people should know though nothing was lost, and how often it happened."""
    collector: dict[str, Any] | None = None
    """What the built-in collector counted, when the run started one."""
    imperfections: dict[str, int] | None = None
    """What was emitted wrong on purpose, by kind, when the scenario wants any."""

    @property
    def start(self) -> str:
        """RFC 3339 in UTC, as ``end``."""
        return timestamp(self.start_ns)

    @property
    def end(self) -> str:
        """Of the last span, or of the last stage."""
        return timestamp(self.end_ns)

    @property
    def passed(self) -> bool:
        """Whether everything was delivered and every threshold met."""
        return self.exit_code == ExitCode.OK

    def to_dict(self) -> dict[str, Any]:
        """The object of the result file."""
        late = self.schedule.lateness_seconds
        said = {"simtraffic": __version__, "result_version": RESULT_VERSION}
        said |= picked(self, _OF_RUN)
        said |= {
            "schedule": picked(self.schedule, ("planned", "generated", "skipped"))
            | {"lateness_seconds": picked(late, _LATENESS)},
            "signals": {name: picked(one, _OF_SIGNAL) for name, one in self.signals.items()},
            "stages": [_stage_written(stage) for stage in self.stages],
            "traffic": [traffic_written(row) for row in self.traffic],
            "incidents": [_incident_written(each, self.start_ns) for each in self.incidents],
            "thresholds": [asdict(threshold) for threshold in self.thresholds],
            "generator": picked(self.generator, _OF_GENERATOR),
            "reasons": list(self.reasons),
            "losses": [_loss_written(loss) for loss in self.losses],
            "warnings": dict(self.warnings),
            "collector": self.collector,
        }
        return said if self.imperfections is None else said | picked(self, ("imperfections",))

    def to_json(self, *, indent: int | None = 2) -> str:
        """The text of the result file, ending in a line feed."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False) + "\n"

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Read a result file's object back; keys of newer versions are passed over.

        Times come back to the microsecond, and windows of stages not at all.
        """
        start_ns = _unix_ns(data["start"])
        known = _known(cls, data) | {"start_ns": start_ns, "end_ns": _unix_ns(data["end"])}
        schedule = _known(RequestCounts, data["schedule"])
        schedule["lateness_seconds"] = Percentiles(**schedule["lateness_seconds"])
        known["schedule"] = RequestCounts(**schedule)
        known["signals"] = {
            name: SignalCounts(**_known(SignalCounts, entry))
            for name, entry in data["signals"].items()
        }
        known["generator"] = Usage(**_known(Usage, data["generator"]))
        known["reasons"] = tuple(data.get("reasons", ()))
        for key, read in _ROWS.items():
            known[key] = tuple(read(entry, start_ns) for entry in data.get(key, ()))
        return cls(**known)


def timestamp(unix_ns: int) -> str:
    """RFC 3339 in UTC with as many digits as needed, down to microseconds."""
    moment = _EPOCH + timedelta(microseconds=unix_ns // 1000)
    return moment.isoformat().replace("+00:00", "Z")


def traffic_written(row: TrafficCounts) -> dict[str, Any]:
    """One flow at one model as an object, which a result and a plan have in common."""
    return picked(row, _OF_TRAFFIC) | {"cost_usd": row.cost_usd}


def _stage_written(stage: StageCounts) -> dict[str, Any]:
    return picked(stage, _OF_STAGE) | {
        key: picked(getattr(stage, key), _SHARES) for key in _SKETCHED
    }


def _incident_written(incident: IncidentCounts, start_ns: int) -> dict[str, Any]:
    return {
        "name": incident.name,
        "start": timestamp(start_ns + incident.window.start_ns),
        "end": timestamp(start_ns + incident.window.end_ns),
    } | picked(incident, ("requests", "errors"))


def _loss_written(loss: Loss) -> dict[str, Any]:
    return picked(loss, ("signal", "outcome", "reason", "count")) | {
        "first": timestamp(loss.first_ns),
        "last": timestamp(loss.last_ns),
    }


def _stage_read(entry: dict[str, Any], _start_ns: int) -> StageCounts:
    known = _known(StageCounts, entry)
    for key in _SKETCHED:
        known[key] = Percentiles(**_known(Percentiles, known.get(key, {})))
    failed = round(entry["error_share"] * entry["generated"])
    return StageCounts(**known, failed=failed)


def _traffic_read(entry: dict[str, Any], _start_ns: int) -> TrafficCounts:
    cost_pusd = round(entry["cost_usd"] * 1e12)
    return TrafficCounts(**_known(TrafficCounts, entry), cost_pusd=cost_pusd)


def _incident_read(entry: dict[str, Any], start_ns: int) -> IncidentCounts:
    window = Window(_unix_ns(entry["start"]) - start_ns, _unix_ns(entry["end"]) - start_ns)
    return IncidentCounts(**_known(IncidentCounts, entry), window=window)


def _threshold_read(entry: dict[str, Any], _start_ns: int) -> ThresholdResult:
    return ThresholdResult(**_known(ThresholdResult, entry))


def _loss_read(entry: dict[str, Any], _start_ns: int) -> Loss:
    first_ns, last_ns = _unix_ns(entry["first"]), _unix_ns(entry["last"])
    return Loss(**_known(Loss, entry), first_ns=first_ns, last_ns=last_ns)


_ROWS: dict[str, Callable[[dict[str, Any], int], object]] = {
    "stages": _stage_read,
    "traffic": _traffic_read,
    "incidents": _incident_read,
    "thresholds": _threshold_read,
    "losses": _loss_read,
}


def _unix_ns(moment: str) -> int:
    return (datetime.fromisoformat(moment) - _EPOCH) // timedelta(microseconds=1) * 1000


def _known(kind: type, entry: dict[str, Any]) -> dict[str, Any]:
    names = {part.name for part in fields(kind)}
    return {key: value for key, value in entry.items() if key in names}
