"""Everything a run needs, made from the scenario: pure, without a clock or a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from simtraffic._version import __version__
from simtraffic.catalog import load_catalog
from simtraffic.clock import unix_ns
from simtraffic.conventions.context import Context, IncidentFacts, Plan, RouteFacts
from simtraffic.conventions.load import load_conventions
from simtraffic.errors import UsageError
from simtraffic.otlp.imperfect import Imperfect
from simtraffic.otlp.telemetry import Telemetry, TelemetrySettings
from simtraffic.randomness import key_of
from simtraffic.scenario.quantities import MOST_REQUESTS
from simtraffic.schedule import Schedule, Shard
from simtraffic.signals import Form
from simtraffic.simulation import Simulator
from simtraffic.simulation.tables import WORKFLOWS

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

# The service's own memory, an assumption: a Python gateway and what an open request holds.
_IDLE_MEMORY_BYTES = 220_000_000
_REQUEST_MEMORY_BYTES = 2_000_000


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

    def telemetry(
        self, forms: Sequence[Form] = ("protobuf",), drain_ns: int = DEFAULT_DRAIN_NS
    ) -> Telemetry:
        """The teller of this run, for these encodings; nothing is told after the drain."""
        scenario = self.scenario
        settings = scenario.telemetry
        conventions = load_conventions(settings.conventions)
        return Telemetry(
            conventions,
            self._context(),
            TelemetrySettings(
                resources=[self._resource(index) for index in range(scenario.service.instances)],
                shard=str(self.shard),
                shard_index=self.shard.index - 1,
                shard_count=self.shard.count,
                signals=frozenset(settings.signals),
                interval_ns=settings.metrics.interval_ns,
                is_delta=settings.metrics.temporality == "delta",
                exemplars=settings.metrics.exemplars,
                sampling=settings.sampling,
                arrivals_end_ns=self.schedule.duration_ns,
            ),
            Plan(self._memory_bytes, lambda at_ns: float(self.schedule.rate(at_ns))),
            forms,
            self._imperfect(drain_ns),
        )

    def _imperfect(self, drain_ns: int) -> Imperfect | None:
        wanted = self.scenario.imperfections
        if not wanted.is_wanted:
            return None
        return Imperfect(
            wanted,
            f"{self.run_id} imperfections",
            self.scenario.service.instances,
            self.schedule.duration_ns + drain_ns,
        )

    def _memory_bytes(self, at_ns: int) -> int:
        open_requests = self.simulator.expected_in_flight(min(at_ns, self.schedule.duration_ns))
        share = open_requests / self.scenario.service.instances
        return int(_IDLE_MEMORY_BYTES + share * _REQUEST_MEMORY_BYTES)

    def _instance_id(self, index: int) -> str:
        return f"{self.scenario.service.name}-{index + 1}"

    def _resource(self, index: int) -> dict[str, object]:
        service = self.scenario.service
        optional = {
            "service.namespace": service.namespace,
            "service.version": service.version,
            "deployment.environment.name": service.environment,
        }
        return {
            "telemetry.sdk.name": "simtraffic",
            "telemetry.sdk.language": "python",
            "telemetry.sdk.version": __version__,
            "service.name": service.name,
            "service.instance.id": self._instance_id(index),
            **{key: value for key, value in optional.items() if value is not None},
            **service.attributes,
            "simtraffic.synthetic": True,
            "simtraffic.run_id": self.run_id,
        }

    def _context(self) -> Context:
        vocabulary, service = self.simulator.vocabulary, self.scenario.service
        return Context(
            service_name=service.name,
            service_version=service.version or "",
            environment=service.environment or "",
            instance_ids=tuple(self._instance_id(index) for index in range(service.instances)),
            flows=vocabulary.flows,
            flow_workflows=np.array(vocabulary.flow_workflows, dtype=np.int64),
            routes=tuple(self._route(index) for index in range(len(vocabulary.routes))),
            start_unix_ns=self.start_unix_ns,
            incidents=tuple(
                IncidentFacts(incident.name, incident.at_ns, incident.at_ns + incident.duration_ns)
                for incident in self.scenario.incidents
            ),
            statuses=self.simulator.known_statuses,
        )

    def _route(self, index: int) -> RouteFacts:
        model = self.simulator.models[index]
        provider = self.catalog.providers[model.provider]
        return RouteFacts(
            provider=model.provider,
            model=model.name,
            server_address=provider.address,
            server_port=provider.port,
            paths=tuple(provider.path(workflow, model.name) for workflow in WORKFLOWS),
            reasons=model.reasoning_share > 0,
            overloaded_status=provider.overloaded_status,
        )


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
