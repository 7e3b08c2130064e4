"""Tables of what a convention may speak of, and of the metrics that the built-in ones emit."""

from __future__ import annotations

from simtraffic.backends.prometheus_names import prometheus_name
from simtraffic.conventions.columns import CATEGORIES, NUMBERS, STANDING, TEXTS
from simtraffic.conventions.load import ALWAYS_ON, built_in_names, load_convention
from simtraffic.conventions.rows import TABLES

_SOURCES = {
    "hex16": "id of 16 hexadecimal digits",
    "hex32": "id of 32 hexadecimal digits",
    "digits": "number of eight digits",
    "instance": "name and number; in JSON bodies alone",
}
_TIME = "ISO 8601, UTC"
_ABOUT = {
    "server_address": "host of the provider",
    "server_port": "port of the provider",
    "flow": "name of the flow",
    "workflow": "chat, completion or embeddings",
    "operation": "chat, text_completion or embeddings",
    "http_route": "path of the service's own endpoint",
    "streaming": "whether the answer is streamed",
    "in_conversation": "whether the request belongs to a conversation",
    "llm_operation": "chat, completion, streaming or embedding",
    "priority": "high when streamed, low for embeddings, normal else",
    "failed": "whether there was an error",
    "answered": "whether any answer came",
    "http_error_type": "status as text, or the error kind without an answer",
    "finish_reason": "stop, length, tool_call, content_filter or none",
    "retry_reason": "error kind of the first attempt when there were more, or none",
    "retried": "whether there was more than one attempt",
    "cache_hit": "whether any input token was cached",
    "is_fallback": "whether the operation stands in for another provider's",
    "resent": "whether the attempt is a retry",
    "service_name": "as the scenario says",
    "service_version": "as the scenario says",
    "environment": "as the scenario says",
    "first_token_ns": "from the operation's start to the first token",
    "input_tokens": "tokens read",
    "output_tokens": "tokens written",
    "total_tokens": "input and output",
    "max_tokens": "bound on the output that was asked for",
    "attempts": "HTTP calls of the operation",
    "retries": "attempts after the first",
    "resend": "0 for the first attempt of an operation",
    "parent_span_id": "span id of what encloses the row",
    "trace_id": "trace of the request",
    "span_id": "the row's own span",
    "request_id": "span id of the root",
    "conversation": "0 without a conversation",
    "response_id": "0 without a response",
    "instance_id": "the instance",
}


def columns() -> str:
    """Every column: its sort, the tables that have it, what it holds."""
    rows = ["| column | sort | tables | holds |", "| --- | --- | --- | --- |"]
    for sort, known in (("category", CATEGORIES), ("number", NUMBERS), ("text", TEXTS)):
        for name, column in known.items():
            tables = "all" if column.tables == TABLES else ", ".join(column.tables)
            about = column.about or _ABOUT[name]
            if sort == "text" and about != _TIME:
                about = ", ".join(dict.fromkeys([about, _SOURCES[TEXTS[name].source]]))
            rows.append(f"| `{name}` | {sort} | {tables} | {about} |")
    rows += [
        f"| `{name}` | number | {column.table} | {column.about} |"
        for name, column in STANDING.items()
    ]
    return "\n".join(rows)


def metrics() -> str:
    """Every metric of the built-in conventions, with its name in Prometheus."""
    rows = [
        "| convention | metric | instrument | of | unit | Prometheus |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name in (*built_in_names(), ALWAYS_ON):
        rows += [
            f"| {name} | `{metric.name}` | {metric.instrument} | {metric.table} | {metric.unit} |"
            f" `{prometheus_name(metric.name, metric.unit, metric.instrument)}` |"
            for metric in load_convention(name).metrics
        ]
    return "\n".join(rows)
