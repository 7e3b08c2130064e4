"""A convention file's tree, checked and turned into a :class:`Convention`.

The language is closed: spans, metrics and log records over expressions. Every fault of a file is
collected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simtraffic.conventions.agreement import contradictions
from simtraffic.conventions.expressions import attributes, expression, when_of
from simtraffic.conventions.instruments import metric_of
from simtraffic.conventions.model import Convention, EventSpec, LogSpec, SpanSpec, Status
from simtraffic.conventions.rows import TABLES
from simtraffic.errors import Fault

if TYPE_CHECKING:
    from simtraffic.documents.document import Document
    from simtraffic.documents.tree import Path

KINDS = ("server", "client", "internal", "producer", "consumer")
SEVERITIES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")


def parse_convention(document: Document) -> Convention:
    """The convention that a document describes; all that is wrong is among its faults."""
    keys = ("convention", "version", "schema_url", "define", "spans", "metrics", "logs")
    node = document.mapping(document.data, (), keys, ("convention", "version"))
    spans = document.mapping(node.get("spans", {}), ("spans",), TABLES)
    convention = Convention(
        name=document.text(node.get("convention", ""), ("convention",)),
        version=document.text(node.get("version", ""), ("version",)),
        file=document.file,
        schema_url=document.text(node.get("schema_url", ""), ("schema_url",)),
        spans={
            table: _span(document, spans[table], ("spans", table), table)
            for table in TABLES
            if table in spans
        },
        metrics=tuple(
            metric_of(document, item, ("metrics", index))
            for index, item in enumerate(document.items(node.get("metrics"), ("metrics",)))
        ),
        logs=tuple(
            _log(document, item, ("logs", index))
            for index, item in enumerate(document.items(node.get("logs"), ("logs",)))
        ),
    )
    _unique_metrics(document, convention)
    if not document.faults:
        _one_value_each(document, convention)
    return convention


def _unique_metrics(document: Document, convention: Convention) -> None:
    seen: set[str] = set()
    for index, metric in enumerate(convention.metrics):
        if metric.name in seen:
            document.fault(("metrics", index, "name"), "a metric of this name exists", metric.name)
        seen.add(metric.name)


def _one_value_each(document: Document, convention: Convention) -> None:
    for one, other in contradictions(convention):
        first, second = sorted((one.place, other.place))
        line, column, path = second
        found = f"found another value in line {first[0]}, {first[2]}"
        problem = f"the key {one.key!r} has two values on the same rows"
        hint = "give one of them another name, or both one value"
        document.faults.append(
            Fault(document.file, line, column, path, problem=problem, found=found, hint=hint)
        )


def _span(document: Document, node: object, path: Path, table: str) -> SpanSpec:
    keys = ("name", "kind", "attributes", "status", "events")
    span = document.mapping(node, path, keys, ("name", "kind"))
    status = document.mapping(span.get("status", {}), (*path, "status"), ("ok", "error"))
    return SpanSpec(
        name=expression(document, span.get("name", ""), (*path, "name"), table)[0],
        kind=document.choice(span.get("kind", "internal"), (*path, "kind"), KINDS, "internal"),
        attributes=attributes(document, span.get("attributes", {}), (*path, "attributes"), table),
        ok=_status(document, status, "ok", (*path, "status", "ok"), table),
        error=_status(document, status, "error", (*path, "status", "error"), table),
        events=tuple(
            _event(document, item, (*path, "events", index), table)
            for index, item in enumerate(document.items(span.get("events"), (*path, "events")))
        ),
    )


def _status(
    document: Document, statuses: dict[str, object], name: str, path: Path, table: str
) -> Status | None:
    if name not in statuses:
        return None
    node = document.mapping(statuses[name], path, ("when", "message"))
    message = None
    if "message" in node:
        message = expression(document, node["message"], (*path, "message"), table)[0]
    return Status(when_of(document, node.get("when"), (*path, "when"), table), message)


def _event(document: Document, node: object, path: Path, table: str) -> EventSpec:
    event = document.mapping(node, path, ("name", "at", "when", "attributes"), ("name",))
    return EventSpec(
        name=document.text(event.get("name", ""), (*path, "name")),
        at=document.choice(event.get("at", "end"), (*path, "at"), ("start", "end"), "end"),
        attributes=attributes(document, event.get("attributes", {}), (*path, "attributes"), table),
        when=when_of(document, event.get("when"), (*path, "when"), table),
    )


def _log(document: Document, node: object, path: Path) -> LogSpec:
    keys = ("of", "severity", "at", "event", "when", "body", "attributes")
    log = document.mapping(node, path, keys, ("of", "severity"))
    table = document.choice(log.get("of", "operation"), (*path, "of"), TABLES, "operation")
    body = None
    if "body" in log:
        body = expression(document, log["body"], (*path, "body"), table)[0]
    return LogSpec(
        table=table,
        severity=document.choice(
            log.get("severity", "INFO"), (*path, "severity"), SEVERITIES, "INFO"
        ),
        at=document.choice(log.get("at", "end"), (*path, "at"), ("start", "end"), "end"),
        event=document.text(log.get("event", ""), (*path, "event")),
        body=body,
        attributes=attributes(document, log.get("attributes", {}), (*path, "attributes"), table),
        when=when_of(document, log.get("when"), (*path, "when"), table),
    )
