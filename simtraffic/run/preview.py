"""What a run would do, without doing it: no clock, no connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simtraffic.report.plan import PlanResult
    from simtraffic.scenario import Scenario


def plan(scenario: Scenario, *, duration_ns: int | None = None, shard: str = "1/1") -> PlanResult:
    """What :func:`simtraffic.run.run` would do."""
    raise NotImplementedError
