"""What a run and its worker processes say to each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from simtraffic.export.settings import ExportSettings
    from simtraffic.result.counts import RunCounts
    from simtraffic.runner.cap import Cap
    from simtraffic.scenario import Scenario

Order = Literal["go", "stop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a worker has to know; secrets in it never touch a command line or a file."""

    scenario: Scenario
    settings: dict[str, ExportSettings]
    start_unix_ns: int
    duration_ns: int | None
    shard: str
    factor: float
    drain_ns: int
    queue_bytes: int
    cap: Cap | None

    def for_shard(self, shard: str) -> Job:
        """The same job for this shard."""
        return replace(self, shard=shard)


@dataclass(frozen=True, slots=True)
class Told:
    """A message of a worker: it is ready, how it stands, or how it ended."""

    account: RunCounts | None = None
    is_last: bool = False
