"""What a convention may know of the run besides its rows: the service, the routes, the flows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
