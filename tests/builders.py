"""Scenarios for tests, as plain namespaces with the attributes that the stages read."""

from __future__ import annotations

from types import SimpleNamespace as Space
from typing import Any

from simtraffic.catalog import load_catalog
from simtraffic.schedule import Schedule
from simtraffic.simulation import Simulator

SECOND = 1_000_000_000


def stage(
    seconds: float, *, rate: float | None = None, target: float | None = None, name: str = "stage-1"
) -> Any:
    return Space(name=name, duration_ns=int(seconds * SECOND), target=target, rate=rate)


def load(*stages: Any, start: float = 0.0, kind: str = "poisson", cv: float = 1.0) -> Any:
    return Space(arrivals=Space(kind=kind, cv=cv), start=start, stages=stages)


def flow(
    name: str = "chat",
    *,
    workflow: str = "chat",
    share: float = 1.0,
    streaming: float = 0.5,
    tokens: Any = "chat",
    conversation: Any = None,
    models: dict[str, Any] | None = None,
    errors: dict[str, float] | None = None,
) -> Any:
    chosen = models or {"openai/gpt-4o-mini": 1.0}
    weighted = {
        key: Space(weight=value, errors={}) if isinstance(value, int | float) else value
        for key, value in chosen.items()
    }
    return Space(
        name=name,
        workflow=workflow,
        share=share,
        streaming=streaming,
        tokens=tokens,
        conversation=conversation,
        models=weighted,
        errors=errors or {},
    )


def weighted(weight: float, **errors: float) -> Any:
    return Space(weight=weight, errors=errors)


def tokens(
    prompt: tuple[int, int],
    output: tuple[int, int] | None = None,
    cached: float | None = None,
    reasoning: float | None = None,
) -> Any:
    bounds = None if output is None else Space(p50=output[0], p95=output[1])
    return Space(
        input=Space(p50=prompt[0], p95=prompt[1]), output=bounds, cached=cached, reasoning=reasoning
    )


def conversation(mean: float, users: int = 1000) -> Any:
    return Space(turns=Space(mean=mean), users=users)


def incident(
    name: str = "incident",
    *,
    at: float,
    seconds: float,
    errors: dict[str, float] | None = None,
    slowdown: float = 1.0,
    **match: Any,
) -> Any:
    matched = {"provider": None, "model": None, "flow": None, "instance": None, **match}
    return Space(
        name=name,
        at_ns=int(at * SECOND),
        duration_ns=int(seconds * SECOND),
        match=Space(**matched),
        errors=errors or {},
        slowdown=slowdown,
    )


def scenario(
    *flows: Any,
    load: Any = None,
    seed: int = 7,
    errors: dict[str, float] | None = None,
    max_attempts: int = 1,
    backoff_ns: int = 500_000_000,
    fallback: dict[str, str] | None = None,
    capacity: dict[str, float] | None = None,
    incidents: tuple[Any, ...] = (),
    instances: int = 1,
    sampling: float = 1.0,
) -> Any:
    return Space(
        name="test",
        seed=seed,
        load=load or globals()["load"](stage(200, rate=100.0)),
        traffic=flows or (flow(),),
        errors=errors or {},
        retries=Space(max_attempts=max_attempts, backoff_ns=backoff_ns, fallback=fallback or {}),
        capacity=capacity or {},
        incidents=incidents,
        service=Space(instances=instances),
        telemetry=Space(sampling=sampling),
    )


def simulator(asked: Any, run_id: str = "run") -> Simulator:
    return Simulator(asked, Schedule.of(asked), load_catalog(), run_id=run_id)
