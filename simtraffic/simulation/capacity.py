"""ProviderLoad at the providers as a deterministic fluid, so that every shard computes the same.

Expected arrivals against a capacity give a utilisation over time; that gives the wait before a
call, the slow-down of a busy model, and the share of calls that are turned away. Retries are not
counted as demand. All shapes are own assumptions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simtraffic.arrays import Floats, Indices, Ints

if TYPE_CHECKING:
    from simtraffic.schedule import Schedule
    from simtraffic.simulation.traffic import Mix

CELLS = 4096
"""Cells of time that a run is cut into; the load is constant in each."""

BASE_QUEUE_NS = 20e6
"""Wait at a utilisation of one half: a queue grows as rho / (1 - rho)."""

BUSIEST = 0.95
"""Utilisation beyond which waiting is due to the backlog alone."""

LONGEST_WAIT_S = 5.0
"""A backlog beyond this is turned away with a rate limit."""

LARGEST_SLOWDOWN = 3.0


@dataclass(frozen=True, slots=True)
class ProviderLoad:
    """Per owner of a capacity and cell of time, flattened."""

    owners: tuple[str, ...]
    """A provider or a model, as the capacity is given."""
    utilisation: Floats
    """Shape (owners, cells + 1); the last cell stands for the time after the last arrival."""
    queue_ns: Floats
    """Flattened like the two that follow."""
    slowdown: Floats
    turned_away: Floats
    """Share of calls that end in a rate limit for want of capacity."""
    turns_away: bool
    cells_per_ns: float
    _offsets: Indices

    @classmethod
    def of(cls, mix: Mix, capacity: dict[str, float], schedule: Schedule) -> ProviderLoad:
        """The load of a schedule's arrivals."""
        owners, limits, owner_of = _owners(mix, capacity)
        demand_share = np.zeros(len(owners))
        for combination, weight in zip(mix.combinations, mix.weights, strict=True):
            demand_share[owner_of[combination.route]] += weight
        edges = np.linspace(0, schedule.duration_ns, CELLS + 1)
        seconds = schedule.duration_ns / CELLS / 1e9
        arrivals = np.append(np.diff(schedule.expected(edges)) / seconds, 0.0)
        utilisation = demand_share[:, None] * arrivals / limits[:, None]
        backlog, turned_away = _backlog(utilisation, seconds)
        calm = np.minimum(utilisation, BUSIEST)
        queue = BASE_QUEUE_NS * calm / (1.0 - calm) + backlog * 1e9
        slowdown = np.minimum(1.0 + utilisation * utilisation, LARGEST_SLOWDOWN)
        offsets = [owner_of[c.route] * (CELLS + 1) for c in mix.combinations]
        return cls(
            owners=tuple(owners),
            utilisation=utilisation,
            queue_ns=queue.ravel(),
            slowdown=slowdown.ravel(),
            turned_away=turned_away.ravel(),
            turns_away=bool(turned_away.any()),
            cells_per_ns=CELLS / max(schedule.duration_ns, 1),
            _offsets=np.array(offsets, dtype=np.intp),
        )

    def cells(self, combinations: Indices, start_ns: Ints) -> Indices:
        """Where the flattened arrays hold the load that calls meet when they start."""
        cells = (start_ns * self.cells_per_ns).astype(np.intp)
        np.minimum(cells, CELLS, out=cells)
        cells += self._offsets.take(combinations)
        return cells

    def utilisation_at(self, t_ns: float) -> dict[str, float]:
        """Demand over capacity of each owner at a time."""
        cell = min(max(int(t_ns * self.cells_per_ns), 0), CELLS)
        return dict(zip(self.owners, self.utilisation[:, cell].tolist(), strict=True))


def _owners(mix: Mix, capacity: dict[str, float]) -> tuple[list[str], Floats, list[int]]:
    """Capacities, and which each route draws on: its own, its provider's, or the catalogue's."""
    owners: list[str] = []
    limits: list[float] = []
    owner_of = []
    for model in mix.models:
        shared = model.provider in capacity and model.full_name not in capacity
        name = model.provider if shared else model.full_name
        if name not in owners:
            owners.append(name)
            limits.append(capacity.get(name, model.capacity))
        owner_of.append(owners.index(name))
    return owners, np.maximum(np.array(limits), 1e-9), owner_of


def _backlog(utilisation: Floats, seconds: float) -> tuple[Floats, Floats]:
    """Seconds of work that wait in each cell, and the share turned away because too much does."""
    backlog = np.zeros_like(utilisation)
    turned_away = np.zeros_like(utilisation)
    if not (utilisation > 1.0).any():
        return backlog, turned_away
    waiting = np.zeros(len(utilisation))
    for cell in range(utilisation.shape[1]):
        demand = utilisation[:, cell]
        grown = np.maximum(waiting + (demand - 1.0) * seconds, 0.0)
        after = np.minimum(grown, LONGEST_WAIT_S)
        backlog[:, cell] = 0.5 * (waiting + after)
        arrived = np.maximum(demand * seconds, 1e-300)
        turned_away[:, cell] = np.minimum((grown - after) / arrived, 1.0)
        waiting = after
    # After the last arrival the backlog is what its last cell left.
    return backlog, turned_away
