"""The result of a run as a noun, and the JSON object that it is written as.

The names of the fields are the keys of the file. Nothing is computed here: `verdict` judges and
`assemble` fills in.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from simtraffic._version import __version__
from simtraffic.errors import ExitCode

RESULT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Seconds; None when nothing was observed."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class Lateness:
    """Seconds between the end of the tick in which records were due and their hand-over."""

    p50: float | None = None
    p99: float | None = None
    max: float | None = None


@dataclass(frozen=True, slots=True)
class ScheduleResult:
    """What became of the planned requests; planned = generated + skipped."""

    planned: int = 0
    generated: int = 0
    skipped: int = 0
    lateness_seconds: Lateness = field(default_factory=Lateness)


@dataclass(frozen=True, slots=True)
class SignalResult:
    """What became of one signal; generated = accepted + rejected + failed + dropped."""

    unit: str
    generated: int = 0
    accepted: int = 0
    rejected: int = 0
    failed: int = 0
    dropped: int = 0
    requests: int = 0
    """Export calls, retries included."""
    retries: int = 0
    bytes: int = 0
    """OTLP protobuf before compression."""
    possible_duplicates: int = 0

    @property
    def lost(self) -> int:
        """Everything generated that was not accepted."""
        return self.generated - self.accepted


@dataclass(frozen=True, slots=True)
class StageResult:
    """One stage, by due time of its requests."""

    name: str
    planned: int = 0
    generated: int = 0
    target_rate: float = 0.0
    """Requests a second that the scenario names: the rate held, or the end of a ramp."""
    asked_rate: float = 0.0
    """Mean of the asked rate over the stage."""
    achieved_rate: float = 0.0
    """Requests generated over the stage's length."""
    error_share: float = 0.0
    time_to_first_token_seconds: Quantiles = field(default_factory=Quantiles)
    duration_seconds: Quantiles = field(default_factory=Quantiles)


@dataclass(frozen=True, slots=True)
class TrafficResult:
    """One flow at one model."""

    flow: str
    provider: str
    model: str
    requests: int = 0
    attempts: int = 0
    failed: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class IncidentResult:
    """One incident: when it was on and what it hit."""

    name: str
    start: str
    end: str
    requests: int = 0
    errors: int = 0


@dataclass(frozen=True, slots=True)
class ThresholdResult:
    """One threshold, judged."""

    expression: str
    value: float | None
    """In the unit of the measure (seconds, a ratio, a count); None when nothing was observed."""
    passed: bool
    measure: str = ""
    note: str = ""
    """Why there is no value."""


@dataclass(frozen=True, slots=True)
class LossResult:
    """Telemetry lost for one reason, and between when."""

    signal: str
    outcome: str
    reason: str
    count: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class GeneratorResult:
    """What the generator itself used."""

    cpu_seconds: float = 0.0
    peak_rss_bytes: int = 0
    spans_per_second: float = 0.0
    wall_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class RunResult:
    """Everything that is known at the end of a run. Times are RFC 3339 in UTC."""

    run_id: str
    scenario: str
    seed: int
    shard: str
    start: str
    end: str
    speed: str | float
    endpoint: str | None
    verdict: str
    """``passed``, ``failed`` or ``interrupted``."""
    exit_code: int
    schedule: ScheduleResult
    signals: dict[str, SignalResult]
    stages: tuple[StageResult, ...]
    traffic: tuple[TrafficResult, ...]
    incidents: tuple[IncidentResult, ...]
    thresholds: tuple[ThresholdResult, ...]
    generator: GeneratorResult
    reasons: tuple[str, ...] = ()
    """Why the run did not pass, worst first."""
    losses: tuple[LossResult, ...] = ()
    warnings: dict[str, int] = field(default_factory=dict)
    """What people should know though nothing was lost, and how often it happened."""
    collector: dict[str, Any] | None = None
    """What the built-in collector counted, when the run started one."""
    imperfections: dict[str, int] | None = None
    """What was told wrong on purpose, by kind, when the scenario wants any."""

    @property
    def passed(self) -> bool:
        """Whether everything was delivered and every threshold met."""
        return self.exit_code == ExitCode.OK

    def to_dict(self) -> dict[str, Any]:
        """The object of the result file."""
        head = {"simtraffic": __version__, "result_version": RESULT_VERSION}
        said = head | _plain(asdict(self))
        if self.imperfections is None:
            del said["imperfections"]
        return said

    def to_json(self, *, indent: int | None = 2) -> str:
        """The text of the result file, ending in a line feed."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False) + "\n"

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Read a result file's object back; keys of newer versions are passed over."""
        known = _known(cls, data)
        schedule = _known(ScheduleResult, data["schedule"])
        schedule["lateness_seconds"] = Lateness(**schedule["lateness_seconds"])
        known["schedule"] = ScheduleResult(**schedule)
        known["signals"] = {
            name: SignalResult(**_known(SignalResult, entry))
            for name, entry in data["signals"].items()
        }
        known["stages"] = tuple(_stage(entry) for entry in data["stages"])
        known["generator"] = GeneratorResult(**_known(GeneratorResult, data["generator"]))
        known["reasons"] = tuple(data.get("reasons", ()))
        for key, kind in _ROWS.items():
            known[key] = tuple(kind(**_known(kind, entry)) for entry in data.get(key, ()))
        return cls(**known)


_ROWS: dict[str, type] = {
    "traffic": TrafficResult,
    "incidents": IncidentResult,
    "thresholds": ThresholdResult,
    "losses": LossResult,
}


def _stage(entry: dict[str, Any]) -> StageResult:
    known = _known(StageResult, entry)
    for key in ("time_to_first_token_seconds", "duration_seconds"):
        known[key] = Quantiles(**_known(Quantiles, known.get(key, {})))
    return StageResult(**known)


def _known(kind: type, entry: dict[str, Any]) -> dict[str, Any]:
    names = {part.name for part in fields(kind)}
    return {key: value for key, value in entry.items() if key in names}


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """Tuples as the lists that JSON makes of them, so that a dict equals what is read back."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in data.items()}
