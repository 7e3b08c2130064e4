"""A scenario as the command line and the environment want it changed; pure."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, get_args

from simtraffic.documents.names import hint_for
from simtraffic.documents.tree import printable
from simtraffic.errors import UsageError
from simtraffic.scenario.checks import is_file_name
from simtraffic.scenario.known import convention_names
from simtraffic.scenario.quantities import MAX_INT64
from simtraffic.scenario.telemetry import Signal

if TYPE_CHECKING:
    from simtraffic.scenario.model import Load, Scenario, Service
    from simtraffic.scenario.telemetry import Telemetry

_SERVICE_FIELDS = {
    "service.name": "name",
    "service.namespace": "namespace",
    "service.version": "version",
    "deployment.environment.name": "environment",
}
_OURS = ("service.instance.id", "simtraffic.")


def with_overrides(
    scenario: Scenario,
    *,
    seed: int | None = None,
    scale: float | None = None,
    signals: Sequence[str] | None = None,
    conventions: Sequence[str] | None = None,
    sampling: float | None = None,
    temporality: Literal["cumulative", "delta"] | None = None,
    resource_attributes: Mapping[str, str | int | float | bool] | None = None,
) -> Scenario:
    """The scenario with everything replaced that is not None.

    Args:
        scenario: The one to change; it stays as it is.
        seed: From 0 to 2**63 - 1.
        scale: Factor on all rates of arrival, more than 0. Capacities stay.
        signals: Those to send.
        conventions: Built-in names, or paths from the working directory.
        sampling: Share of traces kept, 0 to 1.
        temporality: Of the metric points.
        resource_attributes: Added to the scenario's, key by key; those that are keys of its
            ``service`` replace these. The instance's id and what starts with ``simtraffic.`` are
            set by simtraffic and left out here.

    Raises:
        UsageError: A value is out of range or unknown.
    """
    changes: dict[str, object] = {}
    if seed is not None:
        if not 0 <= seed <= MAX_INT64:
            raise UsageError(f"--seed: out of range; found {seed}; write 0 to {MAX_INT64}")
        changes["seed"] = seed
    if scale is not None:
        changes["load"] = _scaled(scenario.load, scale)
    changes["service"] = _service(scenario.service, resource_attributes or {})
    telemetry = _telemetry(scenario.telemetry, signals, conventions, sampling)
    if temporality is not None:
        metrics = telemetry.metrics.model_copy(update={"temporality": temporality})
        telemetry = telemetry.model_copy(update={"metrics": metrics})
    changes["telemetry"] = telemetry
    return scenario.model_copy(update=changes)


def _scaled(load: Load, scale: float) -> Load:
    if not (math.isfinite(scale) and scale > 0):
        raise UsageError(f"--scale: out of range; found {scale}; write more than 0, such as 0.1")
    stages = tuple(
        stage.model_copy(
            update={
                "rate": None if stage.rate is None else stage.rate * scale,
                "target": None if stage.target is None else stage.target * scale,
            }
        )
        for stage in load.stages
    )
    return load.model_copy(update={"start": load.start * scale, "stages": stages})


def _service(service: Service, attributes: Mapping[str, str | int | float | bool]) -> Service:
    named = {_SERVICE_FIELDS[k]: str(v) for k, v in attributes.items() if k in _SERVICE_FIELDS}
    other = {
        key: value
        for key, value in attributes.items()
        if key not in _SERVICE_FIELDS and not key.startswith(_OURS)
    }
    return service.model_copy(update={**named, "attributes": {**service.attributes, **other}})


def _telemetry(
    telemetry: Telemetry,
    signals: Sequence[str] | None,
    conventions: Sequence[str] | None,
    sampling: float | None,
) -> Telemetry:
    changes: dict[str, object] = {}
    if signals is not None:
        changes["signals"] = _listed("--signals", signals, get_args(Signal))
    if conventions is not None:
        asked = tuple(_absolute(n) if is_file_name(n) else n for n in conventions)
        known = (*convention_names(), *(name for name in asked if is_file_name(name)))
        changes["conventions"] = _listed("--convention", asked, known)
    if sampling is not None:
        if not 0 <= sampling <= 1:
            raise UsageError(f"sampling: out of range; found {sampling}; write 0 to 1")
        changes["sampling"] = sampling
    return telemetry.model_copy(update=changes)


def _absolute(path: str) -> str:
    try:
        return os.path.abspath(path)
    except OSError as error:
        raise UsageError(
            f"--convention: the working directory is no more; found {path!r}; write the whole path"
        ) from error


def _listed(option: str, names: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    if not names:
        raise UsageError(f"{option}: nothing given; known: {', '.join(known)}")
    for name in names:
        if name not in known:
            said = f"{option}: unknown name; found {printable(name)}"
            raise UsageError(f"{said}; {hint_for(name, known)}")
    return tuple(dict.fromkeys(names))
