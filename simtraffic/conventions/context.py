"""What a convention may know of the run besides its rows: the service, its routes, incidents."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from simtraffic.arrays import Ints
from simtraffic.catalog import load_catalog
from simtraffic.failures import ATTEMPT_STATUS, NO_ANSWER, OVERLOADED, ROOT_STATUS

if TYPE_CHECKING:
    from simtraffic.scenario.model import Incident


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """A model at its provider, as seen from the network."""

    provider: str
    model: str
    server_address: str
    server_port: int
    paths: tuple[str, ...]
    """Path at the provider by workflow code."""
    reasons: bool
    """Whether the model writes reasoning tokens."""
    overloaded_status: int = OVERLOADED.attempt_status
    """HTTP status of the provider's answer when it is overloaded."""


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
    routes: tuple[RouteFacts, ...]
    start_unix_ns: int
    """Start of the run; times of the tables count from here."""
    incidents: tuple[Incident, ...] = ()
    statuses: tuple[int, ...] = field(default_factory=known_statuses)
    """Every HTTP status that may occur, in order; the axis ``status`` counts them."""
    has_operation_spans: bool = True
    """Whether any convention has spans of operations. If none does, what would refer to them refers
    to those of their requests."""
