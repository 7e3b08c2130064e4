"""The scenario turned into due times, without a clock."""

from __future__ import annotations

from simtraffic.schedule.curve import Segment
from simtraffic.schedule.schedule import HOLD, Schedule
from simtraffic.schedule.shard import Shard

__all__ = ["HOLD", "Schedule", "Segment", "Shard"]
