"""Who emits the telemetry of a run, and how: resources, what conventions know, what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from simtraffic._version import __version__
from simtraffic.conventions.context import Context
from simtraffic.conventions.load import load_conventions
from simtraffic.otlp.emitter import Emitter
from simtraffic.otlp.imperfect import Imperfect
from simtraffic.runner.setup import DEFAULT_DRAIN_NS
from simtraffic.signals import Form

if TYPE_CHECKING:
    from simtraffic.runner.setup import Setup
    from simtraffic.scenario.model import Service


def emitter_of(
    setup: Setup, forms: Sequence[Form] = ("protobuf",), drain_ns: int = DEFAULT_DRAIN_NS
) -> Emitter:
    """The emitter of a run, for these encodings; nothing is emitted after the drain."""
    settings = setup.scenario.telemetry
    return Emitter(
        load_conventions(settings.conventions),
        context_of(setup),
        setup.simulator.forecast,
        settings,
        resources=[_resource(setup, name) for name in _instance_ids(setup.scenario.service)],
        shard=setup.shard,
        forms=forms,
        imperfect=_imperfect(setup, drain_ns),
    )


def context_of(setup: Setup) -> Context:
    """What conventions may know of a run."""
    vocabulary, service = setup.simulator.vocabulary, setup.scenario.service
    return Context(
        service_name=service.name,
        service_version=service.version or "",
        environment=service.environment or "",
        instance_ids=_instance_ids(service),
        flows=vocabulary.flows,
        flow_workflows=np.array(vocabulary.flow_workflows, dtype=np.int64),
        routes=vocabulary.routes,
        providers=setup.catalog.providers,
        start_unix_ns=setup.start_unix_ns,
        incidents=setup.scenario.incidents,
        statuses=setup.simulator.known_statuses,
    )


def _instance_ids(service: Service) -> tuple[str, ...]:
    return tuple(f"{service.name}-{index + 1}" for index in range(service.instances))


def _resource(setup: Setup, instance_id: str) -> dict[str, object]:
    service = setup.scenario.service
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
        "service.instance.id": instance_id,
        **{key: value for key, value in optional.items() if value is not None},
        **service.attributes,
        "simtraffic.synthetic": True,
        "simtraffic.run_id": setup.run_id,
    }


def _imperfect(setup: Setup, drain_ns: int) -> Imperfect | None:
    wanted = setup.scenario.imperfections
    if not wanted.is_wanted:
        return None
    return Imperfect(
        wanted,
        f"{setup.run_id} imperfections",
        setup.scenario.service.instances,
        setup.schedule.duration_ns + drain_ns,
    )
