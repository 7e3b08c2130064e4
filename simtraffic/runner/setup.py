"""Everything a run needs, made from the scenario: pure, without a clock or a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from simtraffic.catalog import load_catalog
from simtraffic.clock import unix_ns
from simtraffic.errors import UsageError
from simtraffic.randomness import key_of
from simtraffic.scenario.quantities import MOST_REQUESTS
from simtraffic.schedule import Schedule, Shard
from simtraffic.signals import Form
from simtraffic.simulation import Simulator

if TYPE_CHECKING:
    from simtraffic.catalog import Catalog
    from simtraffic.scenario import Scenario
    from simtraffic.simulation.tables import Exchanges

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DEFAULT_DRAIN_NS = 30_000_000_000

STEP_ARRIVALS = {"protobuf": 32_768, "json": 16_384}
"""Arrivals simulated and encoded together at full speed, by the form that is wanted.

More of them share the work on each shape, fewer stay in the cache. JSON takes twice the memory and
most of its time for each number, so it gains nothing from more.
"""


@dataclass(frozen=True, slots=True)
class Setup:
    """A scenario ready to be run or looked at."""

    scenario: Scenario
    schedule: Schedule
    shard: Shard
    simulator: Simulator
    catalog: Catalog
    run_id: str
    start_unix_ns: int

    @classmethod
    def of(
        cls,
        scenario: Scenario,
        *,
        start: str | datetime | int | None = None,
        duration_ns: int | None = None,
        shard: str = "1/1",
    ) -> Setup:
        """Prepare a scenario; the run id is a function of scenario, seed and start.

        Raises:
            UsageError: the start is no instant, the shard no share, the duration zero, or the
                load beyond all measure.
        """
        start_ns = start_unix_ns(start)
        if duration_ns is not None and duration_ns <= 0:
            raise UsageError("--duration: nothing would run; found 0s; write it like 5m")
        catalog = load_catalog()
        schedule = Schedule.of(scenario, duration_ns=duration_ns)
        if schedule.total_expected > MOST_REQUESTS:
            raise UsageError(
                f"load: more requests than can be simulated; found {schedule.total_expected:.3g};"
                f" ask for less with --scale or --duration, at most {MOST_REQUESTS:.0e}"
            )
        run_id = f"{key_of('run', scenario.digest, scenario.seed, start_ns) & (1 << 64) - 1:016x}"
        simulator = Simulator(scenario, schedule, catalog, run_id=run_id)
        return cls(scenario, schedule, Shard.parse(shard), simulator, catalog, run_id, start_ns)

    def of_shard(self, shard: Shard) -> Setup:
        """The same run, of which another part is played."""
        return replace(self, shard=shard)

    def blocks(self) -> Sequence[int]:
        """The blocks of this shard, in order of time."""
        return self.schedule.shard_blocks(self.shard)

    def step(self, forms: Sequence[Form] = ("protobuf",)) -> int:
        """Blocks that together expect about :data:`STEP_ARRIVALS` arrivals."""
        arrivals = min(STEP_ARRIVALS[form] for form in forms)
        return max(1, int(arrivals // max(self.schedule.block_size, 1)))


def start_unix_ns(start: str | datetime | int | None) -> int:
    """The start of a run as Unix nanoseconds, which a number is; ``now`` and None are now.

    Raises:
        UsageError: the text is no instant.
    """
    if start is None or start == "now":
        return unix_ns()
    if isinstance(start, int):
        return start
    if isinstance(start, str):
        try:
            start = datetime.fromisoformat(start)
        except ValueError as error:
            raise UsageError(
                f"--start: not an instant; found {start!r}; write now or 2026-01-01T00:00:00Z"
            ) from error
    if start.tzinfo is None:
        start = start.replace(tzinfo=UTC)
    elapsed = start - _EPOCH
    found = (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000_000 + elapsed.microseconds * 1000
    if found < 0 or start > _EPOCH + timedelta(days=365 * 250):
        raise UsageError(f"--start: out of range; found {start.isoformat()}; use 1970 to 2219")
    return found


def within(exchanges: Exchanges, limit_ns: int) -> Exchanges:
    """Without the requests whose last span would end after this; never half of one."""
    keep = exchanges.requests.end_ns <= limit_ns
    return exchanges if keep.all() else exchanges.keep(keep)
