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
from simtraffic.documents.walk import Path, Reader
from simtraffic.errors import Fault

if TYPE_CHECKING:
    from simtraffic.documents.walk import Locate

KINDS = ("server", "client", "internal", "producer", "consumer")
SEVERITIES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")


def parse_convention(tree: object, file: str, locate: Locate) -> tuple[Convention, list[Fault]]:
    """The convention that this tree describes, and everything that is wrong with it."""
    reader = Reader(file, locate)
    keys = ("convention", "version", "schema_url", "define", "spans", "metrics", "logs")
    node = reader.mapping(tree, (), keys, ("convention", "version"))
    spans = reader.mapping(node.get("spans", {}), ("spans",), TABLES)
    convention = Convention(
        name=reader.text(node.get("convention", ""), ("convention",)),
        version=reader.text(node.get("version", ""), ("version",)),
        file=file,
        schema_url=reader.text(node.get("schema_url", ""), ("schema_url",)),
        spans={
            table: _span(reader, spans[table], ("spans", table), table)
            for table in TABLES
            if table in spans
        },
        metrics=tuple(
            metric_of(reader, item, ("metrics", index))
            for index, item in enumerate(reader.entries(node.get("metrics"), ("metrics",)))
        ),
        logs=tuple(
            _log(reader, item, ("logs", index))
            for index, item in enumerate(reader.entries(node.get("logs"), ("logs",)))
        ),
    )
    _unique_metrics(reader, convention)
    if not reader.faults:
        _one_value_each(reader, convention)
    return convention, reader.faults


def _unique_metrics(reader: Reader, convention: Convention) -> None:
    seen: set[str] = set()
    for index, metric in enumerate(convention.metrics):
        if metric.name in seen:
            reader.fault(("metrics", index, "name"), "a metric of this name exists", metric.name)
        seen.add(metric.name)


def _one_value_each(reader: Reader, convention: Convention) -> None:
    for one, other in contradictions(convention):
        first, second = sorted((one.place, other.place))
        line, column, path = second
        found = f"found another value in line {first[0]}, {first[2]}"
        problem = f"the key {one.key!r} has two values on the same rows"
        hint = "give one of them another name, or both one value"
        reader.faults.append(
            Fault(reader.file, line, column, path, problem, found=found, hint=hint)
        )


def _span(reader: Reader, node: object, path: Path, table: str) -> SpanSpec:
    keys = ("name", "kind", "attributes", "status", "events")
    span = reader.mapping(node, path, keys, ("name", "kind"))
    status = reader.mapping(span.get("status", {}), (*path, "status"), ("ok", "error"))
    return SpanSpec(
        name=expression(reader, span.get("name", ""), (*path, "name"), table)[0],
        kind=reader.choice(span.get("kind", "internal"), (*path, "kind"), KINDS, "internal"),
        attributes=attributes(reader, span.get("attributes", {}), (*path, "attributes"), table),
        ok=_status(reader, status, "ok", (*path, "status", "ok"), table),
        error=_status(reader, status, "error", (*path, "status", "error"), table),
        events=tuple(
            _event(reader, item, (*path, "events", index), table)
            for index, item in enumerate(reader.entries(span.get("events"), (*path, "events")))
        ),
    )


def _status(
    reader: Reader, statuses: dict[str, object], name: str, path: Path, table: str
) -> Status | None:
    if name not in statuses:
        return None
    node = reader.mapping(statuses[name], path, ("when", "message"))
    message = None
    if "message" in node:
        message = expression(reader, node["message"], (*path, "message"), table)[0]
    return Status(when_of(reader, node.get("when"), (*path, "when"), table), message)


def _event(reader: Reader, node: object, path: Path, table: str) -> EventSpec:
    event = reader.mapping(node, path, ("name", "at", "when", "attributes"), ("name",))
    return EventSpec(
        name=reader.text(event.get("name", ""), (*path, "name")),
        at=reader.choice(event.get("at", "end"), (*path, "at"), ("start", "end"), "end"),
        attributes=attributes(reader, event.get("attributes", {}), (*path, "attributes"), table),
        when=when_of(reader, event.get("when"), (*path, "when"), table),
    )


def _log(reader: Reader, node: object, path: Path) -> LogSpec:
    keys = ("of", "severity", "at", "event", "when", "body", "attributes")
    log = reader.mapping(node, path, keys, ("of", "severity"))
    table = reader.choice(log.get("of", "operation"), (*path, "of"), TABLES, "operation")
    body = None
    if "body" in log:
        body = expression(reader, log["body"], (*path, "body"), table)[0]
    return LogSpec(
        table=table,
        severity=reader.choice(
            log.get("severity", "INFO"), (*path, "severity"), SEVERITIES, "INFO"
        ),
        at=reader.choice(log.get("at", "end"), (*path, "at"), ("start", "end"), "end"),
        event=reader.text(log.get("event", ""), (*path, "event")),
        body=body,
        attributes=attributes(reader, log.get("attributes", {}), (*path, "attributes"), table),
        when=when_of(reader, log.get("when"), (*path, "when"), table),
    )
