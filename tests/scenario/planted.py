"""A good scenario that uses every section, and every kind of fault to plant into it."""

from __future__ import annotations

from dataclasses import dataclass

BASE = """\
version: 1
name: base
description: Everything that a fault can hide in.
seed: 7
service:
  name: gateway
  version: v2
  instances: 3
  attributes:
    k8s.cluster.name: demo
    team: search
load:
  arrivals: poisson
  start: 1/s
  stages:
    - name: ramp
      duration: 10s
      target: 5/s
    - name: hold
      duration: 20s
      rate: 6/s
    - name: tail
      duration: 30s
      rate: 7/s
traffic:
  - name: chat
    workflow: chat
    share: 70
    streaming: 80%
    tokens:
      input: {p50: 900, p95: 4000}
      output: {p50: 160, p95: 600}
      cached: 30%
      reasoning: 10%
    conversation:
      turns: {mean: 2.5}
      users: 500
    models:
      openai/gpt-4o: 60
      anthropic/haiku:
        weight: 40
        errors: {auth: 1%}
    errors: {timeout: 2%}
  - name: index
    workflow: embeddings
    share: 30
    tokens: embeddings
    models: {openai/embed: 8}
errors:
  rate_limit: 3%
  overloaded: 4%
retries:
  max_attempts: 2
  backoff: 250ms
  fallback:
    openai: anthropic
    google: openai/gpt-4o-mini
capacity:
  openai: 300/s
  anthropic/haiku: 40/s
incidents:
  - name: brownout
    at: 5s
    duration: 11s
    match:
      provider: openai
      instance: 2
    errors:
      server_error: 41%
    slowdown: 4
  - name: slow
    in: hold
    after: 2s
    duration: 12s
    match: {flow: chat}
    slowdown: 3
telemetry:
  conventions: [gen_ai, llm]
  signals: [traces, logs]
  metrics:
    interval: 5s
    temporality: delta
    exemplars: true
  sampling: 50%
imperfections:
  late_spans:
    share: 2.5%
    by: 90s
  missing_roots: 1.5%
  clock_skew: 3s
  oversize_attributes: {share: 3.5%, bytes: 64KiB}
thresholds:
  - delivered == 100%
  - p95(duration) < 8s during hold
  - error_share < 9% during brownout
  - error_share < 7% where provider=openai
"""


@dataclass(frozen=True)
class Plant:
    """One piece of the scenario replaced, and the fault that must be told for it."""

    kind: str
    old: str
    new: str
    path: str
    problem: str

    def into(self, text: str) -> str | None:
        """The text with the fault in it; None where another fault took its place."""
        return text.replace(self.old, self.new) if text.count(self.old) == 1 else None


def planted(one: Plant, other: Plant) -> str | None:
    """The scenario with both faults, in whichever order both find their place."""
    for first, second in ((one, other), (other, one)):
        text = first.into(BASE)
        text = text and second.into(text)
        if text is not None:
            return text
    return None


# Kind, the words replaced, the words put there, path and problem of the fault.
_ROWS = [
    # Values of every sort that cannot be read.
    ("version", "version: 1", "version: 2", "version", "unknown version"),
    ("name", "name: base", "name: my base", "name", "not a name"),
    (
        "description",
        "description: Everything that",
        "description: [that]  #",
        "description",
        "not text",
    ),
    ("seed", "seed: 7", "seed: -7", "seed", "must be from 0"),
    ("service name", "name: gateway", "name: 12", "service.name", "not text"),
    ("service version", "version: v2", "version: 1.10", "service.version", "not text"),
    ("instances", "instances: 3", "instances: 0", "service.instances", "must be from 1"),
    (
        "attribute",
        "team: search",
        "team: [search]",
        "service.attributes.team",
        "not an attribute value",
    ),
    ("arrivals", "arrivals: poisson", "arrivals: poison", "load.arrivals", "unknown arrivals"),
    ("start", "start: 1/s", "start: 1", "load.start", "rate without a unit"),
    ("stage name", "name: tail", "name: the tail", "load.stages[2].name", "not a name"),
    (
        "duration without unit",
        "duration: 20s",
        "duration: 20",
        "load.stages[1].duration",
        "duration without a unit",
    ),
    (
        "duration in words",
        "duration: 30s",
        "duration: 30 seconds",
        "load.stages[2].duration",
        "not a duration",
    ),
    ("target", "target: 5/s", "target: 5", "load.stages[0].target", "rate without a unit"),
    ("rate", "rate: 6/s", "rate: 6", "load.stages[1].rate", "rate without a unit"),
    ("flow name", "name: index", "name: the index", "traffic[1].name", "not a name"),
    ("workflow", "workflow: chat", "workflow: chatt", "traffic[0].workflow", "unknown value"),
    ("share", "share: 70", "share: 70%", "traffic[0].share", "not a number"),
    ("streaming", "streaming: 80%", "streaming: 80", "traffic[0].streaming", "share"),
    ("profile", "tokens: embeddings", "tokens: embedings", "traffic[1].tokens", "unknown profile"),
    (
        "shape of tokens",
        "tokens: embeddings",
        "tokens: 500",
        "traffic[1].tokens",
        "neither a profile nor lengths",
    ),
    ("p50", "p50: 900", "p50: many", "traffic[0].tokens.input.p50", "not a count"),
    ("p95 below p50", "p95: 600", "p95: 60", "traffic[0].tokens.output.p95", "p95 is below p50"),
    ("cached", "cached: 30%", "cached: 130%", "traffic[0].tokens.cached", "share over 100%"),
    ("turns", "mean: 2.5", "mean: 0.5", "traffic[0].conversation.turns.mean", "must be at least 1"),
    ("users", "users: 500", "users: 0", "traffic[0].conversation.users", "must be at least 1"),
    (
        "model",
        "openai/gpt-4o: 60",
        "openai/gpt-4x: 60",
        "traffic[0].models[openai/gpt-4x]",
        "unknown model",
    ),
    (
        "weight",
        "weight: 40",
        "weight: -40",
        "traffic[0].models[anthropic/haiku].weight",
        "must be at least 0",
    ),
    (
        "kind of model",
        "openai/embed: 8",
        "openai/gpt-4o-mini: 8",
        "traffic[1].models[openai/gpt-4o-mini]",
        "chat model",
    ),
    (
        "error kind of a model",
        "auth: 1%",
        "oauth: 1%",
        "traffic[0].models[anthropic/haiku].errors.oauth",
        "unknown kind of error",
    ),
    (
        "error share of a flow",
        "timeout: 2%",
        "timeout: 2",
        "traffic[0].errors.timeout",
        "share out of range",
    ),
    (
        "error kind",
        "rate_limit: 3%",
        "rate_limits: 3%",
        "errors.rate_limits",
        "unknown kind of error",
    ),
    ("error share", "overloaded: 4%", "overloaded: 4/s", "errors.overloaded", "not a share"),
    (
        "max attempts",
        "max_attempts: 2",
        "max_attempts: 21",
        "retries.max_attempts",
        "must be from 1 to 20",
    ),
    ("backoff", "backoff: 250ms", "backoff: 250", "retries.backoff", "duration without a unit"),
    (
        "fallback to itself",
        "openai: anthropic",
        "openai: openai",
        "retries.fallback.openai",
        "a provider falls back to itself",
    ),
    (
        "fallback of an unknown one",
        "google: openai",
        "gogle: openai",
        "retries.fallback.gogle",
        "unknown provider",
    ),
    (
        "fallback to an unknown one",
        "openai: anthropic",
        "openai: antropic",
        "retries.fallback.openai",
        "unknown provider",
    ),
    ("capacity", "openai: 300/s", "openai: 300", "capacity.openai", "rate without a unit"),
    ("capacity of zero", "openai: 300/s", "openai: 0/s", "capacity.openai", "a capacity of zero"),
    (
        "capacity of an unknown one",
        "anthropic/haiku: 40/s",
        "anthropic/hiku: 40/s",
        "capacity[anthropic/hiku]",
        "unknown provider or model",
    ),
    # What goes wrong with incidents.
    ("incident name", "name: brownout", "name: brown out", "incidents[0].name", "not a name"),
    (
        "incident after the end",
        "at: 5s",
        "at: 10h",
        "incidents[0].at",
        "the incident starts after the end",
    ),
    ("at cannot be read", "at: 5s", "at: soon", "incidents[0].at", "not a duration"),
    (
        "incident duration",
        "duration: 11s",
        "duration: 11",
        "incidents[0].duration",
        "duration without a unit",
    ),
    (
        "incident without length",
        "duration: 12s",
        "duration: 0s",
        "incidents[1].duration",
        "the incident takes no time",
    ),
    (
        "unknown provider in match",
        "provider: openai\n",
        "provider: opena\n",
        "incidents[0].match.provider",
        "unknown provider",
    ),
    (
        "unknown instance in match",
        "instance: 2",
        "instance: 9",
        "incidents[0].match.instance",
        "unknown instance",
    ),
    (
        "unknown flow in match",
        "match: {flow: chat}",
        "match: {flow: chats}",
        "incidents[1].match.flow",
        "unknown flow",
    ),
    (
        "unknown key in match",
        "match: {flow: chat}",
        "match: {flow: chat, modle: x}",
        "incidents[1].match.modle",
        "unknown key",
    ),
    (
        "match that meets nothing",
        "match: {flow: chat}",
        "match: {flow: index, provider: google}",
        "incidents[1].match",
        "the incident matches nothing",
    ),
    (
        "unknown error kind in an incident",
        "server_error: 41%",
        "server_eror: 41%",
        "incidents[0].errors.server_eror",
        "unknown kind of error",
    ),
    (
        "error share in an incident",
        "server_error: 41%",
        "server_error: 41",
        "incidents[0].errors.server_error",
        "share out of range",
    ),
    (
        "errors of an incident over 100%",
        "server_error: 41%",
        "{server_error: 99%, auth: 99%}",
        "incidents[0].errors",
        "errors add up to more than 100%",
    ),
    ("slowdown", "slowdown: 4", "slowdown: 0", "incidents[0].slowdown", "must be more than 0"),
    ("incident in an unknown stage", "in: hold", "in: holt", "incidents[1].in", "unknown stage"),
    (
        "incident past its stage",
        "after: 2s",
        "after: 20h",
        "incidents[1].after",
        "past the end of the stage",
    ),
    (
        "after cannot be read",
        "after: 2s",
        "after: 2",
        "incidents[1].after",
        "duration without a unit",
    ),
    (
        "at and in together",
        "in: hold",
        "in: hold\n    at: 3s",
        "incidents[1]",
        "at and in together",
    ),
    (
        "incident that changes nothing",
        "slowdown: 3\n",
        "slowdown: 1\n",
        "incidents[1]",
        "the incident changes nothing",
    ),
    # How it is told.
    (
        "convention",
        "[gen_ai, llm]",
        "[gen_ai, lllm]",
        "telemetry.conventions[1]",
        "unknown convention",
    ),
    (
        "convention file",
        "[gen_ai, llm]",
        "[gen_ai, ./none.yaml]",
        "telemetry.conventions[1]",
        "no such convention file",
    ),
    (
        "convention twice",
        "[gen_ai, llm]",
        "[gen_ai, gen_ai]",
        "telemetry.conventions[1]",
        "listed twice",
    ),
    ("signal", "[traces, logs]", "[traces, log]", "telemetry.signals[1]", "unknown value"),
    (
        "interval",
        "interval: 5s",
        "interval: 5ms",
        "telemetry.metrics.interval",
        "interval too short",
    ),
    (
        "temporality",
        "temporality: delta",
        "temporality: deltas",
        "telemetry.metrics.temporality",
        "unknown value",
    ),
    (
        "flag",
        "exemplars: true",
        "exemplars: yes",
        "telemetry.metrics.exemplars",
        "not true or false",
    ),
    ("sampling", "sampling: 50%", "sampling: 50", "telemetry.sampling", "share out of range"),
    (
        "imperfection",
        "missing_roots: 1.5%",
        "missing_roots: some",
        "imperfections.missing_roots",
        "not a share",
    ),
    ("late by nothing", "by: 90s", "by: 0s", "imperfections.late_spans.by", "no time at all"),
    ("skew", "clock_skew: 3s", "clock_skew: 3000d", "imperfections.clock_skew", "too far off"),
    (
        "bytes",
        "bytes: 64KiB",
        "bytes: 64GiB",
        "imperfections.oversize_attributes.bytes",
        "size out of range",
    ),
    # What must hold.
    ("measure", "delivered == 100%", "deliverd == 100%", "thresholds[0]", "unknown measure"),
    ("limit", "< 8s during hold", "< 8 during hold", "thresholds[1]", "duration without a unit"),
    ("unknown window", "during hold", "during holt", "thresholds[1]", "unknown stage or incident"),
    (
        "unknown condition",
        "where provider=openai",
        "where provider=opena",
        "thresholds[3]",
        "unknown provider",
    ),
    (
        "selects nothing",
        "where provider=openai",
        "where provider=openai,model=anthropic/haiku",
        "thresholds[3]",
        "the threshold selects nothing",
    ),
    # Names, keys and sums.
    ("unknown key", "seed: 7", "sead: 7", "sead", "unknown key"),
    ("unknown key of a section", "start: 1/s", "strat: 1/s", "load.strat", "unknown key"),
    ("missing key", "    share: 30\n", "", "traffic[1].share", "a required key is missing"),
    (
        "missing duration of an incident",
        "    duration: 11s\n",
        "",
        "incidents[0].duration",
        "a required key is missing",
    ),
    (
        "rate and target",
        "target: 5/s",
        "target: 5/s\n      rate: 5/s",
        "load.stages[0].target",
        "target and rate together",
    ),
    (
        "neither rate nor target",
        "      rate: 7/s\n",
        "",
        "load.stages[2]",
        "neither target nor rate",
    ),
    (
        "duplicate name",
        "name: slow",
        "name: brownout",
        "incidents[1].name",
        "duplicate name of incident",
    ),
    (
        "duplicate stage",
        "name: tail",
        "name: ramp",
        "load.stages[2].name",
        "duplicate name of stage",
    ),
    (
        "duplicate key",
        "cached: 30%",
        "cached: 30%\n      cached: 40%",
        "traffic[0].tokens.cached",
        "duplicate key",
    ),
    (
        "mapping for a list",
        "signals: [traces, logs]",
        "signals: {traces: 1}",
        "telemetry.signals",
        "must be a list",
    ),
    (
        "text for a mapping",
        "conversation:\n      turns: {mean: 2.5}\n      users: 500",
        "conversation: some",
        "traffic[0].conversation",
        "must be a mapping",
    ),
    (
        "errors over 100%",
        "overloaded: 4%",
        "overloaded: 99%",
        "errors",
        "errors add up to more than 100%",
    ),
    (
        "errors of a flow over 100%",
        "timeout: 2%",
        "timeout: 97.5%, auth: 9%",
        "traffic[0].errors",
        "errors add up to more than 100%",
    ),
    (
        "errors of a model over 100%",
        "auth: 1%",
        "auth: 96%, content_filter: 6%",
        "traffic[0].models[anthropic/haiku].errors",
        "errors add up to more than 100%",
    ),
    (
        "credential",
        "team: search",
        "api_key: sk-abcdefghijklmnopqrstuvwx",
        "service.attributes.api_key",
        "a credential does not belong",
    ),
    (
        "reserved attribute",
        "team: search",
        "service.name: search",
        "service.attributes[service.name]",
        "attribute is set by simtraffic",
    ),
    (
        "unset variable",
        "name: gateway",
        "name: ${NOBODY}",
        "service.name",
        "environment variable NOBODY is not set",
    ),
    (
        "foreign tag",
        "description: Everything",
        "description: !secret Everything",
        "description",
        "a tag that is not read",
    ),
    (
        "embeddings stream",
        "workflow: embeddings\n",
        "workflow: embeddings\n    streaming: 5%\n",
        "traffic[1].streaming",
        "embeddings do not stream",
    ),
]
PLANTS = [Plant(*row) for row in _ROWS]

UNJUDGED = {
    ("unknown instance in match", "instances"): "nobody knows how many instances were meant",
    ("match that meets nothing", "flow name"): "the flow it names may be the one without a name",
    ("duplicate name", "incident name"): "the other name of the two cannot be read",
    ("errors over 100%", "error kind"): "what an unknown kind adds is not counted",
    ("incident past its stage", "incident in an unknown stage"): "its stage is not known",
}
"""The first of two kinds cannot be judged beside the second, and why."""
