"""What a scenario consists of. The same models make the JSON Schema.

Durations are integer nanoseconds (``*_ns``), rates requests a second, shares ratios from 0 to 1.
The models check types and ranges; what they say about each other is checked in ``checks``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from simtraffic.documents.tree import Referenced
from simtraffic.scenario.flows import Flow  # noqa: TC001 - pydantic's
from simtraffic.scenario.imperfections import Imperfections
from simtraffic.scenario.incidents import Incident  # noqa: TC001 - pydantic's
from simtraffic.scenario.part import Explained, Part
from simtraffic.scenario.quantities import (
    MAX_INT64,
    NOT_EMPTY,
    DurationNs,
    Errors,
    Name,
    Rate,
    Text,
    named,
    one_of,
    typed,
    whole_from,
    wrong,
)
from simtraffic.scenario.telemetry import Telemetry
from simtraffic.scenario.thresholds import Threshold, parse_threshold

_StandIn = Annotated[
    str, *named("neither a provider nor a model", "write it like anthropic or openai/gpt-4o-mini")
]
_GAMMA = re.compile(r"gamma\(\s*cv\s*=\s*([0-9]{1,6}(?:\.[0-9]{1,9})?)\s*\)")
_ARRIVALS_PATTERN = r"^(?:even|poisson|gamma\(\s*cv\s*=\s*[0-9]+(?:\.[0-9]+)?\s*\))$"
_MAX_CV = 100.0


def _attribute(value: object) -> object:
    """A resource attribute; what the environment fills in stays text when it is quoted."""
    if isinstance(value, Referenced):
        return str(value) if value.quoted else typed(value)
    if isinstance(value, int) and not -MAX_INT64 - 1 <= value <= MAX_INT64:
        raise wrong("number out of range", "put it in quotes")
    if value is None or isinstance(value, dict | tuple):
        raise wrong("not an attribute value", "write text, a number, true or false")
    return value


Attribute = Annotated[
    str | int | float | bool,
    BeforeValidator(_attribute),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]


class Service(Part):
    """The service that seems to send the telemetry; becomes the OTLP resource."""

    name: Annotated[Text, Explained("llm-gateway", "`service.name`")] = "llm-service"
    namespace: Annotated[Text | None, Explained("ai-platform", "`service.namespace`")] = None
    version: Annotated[Text | None, Explained('"2.3.0"', "`service.version`")] = None
    environment: Annotated[Text | None, Explained("staging", "`deployment.environment.name`")] = (
        None
    )
    instances: Annotated[
        int, *whole_from(1, 1000), Explained("3", "how many; each has a resource of its own")
    ] = 1
    attributes: Annotated[
        dict[str, Attribute], Explained("{k8s.cluster.name: demo}", "further resource attributes")
    ] = Field(default_factory=dict)


class Arrivals(Part):
    """How arrivals spread around the rate."""

    kind: Literal["even", "poisson", "gamma"] = "poisson"
    cv: float = 1.0
    """Coefficient of variation of the gaps: 0 for even, 1 for poisson."""


def _arrivals(value: object) -> Arrivals:
    read = one_of(value, "unknown arrivals", "known: even, poisson, gamma(cv=2.5)")
    if read == "even":
        return Arrivals(kind="even", cv=0.0)
    if read == "poisson":
        return Arrivals()
    match = _GAMMA.fullmatch(read)
    if match is None:
        raise wrong("unknown arrivals", "known: even, poisson, gamma(cv=2.5)")
    cv = float(match[1])
    if not 0 < cv <= _MAX_CV:
        raise wrong("cv out of range", f"write more than 0 and at most {_MAX_CV:g}")
    return Arrivals(kind="gamma", cv=cv)


class Stage(Part):
    """A stretch of time with a rate that is held or a straight ramp; exactly one of the two."""

    name: Annotated[
        Name, Explained("warm-up", "of the stage; N counts from 1", default="stage-N")
    ] = ""
    """Default ``stage-N``, counted from 1."""
    duration_ns: Annotated[
        DurationNs,
        Explained("1h30m", "of the stage", hint="add a duration like 30s", stand_in="1s"),
    ] = Field(alias="duration")
    target: Annotated[Rate | None, Explained("50/s")] = None
    """Rate at the end of a straight ramp from the rate before."""
    rate: Annotated[Rate | None, Explained("3000/m")] = None
    """Rate that is held."""


class Load(Part):
    """How many requests arrive, and when."""

    arrivals: Annotated[
        Arrivals,
        BeforeValidator(_arrivals),
        WithJsonSchema(
            {
                "anyOf": [
                    {"enum": ["even", "poisson", "gamma(cv=2.5)"]},
                    {"type": "string", "pattern": _ARRIVALS_PATTERN},
                ]
            }
        ),
        Explained("gamma(cv=2.5)", "how arrivals spread around the rate", default="poisson"),
    ] = Arrivals()
    start: Annotated[Rate, Explained("1/s", default="0/s")] = 0.0
    """Rate at the first instant."""
    stages: Annotated[
        tuple[Stage, ...],
        Explained(
            "[{duration: 30s, target: 50/s}]", "one after the other", hint="add at least one stage"
        ),
    ] = Field(json_schema_extra=NOT_EMPTY)


class Retries(Part):
    """What the service does about a failed attempt."""

    max_attempts: Annotated[
        int, *whole_from(1, 20), Explained("3", "at one provider, the first included")
    ] = 1
    backoff_ns: Annotated[
        DurationNs,
        Explained("250ms", "before the first retry; grows with each further one", default="500ms"),
    ] = Field(default=500_000_000, alias="backoff")
    fallback: Annotated[
        dict[str, _StandIn], Explained("{openai: anthropic, google: openai/gpt-4o-mini}")
    ] = Field(default_factory=dict)
    """Provider to the ``provider`` or ``provider/model`` that stands in for it."""


def _threshold(value: object) -> Threshold:
    if isinstance(value, Threshold):
        return value
    if not isinstance(value, str):
        raise wrong("not a threshold", "write it like error_share < 5%")
    return parse_threshold(str(value))


def _version(value: object) -> int:
    value = typed(value)
    if value != 1 or not isinstance(value, int) or isinstance(value, bool):
        raise wrong("unknown version", "write version: 1")
    return 1


class Scenario(Part):
    """Everything that a run is made from."""

    version: Annotated[
        int,
        BeforeValidator(_version),
        WithJsonSchema({"const": 1}),
        Explained("1", "of the format"),
    ]
    name: Annotated[
        Name, Explained("ramp", "of the run, in results and messages", stand_in="unnamed")
    ]
    description: Annotated[Text, Explained("A ramp to 50 requests a second.", "for people")] = ""
    seed: Annotated[int, *whole_from(0, MAX_INT64), Explained("7", "of everything random")] = 1
    service: Annotated[
        Service,
        Explained(
            "{name: llm-gateway, instances: 3}",
            "the service that seems to send; becomes the OTLP resource",
        ),
    ] = Service()
    load: Annotated[
        Load,
        Explained(
            "{stages: [{duration: 5m, rate: 20/s}]}",
            "how many requests arrive, and when",
            hint="add load with at least one stage",
        ),
    ]
    traffic: Annotated[
        tuple[Flow, ...],
        Explained(
            "[{name: chat, workflow: chat, share: 1, tokens: chat, models: {openai/gpt-4o: 1}}]",
            "the flows",
            hint="add at least one flow",
        ),
    ] = Field(json_schema_extra=NOT_EMPTY)
    errors: Annotated[Errors, Explained("{rate_limit: 1%, overloaded: 0.4%}")] = Field(
        default_factory=dict
    )
    """Share of the attempts at a provider that fail, by kind."""
    retries: Annotated[
        Retries,
        Explained(
            "{max_attempts: 3, backoff: 500ms}", "what the service does about a failed attempt"
        ),
    ] = Retries()
    capacity: Annotated[
        dict[str, Rate], Explained("{openai: 60/s, anthropic/claude-haiku-4.5: 50/s}")
    ] = Field(default_factory=dict)
    """Requests a second that a provider or a ``provider/model`` serves before requests queue."""
    incidents: Annotated[
        tuple[Incident, ...],
        Explained(
            "[{name: brownout, at: 60s, duration: 45s, slowdown: 4}]",
            "what goes wrong, when, for whom",
        ),
    ] = ()
    telemetry: Annotated[
        Telemetry,
        Explained("{conventions: [gen_ai, llm], sampling: 10%}", "how the traffic is told"),
    ] = Telemetry()
    imperfections: Annotated[
        Imperfections,
        Explained(
            "{missing_roots: 1%, clock_skew: 3s}",
            "what the telemetry gets wrong on purpose",
            counts_at_default=False,
        ),
    ] = Imperfections()
    thresholds: Annotated[
        tuple[
            Annotated[Threshold, BeforeValidator(_threshold), WithJsonSchema({"type": "string"})],
            ...,
        ],
        Explained(
            '["delivered == 100%", "p95(duration) < 8s during steady"]',
            "what must hold at the end; see below",
            stand_in=("delivered >= 0%",),
        ),
    ] = ()

    @property
    def digest(self) -> str:
        """SHA-256 over everything the scenario says, the same on every machine.

        The order of keys counts, since it decides which model a draw falls on. Of a convention's
        path only the file name counts.
        """
        said: dict[str, Any] = self.model_dump(mode="json")
        _forget_defaults(self, said)
        telemetry = said["telemetry"]
        telemetry["conventions"] = [os.path.basename(name) for name in telemetry["conventions"]]
        canonical = json.dumps(said, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def _forget_defaults(part: Part, said: dict[str, Any]) -> None:
    """Take out of a dump what came later and says nothing, as if nobody had heard of it."""
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        came_later = any(
            isinstance(one, Explained) and not one.counts_at_default for one in field.metadata
        )
        if came_later and value == field.get_default(call_default_factory=True):
            del said[name]
            continue
        for one, below in _parts(value, said[name]):
            _forget_defaults(one, below)


def _parts(value: object, said: Any) -> Iterator[tuple[Part, Any]]:
    """The parts of a scenario that a value is or holds, each with its dump."""
    if isinstance(value, Part):
        yield value, said
    elif isinstance(value, tuple):
        for one, below in zip(value, said, strict=True):
            yield from _parts(one, below)
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _parts(one, said[key])
