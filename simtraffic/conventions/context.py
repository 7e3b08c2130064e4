"""What a convention may know of the run besides its rows: the service, its routes, incidents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from simtraffic.arrays import Ints
from simtraffic.catalog import load_catalog
from simtraffic.failures import ATTEMPT_STATUS, NO_ANSWER, ROOT_STATUS

if TYPE_CHECKING:
    from simtraffic.catalog import Model, Provider
    from simtraffic.scenario import Incident


@cache
def known_statuses() -> tuple[int, ...]:
    """Every HTTP status that the error kinds and the shipped providers know, in order."""
    own = {provider.overloaded_status for provider in load_catalog().providers.values()}
    return tuple(sorted({NO_ANSWER, *ATTEMPT_STATUS, *ROOT_STATUS, *own}))


@dataclass(frozen=True, slots=True)
class Context:
    """Constants of a run that shapes are built from."""

    service_name: str
    service_version: str
    environment: str
    instance_ids: tuple[str, ...]
    flows: tuple[str, ...]
    flow_workflows: Ints
    """Workflow code of each flow."""
    routes: tuple[Model, ...]
    """Model of each route code."""
    providers: Mapping[str, Provider]
    """Of those models, by name."""
    start_unix_ns: int
    """Start of the run; times of the tables count from here."""
    incidents: tuple[Incident, ...] = ()
    statuses: tuple[int, ...] = field(default_factory=known_statuses)
    """Every HTTP status that may occur, in order; the axis ``status`` counts them."""
    has_operation_spans: bool = True
    """Whether any convention has spans of operations. If none does, what would refer to them refers
    to those of their requests."""

    def provider(self, route: int) -> Provider:
        """Where the model of a route code answers."""
        return self.providers[self.routes[route].provider]
