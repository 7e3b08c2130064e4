"""What a scenario consists of. The same models make the JSON Schema.

Durations are integer nanoseconds (``*_ns``), rates requests a second, shares ratios from 0 to 1.
The models check types and ranges; what they say about each other is checked in ``checks``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, JsonValue, Tag, WithJsonSchema

from simtraffic import failures
from simtraffic.documents.names import hint_for
from simtraffic.documents.tree import Referenced
from simtraffic.scenario.imperfections import Imperfections
from simtraffic.scenario.part import Part
from simtraffic.scenario.quantities import (
    MAX_INT64,
    DurationNs,
    Factor,
    Flag,
    Name,
    Rate,
    Share,
    Text,
    TokenCount,
    Weight,
    count,
    named,
    number,
    one_of,
    typed,
    whole_from,
    wrong,
)
from simtraffic.scenario.thresholds import Threshold, parse_threshold
from simtraffic.workflows import WorkflowName

ERROR_KINDS = failures.KINDS
"""Ways in which an attempt at a provider can fail."""


def _error_kind(value: object) -> str:
    name = str(value)
    if name not in ERROR_KINDS:
        raise wrong("unknown kind of error", hint_for(name, ERROR_KINDS))
    return name


ErrorKind = Annotated[
    str, BeforeValidator(_error_kind), WithJsonSchema({"enum": list(ERROR_KINDS)})
]
Workflow = WorkflowName
Signal = Literal["traces", "metrics", "logs"]
Errors = dict[ErrorKind, Share]

_Provider = Annotated[str, *named("not a provider", "write a name, such as openai")]
_Model = Annotated[str, *named("not a model", "write it like openai/gpt-4o-mini")]
_StandIn = Annotated[
    str, *named("neither a provider nor a model", "write it like anthropic or openai/gpt-4o-mini")
]
_Convention = Annotated[
    str, *named("not a convention", "write a name, such as gen_ai, or the path of a file")
]

UNPLACED = -1
"""``Incident.at_ns`` before ``in`` and ``after`` are resolved; never in a finished scenario."""

_GAMMA = re.compile(r"gamma\(\s*cv\s*=\s*([0-9]{1,6}(?:\.[0-9]{1,9})?)\s*\)")
_ARRIVALS_PATTERN = r"^(?:even|poisson|gamma\(\s*cv\s*=\s*[0-9]+(?:\.[0-9]+)?\s*\))$"
_MAX_CV = 100.0

# Only for the schema: pydantic counts an item that is wrong as missing.
_NOT_EMPTY: dict[str, JsonValue] = {"minItems": 1}


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

    name: Text = "llm-service"
    namespace: Text | None = None
    version: Text | None = None
    environment: Text | None = None
    instances: Annotated[int, *whole_from(1, 1000)] = 1
    attributes: dict[str, Attribute] = Field(default_factory=dict)


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

    name: Name = ""
    """Default ``stage-N``, counted from 1."""
    duration_ns: DurationNs = Field(alias="duration")
    target: Rate | None = None
    """Rate at the end of a straight ramp from the rate before."""
    rate: Rate | None = None
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
    ] = Arrivals()
    start: Rate = 0.0
    """Rate at the first instant."""
    stages: tuple[Stage, ...] = Field(json_schema_extra=_NOT_EMPTY)


class Quantiles(Part):
    """Median and 95th percentile of a number of tokens."""

    p50: TokenCount
    p95: TokenCount


class TokenSpec(Part):
    """How long prompts and answers are."""

    input: Quantiles
    output: Quantiles | None = None
    """None for embeddings."""
    cached: Share | None = None
    """Share of the input tokens that the provider had cached."""
    reasoning: Share | None = None
    """Share of the output tokens."""


def _tokens_kind(value: object) -> str:
    return "<spec>" if isinstance(value, dict | TokenSpec) else "<profile>"


_LENGTHS = "name one, such as conversation, or write {input: {p50: 900, p95: 4k}, output: {...}}"
_Profile = Annotated[str, *named("neither a profile nor lengths", _LENGTHS)]


class Turns(Part):
    """How many requests a conversation has."""

    mean: Annotated[
        float,
        BeforeValidator(lambda value: number(value, least=1.0)),
        WithJsonSchema({"type": "number", "minimum": 1}),
    ]


def _users(value: object) -> int:
    users = count(value)
    if users < 1:
        raise wrong("must be at least 1")
    return users


class Conversation(Part):
    """Requests of a flow belong to conversations of users."""

    turns: Turns
    users: Annotated[
        int,
        BeforeValidator(_users),
        WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]}),
    ] = 1000


class ModelShare(Part):
    """How often a flow chooses a model."""

    weight: Weight
    errors: Errors = Field(default_factory=dict)


def _model_share(value: object) -> object:
    if isinstance(value, dict | ModelShare):
        return value
    return ModelShare(weight=number(value))


class Flow(Part):
    """One kind of traffic."""

    name: Name
    workflow: Workflow
    share: Weight
    """Relative to the other flows."""
    streaming: Share = 0.0
    tokens: Annotated[
        Annotated[_Profile, Tag("<profile>")] | Annotated[TokenSpec, Tag("<spec>")],
        Discriminator(_tokens_kind),
    ]
    conversation: Conversation | None = None
    models: dict[
        str,
        Annotated[
            ModelShare,
            BeforeValidator(_model_share, json_schema_input_type=float | ModelShare),
        ],
    ] = Field(json_schema_extra={"minProperties": 1})
    """By ``provider/model``; weights are relative."""
    errors: Errors = Field(default_factory=dict)
    """Replace the scenario's, kind by kind."""


class Retries(Part):
    """What the service does about a failed attempt."""

    max_attempts: Annotated[int, *whole_from(1, 20)] = 1
    backoff_ns: DurationNs = Field(default=500_000_000, alias="backoff")
    fallback: dict[str, _StandIn] = Field(default_factory=dict)
    """Provider to the ``provider`` or ``provider/model`` that stands in for it."""


class Match(Part):
    """Whom an incident hits; everyone when nothing is given."""

    provider: _Provider | None = None
    model: _Model | None = None
    """As under ``models``: ``provider/model``."""
    flow: Text | None = None
    instance: Annotated[int, *whole_from(1, 1000)] | None = None
    """Counted from 1."""


class Incident(Part):
    """Something that goes wrong for a while."""

    name: Name
    at_ns: DurationNs = Field(default=UNPLACED, alias="at")
    """Start, from the start of the run; what ``in`` and ``after`` say is resolved into it."""
    in_stage: Text | None = Field(default=None, alias="in")
    after_ns: DurationNs = Field(default=0, alias="after")
    duration_ns: DurationNs = Field(alias="duration")
    match: Match = Match()
    errors: Errors = Field(default_factory=dict)
    """Added to the shares in force."""
    slowdown: Factor = 1.0
    """Factor on the provider's time."""


class MetricsSettings(Part):
    """How metrics are collected."""

    interval_ns: DurationNs = Field(default=10_000_000_000, alias="interval")
    temporality: Literal["cumulative", "delta"] = "cumulative"
    histograms: Literal["explicit"] = "explicit"
    exemplars: Flag = True


class Telemetry(Part):
    """How the traffic is told."""

    conventions: tuple[_Convention, ...] = Field(default=("gen_ai",), json_schema_extra=_NOT_EMPTY)
    """Built-in names, or paths, which are absolute here; the first gives name, kind and status."""
    signals: tuple[Signal, ...] = Field(
        default=("traces", "metrics", "logs"), json_schema_extra=_NOT_EMPTY
    )
    metrics: MetricsSettings = MetricsSettings()
    content: Literal["none"] = "none"
    sampling: Share = 1.0
    """Share of traces kept."""


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

    version: Annotated[int, BeforeValidator(_version), WithJsonSchema({"const": 1})]
    name: Name
    description: Text = ""
    seed: Annotated[int, *whole_from(0, MAX_INT64)] = 1
    service: Service = Service()
    load: Load
    traffic: tuple[Flow, ...] = Field(json_schema_extra=_NOT_EMPTY)
    errors: Errors = Field(default_factory=dict)
    """Share of the attempts at a provider that fail, by kind."""
    retries: Retries = Retries()
    capacity: dict[str, Rate] = Field(default_factory=dict)
    """Requests a second that a provider or a ``provider/model`` serves before requests queue."""
    incidents: tuple[Incident, ...] = ()
    telemetry: Telemetry = Telemetry()
    imperfections: Imperfections = Imperfections()
    thresholds: tuple[
        Annotated[Threshold, BeforeValidator(_threshold), WithJsonSchema({"type": "string"})], ...
    ] = ()

    @property
    def digest(self) -> str:
        """SHA-256 over everything the scenario says, the same on every machine.

        The order of keys counts, since it decides which model a draw falls on. Of a convention's
        path only the file name counts.
        """
        said: dict[str, Any] = self.model_dump(mode="json")
        if not self.imperfections.is_wanted:
            # As the runs of scenarios that never heard of them.
            del said["imperfections"]
        telemetry = said["telemetry"]
        telemetry["conventions"] = [os.path.basename(name) for name in telemetry["conventions"]]
        canonical = json.dumps(said, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()
