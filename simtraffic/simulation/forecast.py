"""What is known of every moment of a run before it is simulated: load, requests, memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simtraffic.arrays import Floats
from simtraffic.simulation.faults import LONGEST_NS, TIMEOUT_NS, TIMES_OUT

if TYPE_CHECKING:
    from simtraffic.schedule import Schedule
    from simtraffic.simulation.capacity import ProviderLoad
    from simtraffic.simulation.faults import FaultModel
    from simtraffic.simulation.latency import LatencyModel
    from simtraffic.simulation.tokens import TokenModel
    from simtraffic.simulation.traffic import Mix


# The service's own memory, an assumption: a Python gateway and what an open request holds.
_IDLE_MEMORY_BYTES = 220_000_000
_REQUEST_MEMORY_BYTES = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """A fluid estimate: rate times mean duration, retries and fallbacks left out."""

    weights: Floats
    first_ns: Floats
    """Mean time to the first token of each combination, without load."""
    rest_ns: Floats
    """Mean time after it."""
    faults: FaultModel
    load: ProviderLoad
    schedule: Schedule
    instances: int

    @classmethod
    def of(
        cls,
        mix: Mix,
        tokens: TokenModel,
        latency: LatencyModel,
        faults: FaultModel,
        load: ProviderLoad,
        schedule: Schedule,
        *,
        instances: int,
    ) -> Forecast:
        """From the means of the models' parts."""
        means = np.array([tokens.lengths.mean(row) for row in range(len(tokens.lengths.values))])
        inputs, outputs = means[tokens.flow], means[tokens.output_row]
        noise = np.exp(0.5 * latency.sigma_first**2)
        pace = latency.pace_ns * np.exp(0.5 * latency.sigma_pace**2)
        first = (latency.network_ns + latency.prefill_ns * inputs) * noise
        return cls(
            weights=np.array(mix.weights),
            first_ns=first,
            rest_ns=pace * outputs,
            faults=faults,
            load=load,
            schedule=schedule,
            instances=instances,
        )

    @property
    def arrivals_end_ns(self) -> int:
        """End of the last stage, nanoseconds since the start of the run."""
        return self.schedule.duration_ns

    def arrival_rate(self, t_ns: float) -> float:
        """Arrivals a second that the whole run asks for at a time."""
        return float(self.schedule.rate(t_ns))

    def memory_bytes(self, t_ns: int) -> int:
        """Memory of one instance at a time; after the last stage it stays as it was then."""
        open_requests = self.in_flight(min(t_ns, self.arrivals_end_ns))
        return int(_IDLE_MEMORY_BYTES + open_requests / self.instances * _REQUEST_MEMORY_BYTES)

    def in_flight(self, t_ns: float) -> float:
        """Requests expected to be under way at a time."""
        everything = np.arange(len(self.weights))
        cells = self.load.cells(everything, np.full(len(everything), int(t_ns)))
        duration = self.first_ns + self.load.queue_ns[cells]
        duration = duration + self.rest_ns * self.load.slowdown[cells]
        timeout = self.faults.chances[:, TIMES_OUT].sum(axis=1)
        for incident in self.faults.incidents:
            if incident.start_ns <= t_ns < incident.end_ns:
                matching = incident.combinations
                duration[matching] = np.minimum(duration[matching] * incident.slowdown, LONGEST_NS)
                timeout[matching] += incident.chances[TIMES_OUT].sum()
        duration += np.minimum(timeout, 1.0) * (TIMEOUT_NS - duration)
        return float(self.schedule.rate(t_ns) * np.dot(self.weights, duration) / 1e9)
