"""What to expect of a run before it is simulated: requests under way at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simtraffic.arrays import Floats
from simtraffic.simulation.faults import LONGEST_NS, TIMEOUT_NS, TIMES_OUT

if TYPE_CHECKING:
    from simtraffic.schedule import Schedule
    from simtraffic.simulation.capacity import Load
    from simtraffic.simulation.faults import FaultModel
    from simtraffic.simulation.latency import LatencyModel
    from simtraffic.simulation.tokens import TokenModel
    from simtraffic.simulation.traffic import Mix


@dataclass(frozen=True, slots=True)
class Forecast:
    """A fluid estimate: rate times mean duration, retries and fallbacks left out."""

    weights: Floats
    first_ns: Floats
    """Mean time to the first token of each combination, without load."""
    rest_ns: Floats
    """Mean time after it."""
    faults: FaultModel
    load: Load
    schedule: Schedule

    @classmethod
    def of(
        cls,
        mix: Mix,
        tokens: TokenModel,
        latency: LatencyModel,
        faults: FaultModel,
        load: Load,
        schedule: Schedule,
    ) -> Forecast:
        """From the means of the models' parts."""
        means = np.array([tokens.lengths.mean(row) for row in range(len(tokens.lengths.values))])
        inputs, outputs = means[tokens.flow], means[tokens.output_row]
        noise = np.exp(0.5 * latency.sigma_first**2)
        pace = latency.pace_ns * np.exp(0.5 * latency.sigma_pace**2)
        first = (latency.network_ns + latency.prefill_ns * inputs) * noise
        return cls(np.array(mix.weights), first, pace * outputs, faults, load, schedule)

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
