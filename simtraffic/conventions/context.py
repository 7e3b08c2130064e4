"""What a convention may know of the run besides its rows: the service, its routes, the plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """A model at its provider, as seen from the network."""

    provider: str
    model: str
    server_address: str
    server_port: int
    paths: tuple[str, str, str]
    """Path at the provider by workflow code."""
    reasons: bool
    """Whether the model writes reasoning tokens."""


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """An incident of the scenario; times are nanoseconds since the start of the run."""

    name: str
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What is known of every moment of a run before any request: each takes its nanosecond."""

    memory_bytes: Callable[[int], int]
    """Memory of one instance."""
    arrival_rate: Callable[[int], float]
    """Arrivals a second that the whole run asks for."""


@dataclass(frozen=True, slots=True)
class Context:
    """Constants of a run that shapes are built from."""

    service_name: str
    service_version: str
    environment: str
    instance_ids: tuple[str, ...]
    flows: tuple[str, ...]
    flow_workflows: NDArray[np.int64]
    """Workflow code of each flow."""
    routes: tuple[RouteFacts, ...]
    start_unix_ns: int
    """Start of the run; times of the tables count from here."""
    incidents: tuple[IncidentFacts, ...] = ()
    tells_operations: bool = True
    """Whether any convention tells operations as spans. If none does, what would refer to their
    spans refers to those of their requests."""
