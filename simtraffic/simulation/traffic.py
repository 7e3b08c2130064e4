"""Every kind of call that a scenario can make, numbered, and where it falls back.

A *combination* is one such kind: flow, model, streaming. Whatever depends on flow or model is kept
as an array over the combinations: one gather turns a column of combinations into one of figures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from simtraffic.arrays import Codes, Floats, Indices
from simtraffic.simulation.tables import WORKFLOWS, Vocabulary

if TYPE_CHECKING:
    from simtraffic.catalog import Catalog, Model
    from simtraffic.scenario import Flow, Scenario

NO_COMBINATION = -1


@dataclass(frozen=True, slots=True)
class Combination:
    """One kind of call."""

    flow: int
    route: int
    streaming: bool
    visited: frozenset[str]
    """Providers of the request so far, this one included: a fallback never returns."""


@dataclass(slots=True)
class Mix:
    """The combinations of a scenario and how often each is chosen first."""

    flows: tuple[Flow, ...]
    models: list[Model] = field(default_factory=list)
    """Of each route code."""
    combinations: list[Combination] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    """Share of requests; 0 for combinations that only a fallback reaches."""
    fallbacks: list[int] = field(default_factory=list)
    """The combination that a request goes to next; -1 for none."""

    @classmethod
    def of(cls, scenario: Scenario, catalog: Catalog) -> Mix:
        """All combinations that the traffic chooses, then those that fallbacks add."""
        mix = cls(tuple(scenario.traffic))
        whole = sum(flow.share for flow in mix.flows)
        for number, flow in enumerate(mix.flows):
            weights = sum(choice.weight for choice in flow.models.values())
            for name, choice in flow.models.items():
                share = flow.share / whole * choice.weight / weights
                route = mix._route(catalog.models[name])
                visited = frozenset({mix.models[route].provider})
                for streaming, part in ((True, flow.streaming), (False, 1.0 - flow.streaming)):
                    if share * part > 0:
                        mix._add(Combination(number, route, streaming, visited), share * part)
        # The list grows while it is walked: a fallback may have a fallback of its own.
        for number, combination in enumerate(mix.combinations):
            mix.fallbacks[number] = mix._fallback(combination, scenario.retries.fallback, catalog)
        return mix

    def vocabulary(self, scenario: Scenario, stages: tuple[str, ...]) -> Vocabulary:
        """What the codes of the tables stand for."""
        return Vocabulary(
            flows=tuple(flow.name for flow in self.flows),
            flow_workflows=tuple(WORKFLOWS.index(flow.workflow) for flow in self.flows),
            routes=tuple(self.models),
            stages=stages,
            incidents=tuple(incident.name for incident in scenario.incidents),
            instances=scenario.service.instances,
        )

    def model(self, combination: int) -> Model:
        """The model of a combination."""
        return self.models[self.combinations[combination].route]

    def routes(self) -> Codes:
        """The route code of each combination."""
        return np.array([c.route for c in self.combinations], dtype=np.int16)

    def figures(self, of: Callable[[Combination, Model], float]) -> Floats:
        """A figure of each combination, as an array over them."""
        return np.array([of(c, self.models[c.route]) for c in self.combinations], dtype=np.float64)

    def _route(self, model: Model) -> int:
        if model not in self.models:
            self.models.append(model)
        return self.models.index(model)

    def _add(self, combination: Combination, weight: float) -> int:
        if combination in self.combinations:
            number = self.combinations.index(combination)
            self.weights[number] += weight
            return number
        self.combinations.append(combination)
        self.weights.append(weight)
        self.fallbacks.append(NO_COMBINATION)
        return len(self.combinations) - 1

    def _fallback(self, come_from: Combination, asked: dict[str, str], catalog: Catalog) -> int:
        model = self.models[come_from.route]
        target = asked.get(model.provider)
        if target is None or target.partition("/")[0] in come_from.visited:
            return NO_COMBINATION
        found = _fallback_model(target, self.flows[come_from.flow], model, catalog)
        if found is None:
            return NO_COMBINATION
        visited = come_from.visited | {found.provider}
        route = self._route(found)
        return self._add(Combination(come_from.flow, route, come_from.streaming, visited), 0.0)


def _fallback_model(target: str, flow: Flow, model: Model, catalog: Catalog) -> Model | None:
    """The named model; else the flow's own there; else the provider's first of the tier or kind."""
    if "/" in target:
        named = catalog.models[target]
        return named if named.kind == model.kind else None
    own = [catalog.models[name] for name in flow.models if name.partition("/")[0] == target]
    same_tier = catalog.of_tier(target, model.tier)
    if same_tier is not None:
        own.append(same_tier)
    own += [m for m in catalog.models.values() if m.provider == target and m.kind == model.kind]
    return own[0] if own else None


@dataclass(frozen=True, slots=True)
class AliasDraw:
    """A categorical draw in constant time: Walker's alias method (Walker 1977, Vose 1991)."""

    keep: Floats
    """Probability that a cell keeps its own number."""
    alias: Indices
    """The number that it gives otherwise."""

    @classmethod
    def of(cls, weights: list[float]) -> AliasDraw:
        """Weights need not add up to one."""
        count = len(weights)
        scaled = [weight * count / sum(weights) for weight in weights]
        keep, alias = [1.0] * count, list(range(count))
        poor = [i for i, weight in enumerate(scaled) if weight < 1.0]
        rich = [i for i, weight in enumerate(scaled) if weight >= 1.0]
        while poor and rich:
            taker, giver = poor.pop(), rich[-1]
            keep[taker], alias[taker] = scaled[taker], giver
            scaled[giver] -= 1.0 - scaled[taker]
            if scaled[giver] < 1.0:
                poor.append(rich.pop())
        return cls(np.array(keep), np.array(alias, dtype=np.intp))

    def pick(self, uniform: Floats) -> Indices:
        """A number for each draw in [0, 1)."""
        if len(self.keep) == 1:
            return np.zeros(len(uniform), dtype=np.intp)
        scaled = uniform * len(self.keep)
        cells = scaled.astype(np.intp)
        scaled -= cells
        aliased = scaled >= self.keep.take(cells)
        np.copyto(cells, self.alias.take(cells), where=aliased)
        return cells
