"""Scenarios for tests: real ones, so that a new key is there and has its default.

What is given is not validated: tests ask for more, and for less, than a file may say.
"""

from __future__ import annotations

from typing import Any

from simtraffic.catalog import load_catalog
from simtraffic.scenario import (
    Arrivals,
    Conversation,
    Flow,
    Incident,
    Load,
    Match,
    ModelShare,
    Quantiles,
    Retries,
    Scenario,
    Service,
    Stage,
    Telemetry,
    TokenSpec,
    Turns,
)
from simtraffic.schedule import Schedule
from simtraffic.simulation import Simulator

SECOND = 1_000_000_000


def stage(
    seconds: float, *, rate: float | None = None, target: float | None = None, name: str = "stage-1"
) -> Stage:
    return Stage.model_construct(
        name=name, duration_ns=int(seconds * SECOND), target=target, rate=rate
    )


def load(*stages: Stage, start: float = 0.0, kind: str = "poisson", cv: float = 1.0) -> Load:
    arrivals = Arrivals.model_construct(kind=kind, cv=cv)
    return Load.model_construct(arrivals=arrivals, start=start, stages=stages)


def flow(
    name: str = "chat",
    *,
    workflow: str = "chat",
    share: float = 1.0,
    streaming: float = 0.5,
    tokens: str | TokenSpec = "chat",
    conversation: Conversation | None = None,
    models: dict[str, Any] | None = None,
    errors: dict[str, float] | None = None,
) -> Flow:
    chosen = models or {"openai/gpt-4o-mini": 1.0}
    return Flow.model_construct(
        name=name,
        workflow=workflow,
        share=share,
        streaming=streaming,
        tokens=tokens,
        conversation=conversation,
        models={
            key: value if isinstance(value, ModelShare) else weighted(value)
            for key, value in chosen.items()
        },
        errors=errors or {},
    )


def weighted(weight: float, **errors: float) -> ModelShare:
    return ModelShare.model_construct(weight=weight, errors=errors)


def tokens(
    prompt: tuple[int, int],
    output: tuple[int, int] | None = None,
    cached: float | None = None,
    reasoning: float | None = None,
) -> TokenSpec:
    return TokenSpec.model_construct(
        input=_quantiles(prompt),
        output=None if output is None else _quantiles(output),
        cached=cached,
        reasoning=reasoning,
    )


def _quantiles(bounds: tuple[int, int]) -> Quantiles:
    return Quantiles.model_construct(p50=bounds[0], p95=bounds[1])


def conversation(mean: float, users: int = 1000) -> Conversation:
    return Conversation.model_construct(turns=Turns.model_construct(mean=mean), users=users)


def incident(
    name: str = "incident",
    *,
    at: float,
    seconds: float,
    errors: dict[str, float] | None = None,
    slowdown: float = 1.0,
    **match: Any,
) -> Incident:
    return Incident.model_construct(
        name=name,
        at_ns=int(at * SECOND),
        duration_ns=int(seconds * SECOND),
        match=Match.model_construct(**match),
        errors=errors or {},
        slowdown=slowdown,
    )


def scenario(
    *flows: Flow,
    load: Load | None = None,
    seed: int = 7,
    errors: dict[str, float] | None = None,
    max_attempts: int = 1,
    backoff_ns: int = 500_000_000,
    fallback: dict[str, str] | None = None,
    capacity: dict[str, float] | None = None,
    incidents: tuple[Incident, ...] = (),
    instances: int = 1,
    sampling: float = 1.0,
) -> Scenario:
    return Scenario.model_construct(
        version=1,
        name="test",
        seed=seed,
        load=load or _HELD,
        traffic=flows or (flow(),),
        errors=errors or {},
        retries=Retries.model_construct(
            max_attempts=max_attempts, backoff_ns=backoff_ns, fallback=fallback or {}
        ),
        capacity=capacity or {},
        incidents=incidents,
        service=Service.model_construct(instances=instances),
        telemetry=Telemetry.model_construct(sampling=sampling),
    )


_HELD = load(stage(200, rate=100.0))


def simulator(asked: Scenario, run_id: str = "run") -> Simulator:
    return Simulator(asked, Schedule.of(asked), load_catalog(), run_id=run_id)
