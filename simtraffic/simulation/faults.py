"""Which attempts fail, how, after how long; and what incidents add to that.

Chances follow from the kind of call and from the incidents in force when the attempt starts. One
uniform number is held against the chances of all kinds in order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simtraffic.arrays import Bools, Codes, Floats, Indices, Ints
from simtraffic.failures import (
    ATTEMPT_STATUS,
    FAILURES,
    NO_ANSWER,
    OVERLOADED,
    RATE_LIMIT,
    code_of,
)
from simtraffic.failures import ROOT_STATUS as ROOT_STATUSES
from simtraffic.randomness import mix as hash_mix
from simtraffic.randomness import uniform
from simtraffic.simulation.tables import ERROR_KINDS

if TYPE_CHECKING:
    from simtraffic.catalog import Catalog
    from simtraffic.scenario import Incident, Scenario
    from simtraffic.simulation.draws import CallDraws
    from simtraffic.simulation.traffic import Mix

KINDS = ERROR_KINDS[1:]

RETRYABLE = np.array([False, *(failure.is_retryable for failure in FAILURES)])
"""By error code: may a retry or another provider cure it."""

LONGEST_NS = 100 * 86_400 * 1e9
"""No attempt takes longer than 100 days, whatever slows it: times stay inside what 64 bits hold."""

TIMEOUT_NS = 10e9
"""The caller gives up when no first byte came for so long."""

# Median time until the answer, by error code. 0: see `durations`.
_ANSWER_NS = np.array([0.0, *(failure.answer_s * 1e9 for failure in FAILURES)])
_ANSWER_SIGMA = 0.4
_TAKES_PART = np.array([False, *(failure.takes == "part" for failure in FAILURES)])
_TAKES_TIMEOUT = np.array([False, *(failure.takes == "timeout" for failure in FAILURES)])

TIMES_OUT = np.flatnonzero(_TAKES_TIMEOUT[1:])
"""Kinds, counted from 0, after which the caller has given up."""

ROOT_STATUS = np.array(ROOT_STATUSES, dtype=np.int16)
"""HTTP status of the root by the error code of its last operation."""


@dataclass(frozen=True, slots=True)
class IncidentEffect:
    """An incident, laid out for columns."""

    name: str
    start_ns: int
    end_ns: int
    combinations: Bools
    """Which kinds of call it matches."""
    instance: int | None
    """Counted from 0; None matches all."""
    chances: Floats
    """What it adds to the chance of each error kind."""
    slowdown: float

    def meets(self, combinations: Indices, instance: Codes, start_ns: Ints) -> Bools:
        """Which of the calls start in it and match."""
        met = (start_ns >= self.start_ns) & (start_ns < self.end_ns)
        met &= self.combinations.take(combinations)
        if self.instance is not None:
            met &= instance == self.instance
        return met


class FaultModel:
    """Decides over attempts, per combination."""

    def __init__(self, scenario: Scenario, mix: Mix, catalog: Catalog) -> None:
        self.chances = np.array(
            [_chances(scenario, mix, number) for number in range(len(mix.combinations))]
        )
        self.total = self.chances.sum(axis=1)
        self.incidents = tuple(_effect(incident, mix) for incident in scenario.incidents)
        statuses = np.tile(np.array(ATTEMPT_STATUS, dtype=np.int16), (len(mix.models), 1))
        for route, model in enumerate(mix.models):
            provider = catalog.providers[model.provider]
            statuses[route, code_of(OVERLOADED)] = provider.overloaded_status
        self._statuses = statuses.ravel()
        self.known_statuses = tuple(
            sorted({NO_ANSWER, *ROOT_STATUSES, *(int(status) for status in self._statuses)})
        )
        """Every HTTP status that a request or an attempt may have, in order."""

    def in_force(self, start_ns: Ints) -> list[IncidentEffect]:
        """The incidents that any of these starts may meet."""
        if not self.incidents or not len(start_ns):
            return []
        first, last = int(start_ns.min()), int(start_ns.max())
        return [i for i in self.incidents if i.start_ns <= last and first < i.end_ns]

    def errors(
        self,
        combinations: Indices,
        uniforms: Floats,
        turned_away: Floats | None,
        met: list[tuple[IncidentEffect, Bools]],
    ) -> tuple[Indices, Codes]:
        """Rows that fail, and how.

        Args:
            combinations: Kind of each call.
            uniforms: One number in [0, 1) for each call.
            turned_away: Share that capacity turns away, added to the rate limit; None for none.
            met: Incidents in force and which calls they meet.
        """
        total = self.total.take(combinations)
        if turned_away is not None:
            total += turned_away
        for incident, calls in met:
            np.add(total, incident.chances.sum(), out=total, where=calls)
        failed = np.flatnonzero(uniforms < total)
        chances = self.chances[combinations[failed]]
        if turned_away is not None:
            chances[:, code_of(RATE_LIMIT) - 1] += turned_away[failed]
        for incident, calls in met:
            chances[calls[failed]] += incident.chances
        beyond = uniforms[failed, None] >= np.cumsum(chances, axis=1)
        # Sums in another order may differ in the last bit: the last kind with a chance takes it.
        last = len(KINDS) - 1 - np.argmax(chances[:, ::-1] > 0, axis=1)
        kinds = np.minimum(beyond.sum(axis=1), last) + 1
        return failed, kinds.astype(np.int16)

    @staticmethod
    def durations(kinds: Codes, normal_ns: Floats, slowdown: Floats, draws: CallDraws) -> Floats:
        """How long failing calls take, in ns.

        As :class:`~simtraffic.failures.Failure` says: part of the normal time, the time after which
        the caller gives up, or a short answer.
        """
        times = _ANSWER_NS.take(kinds) * np.exp(_ANSWER_SIGMA * draws.first) * slowdown
        part = 0.1 + 0.8 * uniform(hash_mix(draws.error.view(np.uint64), np.uint64(31)))
        np.copyto(times, normal_ns * part, where=_TAKES_PART.take(kinds))
        np.copyto(times, TIMEOUT_NS, where=_TAKES_TIMEOUT.take(kinds))
        return times

    def statuses(self, route: Codes, error: Codes) -> Codes:
        """HTTP status of attempts."""
        return self._statuses.take(route.astype(np.intp) * len(ERROR_KINDS) + error)


def _vector(*errors: Mapping[Any, float]) -> list[float]:
    """The share of each kind; a later mapping overrides an earlier one kind by kind."""
    merged: dict[str, float] = {}
    for shares in errors:
        merged.update(shares)
    return [merged.get(kind, 0.0) for kind in KINDS]


def _chances(scenario: Scenario, mix: Mix, number: int) -> list[float]:
    """Global shares, overridden kind by kind by the flow's, then by the model's."""
    combination = mix.combinations[number]
    flow = mix.flows[combination.flow]
    choice = flow.models.get(mix.models[combination.route].full_name)
    own: Mapping[Any, float] = choice.errors if choice is not None else {}
    return _vector(scenario.errors, flow.errors, own)


def _effect(incident: Incident, mix: Mix) -> IncidentEffect:
    match = incident.match
    matches = []
    for combination in mix.combinations:
        model = mix.models[combination.route]
        matches.append(
            match.provider in (None, model.provider)
            and match.model in (None, model.full_name)
            and match.flow in (None, mix.flows[combination.flow].name)
        )
    return IncidentEffect(
        name=incident.name,
        start_ns=incident.at_ns,
        end_ns=incident.at_ns + incident.duration_ns,
        combinations=np.array(matches, dtype=bool),
        instance=None if match.instance is None else match.instance - 1,
        chances=np.array(_vector(incident.errors), dtype=np.float64),
        slowdown=float(incident.slowdown),
    )
