"""Every key of the result file: what it holds and means, as a table, and as a JSON Schema.

Keys are paths, with ``[]`` for the items of a list and ``*`` for names that a run brings along.
People read the same words in the page on results and at the heads of the tables.
"""

from __future__ import annotations

from typing import Any

from simtraffic.result.result import RESULT_VERSION
from simtraffic.signals import SIGNALS
from simtraffic.token_kinds import TOKEN_KINDS

_SECONDS = "number or null"
_KEYS = {
    "simtraffic": ("text", "version of the program that wrote the file"),
    "result_version": ("count", "raised when a key goes or means something else"),
    "run_id": ("text", "a function of scenario, seed and start; all ids follow from it"),
    "scenario": ("text", "name of the scenario"),
    "seed": ("whole number", "of the scenario, or as `--seed` had it"),
    "shard": ("text", "the part that was played, such as `2/8`; `1/1` is the whole"),
    "start": ("time", "when the run began, in simulated time"),
    "end": ("time", "when its last span or its last stage ended, in simulated time"),
    "speed": ("text or number", "`real`, `max`, or simulated seconds to a second"),
    "endpoint": ("text or null", "where the telemetry went; null for a file alone"),
    "verdict": ("text", "`passed`, `failed` or `interrupted`"),
    "exit_code": ("count", "of this run: 0, 4, 5 or 130"),
    "schedule": ("object", "requests: planned = generated + skipped"),
    "schedule.planned": ("count", "requests that the schedule asked for"),
    "schedule.generated": ("count", "requests that were simulated"),
    "schedule.skipped": (
        "count",
        "requests that never took place: the run ended, could not keep up, or they would have"
        " outlasted the drain",
    ),
    "schedule.lateness_seconds": (
        "object",
        "between the end of the tick in which records were due and their hand-over; 0 at full"
        " speed",
    ),
    "schedule.lateness_seconds.p50": (_SECONDS, "the median; null when nothing was handed over"),
    "schedule.lateness_seconds.p99": (_SECONDS, "the 99th percentile"),
    "schedule.lateness_seconds.max": (_SECONDS, "the largest"),
    "signals": (
        "object",
        "telemetry, by signal: generated = accepted + rejected + failed + dropped",
    ),
    "signals.*.unit": ("text", "what is counted: `spans`, `data_points` or `log_records`"),
    "signals.*.generated": ("count", "made and handed over"),
    "signals.*.accepted": ("count", "acknowledged by the receiver, or written to the file"),
    "signals.*.rejected": ("count", "refused for good by the receiver"),
    "signals.*.failed": ("count", "not delivered after every try"),
    "signals.*.dropped": ("count", "given up by the generator before it was ever sent"),
    "signals.*.requests": ("count", "export calls, further tries included"),
    "signals.*.retries": ("count", "export calls that were further tries"),
    "signals.*.bytes": ("count", "OTLP protobuf before compression, whatever the transport"),
    "signals.*.possible_duplicates": (
        "count",
        "sent again after an answer was lost, so the receiver may have them twice",
    ),
    "stages": ("list", "the stages, by due time of their requests"),
    "stages[].name": ("text", "name of the stage"),
    "stages[].planned": ("count", "requests that the schedule asked for in it"),
    "stages[].generated": ("count", "requests that were simulated"),
    "stages[].target_rate": (
        "number",
        "requests a second that the scenario names: the rate held, or the end of a ramp",
    ),
    "stages[].asked_rate": ("number", "requests a second asked for on average"),
    "stages[].achieved_rate": (
        "number",
        "requests a second generated; of an interrupted stage as far as it came",
    ),
    "stages[].error_share": ("share", "failed requests over requests, 0 to 1"),
    "stages[].time_to_first_token_seconds": (
        "object",
        "of streamed operations that produced a token, as the client sees it",
    ),
    "stages[].duration_seconds": ("object", "of all operations, their retries included"),
    **{
        f"stages[].{of}_seconds.{percentile}": (_SECONDS, f"the {words}; null without any")
        for of in ("time_to_first_token", "duration")
        for percentile, words in (
            ("p50", "median"), ("p95", "95th percentile"), ("p99", "99th percentile"),
        )
    },
    "traffic": ("list", "a row for each flow at each model that saw an operation"),
    "traffic[].flow": ("text", "name of the flow"),
    "traffic[].provider": ("text", "name of the provider"),
    "traffic[].model": ("text", "name of the model at the provider"),
    "traffic[].requests": ("count", "operations there; a request that fell back is in two rows"),
    "traffic[].attempts": ("count", "HTTP calls to the provider, retries included"),
    "traffic[].failed": ("count", "operations that ended in an error"),
    "traffic[].errors": ("object", "failed attempts by kind of error"),
    "traffic[].errors.*": ("count", "failed attempts of this kind"),
    **{
        f"traffic[].{kind.column}": (
            "count",
            f"{kind.name} tokens" + (f", part of {kind.part_of}" if kind.part_of else ""),
        )
        for kind in TOKEN_KINDS
    },
    "traffic[].cost_usd": ("number", "simulated cost in US dollars; nothing was really paid"),
    "incidents": ("list", "the incidents of the scenario"),
    "incidents[].name": ("text", "name of the incident"),
    "incidents[].start": ("time", "when its window begins"),
    "incidents[].end": ("time", "when it ends; a run that is cut short ends it too"),
    "incidents[].requests": ("count", "requests that it matches and that are due in its window"),
    "incidents[].errors": ("count", "those of them that failed"),
    "thresholds": ("list", "the thresholds of the scenario, judged"),
    "thresholds[].expression": ("text", "as the scenario has it"),
    "thresholds[].value": (
        "number or null",
        "what was found, in seconds, a ratio or a count; null when nothing was observed",
    ),
    "thresholds[].passed": ("flag", "whether that meets it"),
    "thresholds[].measure": ("text", "what is measured, such as `error_share`"),
    "thresholds[].note": ("text", "why there is no value; else empty"),
    "generator": ("object", "what the generator itself used"),
    "generator.cpu_seconds": ("number", "processor time, of workers as well"),
    "generator.peak_rss_bytes": ("count", "most memory held, of all processes together"),
    "generator.spans_per_second": ("number", "in real time, on average"),
    "generator.wall_seconds": ("number", "real time from the first block to the last answer"),
    "reasons": ("list", "why the run did not pass, worst first"),
    "reasons[]": ("text", "one reason"),
    "losses": ("list", "telemetry that was lost, by signal, outcome and reason"),
    "losses[].signal": ("text", "`traces`, `metrics` or `logs`"),
    "losses[].outcome": ("text", "`rejected`, `failed` or `dropped`"),
    "losses[].reason": ("text", "as the receiver or the generator has it"),
    "losses[].count": ("count", "in the signal's unit"),
    "losses[].first": ("time", "when it was first seen, in real time"),
    "losses[].last": ("time", "when it was last seen"),
    "warnings": ("object", "what people should know though nothing was lost"),
    "warnings.*": ("count", "how often it happened"),
    "collector": (
        "object or null",
        "what the built-in collector counted, when the run started one",
    ),
    "collector.spans": ("count", "spans that arrived"),
    "collector.data_points": ("count", "data points that arrived"),
    "collector.log_records": ("count", "log records that arrived"),
    "collector.requests": ("count", "export calls that arrived"),
    "collector.bytes": ("count", "of their bodies"),
    "collector.faults": ("list", "what was wrong with what arrived"),
    "collector.faults[].message": ("text", "what it was"),
    "collector.faults[].count": ("count", "how often"),
    "collector.refused": ("list", "what was refused, where anything was"),
    "collector.refused[].message": ("text", "why"),
    "collector.refused[].requests": ("count", "how many calls"),
    "collector.on_purpose": ("list", "what the collector did wrong on purpose, where it did"),
    "collector.on_purpose[].fault": ("text", "as it was asked for"),
    "collector.on_purpose[].requests": ("count", "how many calls met it"),
    "imperfections": (
        "object",
        "what was emitted wrong on purpose, when the scenario wants any",
    ),
    "imperfections.*": ("count", "of this kind"),
}  # fmt: skip
_SOMETIMES = ("imperfections", "collector.refused", "collector.on_purpose")
"""Keys that are there only when there is something to say."""

_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "text or null": {"type": ["string", "null"]},
    "text or number": {"type": ["string", "number"]},
    "count": {"type": "integer", "minimum": 0},
    "whole number": {"type": "integer"},
    "number": {"type": "number"},
    "number or null": {"type": ["number", "null"]},
    "share": {"type": "number", "minimum": 0, "maximum": 1},
    "time": {"type": "string", "format": "date-time"},
    "flag": {"type": "boolean"},
    "object": {"type": "object"},
    "object or null": {"type": ["object", "null"]},
    "list": {"type": "array"},
}
_CHOICES = {
    "verdict": ["passed", "failed", "interrupted"],
    "losses[].signal": list(SIGNALS),
    "losses[].outcome": ["rejected", "failed", "dropped"],
}


def result_keys() -> list[tuple[str, str, str]]:
    """Path, type and meaning of every key, in the order of the file."""
    return [(path, kind, meaning) for path, (kind, meaning) in _KEYS.items()]


def result_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the result file; readers must expect further keys."""
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "result of a simtraffic run",
        "description": f"version {RESULT_VERSION}; newer versions may have further keys",
        "type": "object",
    }
    for path, (kind, meaning) in _KEYS.items():
        node = _place(schema, path)
        node.update(_TYPES[kind], description=meaning)
        if path in _CHOICES:
            node["enum"] = _CHOICES[path]
    schema["properties"]["result_version"]["const"] = RESULT_VERSION
    schema["properties"]["signals"]["propertyNames"] = {"enum": list(SIGNALS)}
    return schema


def _place(schema: dict[str, Any], path: str) -> dict[str, Any]:
    """The node of this path, made where it is not there."""
    node, so_far = schema, ""
    for step in path.replace("[]", ".[]").split("."):
        so_far = f"{so_far}.{step}".lstrip(".")
        if step == "[]":
            node = node.setdefault("items", {"type": "object"})
        elif step == "*":
            node = node.setdefault("additionalProperties", {"type": "object"})
        else:
            needed = node.setdefault("required", [])
            if step not in needed and so_far.replace(".[]", "[]") not in _SOMETIMES:
                needed.append(step)
            node = node.setdefault("properties", {}).setdefault(step, {})
    return node
