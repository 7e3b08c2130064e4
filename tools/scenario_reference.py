"""Every key of the scenario file as tables, from the JSON Schema and the nouns behind it."""

from __future__ import annotations

from typing import Any, NamedTuple

from simtraffic import units
from simtraffic.scenario import model
from simtraffic.scenario.schema import json_schema

Node = dict[str, Any]

EXAMPLES = {
    "extends": "steady.yaml",
    "version": "1",
    "name": "ramp",
    "description": "A ramp to 50 requests a second.",
    "seed": "7",
    "service": "{name: llm-gateway, instances: 3}",
    "service.name": "llm-gateway",
    "service.namespace": "ai-platform",
    "service.version": '"2.3.0"',
    "service.environment": "staging",
    "service.instances": "3",
    "service.attributes": "{k8s.cluster.name: demo}",
    "load": "{stages: [{duration: 5m, rate: 20/s}]}",
    "load.arrivals": "gamma(cv=2.5)",
    "load.start": "1/s",
    "load.stages": "[{duration: 30s, target: 50/s}]",
    "load.stages[].name": "warm-up",
    "load.stages[].duration": "1h30m",
    "load.stages[].target": "50/s",
    "load.stages[].rate": "3000/m",
    "traffic": "[{name: chat, workflow: chat, share: 1, tokens: chat, models: {openai/gpt-4o: 1}}]",
    "traffic[].name": "support-chat",
    "traffic[].workflow": "chat",
    "traffic[].share": "70",
    "traffic[].streaming": "80%",
    "traffic[].tokens": "conversation",
    "traffic[].tokens.input": "{p50: 900, p95: 4k}",
    "traffic[].tokens.input.p50": "900",
    "traffic[].tokens.input.p95": "4k",
    "traffic[].tokens.output": "{p50: 160, p95: 600}",
    "traffic[].tokens.output.p50": "160",
    "traffic[].tokens.output.p95": "600",
    "traffic[].tokens.cached": "30%",
    "traffic[].tokens.reasoning": "0.5",
    "traffic[].conversation": "{turns: {mean: 2.4}, users: 500}",
    "traffic[].conversation.turns": "{mean: 2.4}",
    "traffic[].conversation.turns.mean": "2.4",
    "traffic[].conversation.users": "500",
    "traffic[].models": "{openai/gpt-4o-mini: 3, anthropic/claude-haiku-4.5: 1}",
    "traffic[].models.*.weight": "3",
    "traffic[].models.*.errors": "{rate_limit: 5%}",
    "traffic[].errors": "{timeout: 0.2%}",
    "errors": "{rate_limit: 1%, overloaded: 0.4%}",
    "retries": "{max_attempts: 3, backoff: 500ms}",
    "retries.max_attempts": "3",
    "retries.backoff": "250ms",
    "retries.fallback": "{openai: anthropic, google: openai/gpt-4o-mini}",
    "capacity": "{openai: 60/s, anthropic/claude-haiku-4.5: 50/s}",
    "incidents": "[{name: brownout, at: 60s, duration: 45s, slowdown: 4}]",
    "incidents[].name": "openai-brownout",
    "incidents[].at": "60s",
    "incidents[].in": "steady",
    "incidents[].after": "30s",
    "incidents[].duration": "45s",
    "incidents[].match": "{provider: openai}",
    "incidents[].match.provider": "openai",
    "incidents[].match.model": "openai/gpt-4o-mini",
    "incidents[].match.flow": "support-chat",
    "incidents[].match.instance": "1",
    "incidents[].errors": "{overloaded: 40%}",
    "incidents[].slowdown": "4",
    "telemetry": "{conventions: [gen_ai, llm], sampling: 10%}",
    "telemetry.conventions": "[gen_ai, ./my_service.yaml]",
    "telemetry.signals": "[traces, metrics]",
    "telemetry.metrics": "{interval: 5s}",
    "telemetry.metrics.interval": "5s",
    "telemetry.metrics.temporality": "delta",
    "telemetry.metrics.histograms": "explicit",
    "telemetry.metrics.exemplars": "false",
    "telemetry.content": "none",
    "telemetry.sampling": "10%",
    "imperfections": "{missing_roots: 1%, clock_skew: 3s}",
    "imperfections.late_spans": "{share: 2%, by: 90s}",
    "imperfections.late_spans.share": "2%",
    "imperfections.late_spans.by": "90s",
    "imperfections.missing_roots": "1%",
    "imperfections.duplicate_ids": "0.5%",
    "imperfections.clock_skew": "3s",
    "imperfections.oversize_attributes": "{share: 1%, bytes: 64KB}",
    "imperfections.oversize_attributes.share": "1%",
    "imperfections.oversize_attributes.bytes": "64KB",
    "imperfections.out_of_order_points": "1%",
    "imperfections.missing_points": "2%",
    "imperfections.counter_resets": "5m",
    "thresholds": '["delivered == 100%", "p95(duration) < 8s during steady"]',
}

_MEANING = {
    "version": "of the format",
    "name": "of the run, in results and messages",
    "description": "for people",
    "seed": "of everything random",
    "service": "the service that seems to send; becomes the OTLP resource",
    "service.name": "`service.name`",
    "service.namespace": "`service.namespace`",
    "service.version": "`service.version`",
    "service.environment": "`deployment.environment.name`",
    "service.instances": "how many; each has a resource of its own",
    "service.attributes": "further resource attributes",
    "load": "how many requests arrive, and when",
    "load.arrivals": "how arrivals spread around the rate",
    "load.stages": "one after the other",
    "load.stages[].name": "of the stage; N counts from 1",
    "load.stages[].duration": "of the stage",
    "traffic": "the flows",
    "traffic[].name": "of the flow",
    "traffic[].workflow": "what a request asks for",
    "traffic[].streaming": "share of the requests whose answer is streamed",
    "traffic[].tokens": "profile of the catalogue, or lengths of your own",
    "traffic[].tokens.input": "length of prompts",
    "traffic[].tokens.output": "length of answers; not for embeddings",
    "traffic[].tokens.input.p50": "median",
    "traffic[].tokens.input.p95": "95th percentile, at least the median",
    "traffic[].tokens.output.p50": "median",
    "traffic[].tokens.output.p95": "95th percentile, at least the median",
    "traffic[].conversation": "puts the flow's requests into conversations",
    "traffic[].conversation.turns": "requests in a conversation",
    "traffic[].conversation.turns.mean": "their mean",
    "traffic[].conversation.users": "how many users talk",
    "traffic[].models.*.weight": "in place of a plain number",
    "traffic[].models.*.errors": "replace the flow's, kind by kind",
    "retries": "what the service does about a failed attempt",
    "retries.max_attempts": "at one provider, the first included",
    "retries.backoff": "before the first retry; grows with each further one",
    "incidents": "what goes wrong, when, for whom",
    "incidents[].name": "of the incident",
    "incidents[].at": "start, from the start of the run",
    "incidents[].match.model": "calls to this model",
    "incidents[].match.instance": "requests of this instance, counted from 1",
    "incidents[].in": "stage that it happens in; in place of `at`",
    "incidents[].after": "from the start of the stage named by `in`",
    "incidents[].duration": "of the incident",
    "incidents[].match": "whom it hits; all of them when left out",
    "incidents[].match.provider": "calls to this provider",
    "incidents[].match.flow": "requests of this flow",
    "telemetry": "how the traffic is told",
    "telemetry.conventions": "built-in names, or paths relative to this file; the first leads",
    "telemetry.signals": "what is sent",
    "telemetry.metrics": "how metrics are collected",
    "telemetry.metrics.interval": "between collections; at least 100ms",
    "telemetry.metrics.temporality": "of counters and histograms",
    "telemetry.metrics.histograms": "kind of buckets",
    "telemetry.metrics.exemplars": "whether histograms point at spans",
    "telemetry.content": "bodies of messages; there are none yet",
    "imperfections": "what the telemetry gets wrong on purpose",
    "imperfections.late_spans": "spans, with their log records, that are told late",
    "imperfections.late_spans.share": "of the spans",
    "imperfections.late_spans.by": "after their end; not after the drain",
    "imperfections.missing_roots": "share of the roots that are never told",
    "imperfections.duplicate_ids": "share of the spans that are told twice",
    "imperfections.clock_skew": "how far an instance's clock may be off, both ways",
    "imperfections.oversize_attributes": "spans with an attribute `simtraffic.filler`",
    "imperfections.oversize_attributes.share": "of the spans",
    "imperfections.oversize_attributes.bytes": "length of that attribute",
    "imperfections.out_of_order_points": "share of collections told after the next one",
    "imperfections.missing_points": "share of collections never told",
    "imperfections.counter_resets": "how often each instance's counters begin anew; never at 0s",
    "thresholds": "what must hold at the end; see below",
}
_DEFAULTS = {
    "retries.backoff": "500ms",
    "load.start": "0/s",
    "load.arrivals": "poisson",
    "traffic[].streaming": "0%",
    "incidents[].after": "0s",
    "incidents[].slowdown": "1",
    "telemetry.metrics.interval": "10s",
    "telemetry.metrics.exemplars": "true",
    "telemetry.conventions": "[gen_ai]",
    "telemetry.signals": "[traces, metrics, logs]",
    "telemetry.sampling": "100%",
    "imperfections.clock_skew": "0s",
    "imperfections.counter_resets": "0s",
    "load.stages[].name": "stage-N",
    "traffic[].conversation.users": "1000",
}
_PATTERNS = {
    units.DURATION_PATTERN: "duration",
    units.RATE_PATTERN: "rate",
    units.SHARE_PATTERN: "share",
    units.COUNT_PATTERN: "count",
    units.SIZE_PATTERN: "size",
    r"/|\.ya?ml$": "path",
}
_MOST_WORDS = 4


class Key(NamedTuple):
    """A key of the scenario file."""

    path: str
    node: Node
    is_required: bool


def every_key() -> list[Key]:
    """Every key that the schema knows, in its order."""
    schema = json_schema()
    parts = schema["$defs"]
    found: list[Key] = []
    required = schema["else"]["required"]
    inner = schema["else"]["properties"]["load"]["required"]
    _walk(schema, "", parts, found, [*required, *(f"load.{key}" for key in inner)])
    return found


def _walk(noun: Node, path: str, parts: Node, found: list[Key], extra: list[str]) -> None:
    for name, node in noun["properties"].items():
        here = f"{path}.{name}" if path else name
        found.append(Key(here, node, name in noun.get("required", []) or here in extra))
        for place, below in _below(node, here, parts):
            _walk(below, place, parts, found, extra)


def _below(node: Node, path: str, parts: Node) -> list[tuple[str, Node]]:
    """The nouns that a value holds, and where."""
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return [] if name == "Reference" else [(path, parts[name])]
    nouns = [place for choice in node.get("anyOf", []) for place in _below(choice, path, parts)]
    if "items" in node:
        nouns += _below(node["items"], f"{path}[]", parts)
    if isinstance(node.get("additionalProperties"), dict):
        nouns += _below(node["additionalProperties"], f"{path}.*", parts)
    return nouns


def markdown() -> str:
    """One table for each level of the file."""
    made: list[str] = []
    level = None
    known = every_key()
    order = {group: at for at, group in enumerate(dict.fromkeys(_group(k.path) for k in known))}
    for key in sorted(known, key=lambda key: order[_group(key.path)]):
        group = _group(key.path)
        if group != level:
            level = group
            title = f"### `{group}`" if group else "### Top level"
            made += ["", title, "", "| key | type | default | example | |"]
            made += ["| --- | --- | --- | --- | --- |"]
        made.append(_row(key))
    return "\n".join(made).strip("\n") + "\n"


def _group(path: str) -> str:
    return path.rpartition(".")[0]


def default_of(key: Key) -> str:
    """The default as YAML; nothing where there is none."""
    return str(_DEFAULTS.get(key.path, key.node.get("default", "")))


def _row(key: Key) -> str:
    default = default_of(key)
    said = "required" if key.is_required else f"`{default}`" if default != "" else "–"
    about = _MEANING.get(key.path) or _small(key.node.get("description", ""))
    name = key.path.rpartition(".")[2]
    example = EXAMPLES[key.path].replace("|", "\\|")
    return f"| `{name}` | {type_of(key.node)} | {said} | `{example}` | {about.rstrip('.')} |"


def _small(sentence: str) -> str:
    """A sentence as a phrase."""
    return sentence[:1].lower() + sentence[1:]


def type_of(node: Node) -> str:
    """The type of a value in a word or two."""
    if "$ref" in node:
        return "" if node["$ref"].endswith("/Reference") else "mapping"
    if "anyOf" in node:
        words = [type_of(choice) for choice in node["anyOf"]]
        return " or ".join(dict.fromkeys(word for word in words if word))
    if "const" in node:
        return f"`{node['const']}`"
    makers = {
        "array": _list,
        "object": _mapping,
        "integer": _number,
        "number": _number,
    }
    kind = node.get("type")
    if isinstance(kind, list):
        return "text, number or truth value"
    return "true or false" if kind == "boolean" else makers.get(str(kind), _words)(node)


def _words(node: Node) -> str:
    if "enum" not in node:
        return _PATTERNS.get(node.get("pattern", ""), "text")
    names = [str(name) for name in node["enum"]]
    few = len(names) <= _MOST_WORDS
    return ", ".join(f"`{name}`" for name in names) if few else "name from the catalogue"


def _list(node: Node) -> str:
    inner = type_of(node["items"])
    return "list of mappings" if inner == "mapping" else f"list of {inner}"


def _mapping(node: Node) -> str:
    names = node.get("propertyNames", {}).get("enum", [])
    of = "error kind" if list(names) == list(model.ERROR_KINDS) else "name"
    return f"mapping of {of} to {type_of(node['additionalProperties'])}"


def _number(node: Node) -> str:
    low, high = node.get("minimum"), node.get("maximum")
    if high is not None and high < 10**6:
        return f"{low} to {high}"
    word = "whole number" if node["type"] == "integer" else "number"
    return f"{word} from {low}" if low is not None else word
