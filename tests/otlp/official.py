"""The judge: rows told one by one through opentelemetry-sdk objects and the official encoders.

Nothing of the template machinery is used here. Each row's columns are read, the convention's
expressions are evaluated in plain Python, SDK objects are built and encoded by the official code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from simtraffic._version import __version__
from simtraffic.conventions.columns import AXES, CATEGORIES, FLOAT_COLUMNS, NUMBERS, TEXTS
from simtraffic.conventions.model import Column, Json, Literal, TextOf
from simtraffic.conventions.rows import Rows

if TYPE_CHECKING:
    from simtraffic.conventions.context import Context
    from simtraffic.conventions.model import Attribute, Convention, Expression
    from simtraffic.simulation.tables import Exchanges

SCOPE = InstrumentationScope("simtraffic", __version__)
SEVERITIES = {
    "INFO": SeverityNumber.INFO,
    "WARN": SeverityNumber.WARN,
    "ERROR": SeverityNumber.ERROR,
}


class Row:
    """One row of a table, with the values that a convention may ask for."""

    def __init__(self, rows: Rows, index: int) -> None:
        self.rows = rows
        self.index = index
        self.context = rows.context

    def category(self, name: str) -> Any:
        category = CATEGORIES[name]
        codes = [int(AXES[axis].codes(self.rows)[self.index]) for axis in category.axes]
        return category.value(self.context, *codes)

    def number(self, name: str) -> Any:
        return NUMBERS[name].read(self.rows)[self.index].item()

    def octets(self, name: str) -> bytes:
        return bytes(np.ascontiguousarray(TEXTS[name].read(self.rows)[self.index]).tobytes())

    def identity(self, name: str) -> int:
        return int.from_bytes(self.octets(name), "big")

    def unix_ns(self, moment: str) -> int:
        read = {"start": TEXTS["start_time"].read, "end": TEXTS["end_time"].read}[moment]
        return int(read(self.rows)[self.index]) + self.context.start_unix_ns

    def holds(self, when: Any) -> bool:
        return all(
            any(type(v) is type(self.category(c)) and v == self.category(c) for v in wanted)
            for c, wanted in when.allowed
        )

    def value(self, expression: Expression) -> Any:
        if isinstance(expression, Literal):
            return expression.value
        if isinstance(expression, TextOf):
            return "".join(p if isinstance(p, str) else self.words(p) for p in expression.parts)
        if isinstance(expression, Json):
            return expression
        assert isinstance(expression, Column)
        if expression.name in NUMBERS:
            number = self.number(expression.name)
            if expression.divisor != 1:
                return number / expression.divisor
            return float(number) if expression.name in FLOAT_COLUMNS else int(number)
        if expression.name in TEXTS:
            return self.words(expression)
        found = self.category(expression.name)
        for source, target in expression.mapping:
            if source == (str(found).lower() if isinstance(found, bool) else str(found)):
                found = target
                break
        if expression.cast == "string":
            return str(found)
        return (found,) if expression.cast == "list" else found

    def words(self, column: Column) -> str:
        text = TEXTS.get(column.name)
        if text is None:
            found = self.value(column)
            return str(found).lower() if isinstance(found, bool) else str(found)
        if text.source.startswith("hex"):
            return self.octets(column.name).hex()
        if text.source == "digits":
            return f"{int(text.read(self.rows)[self.index]):08d}"
        if text.source == "instance":
            return self.context.instance_ids[int(text.read(self.rows)[self.index])]
        ns = self.unix_ns(column.name.removesuffix("_time"))
        moment = datetime.fromtimestamp(ns // 1_000_000_000, UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{ns // 1_000_000 % 1000:03d}Z"

    def tree(self, node: Any) -> Any:
        """A JSON body as Python values; scaled numbers are cut to their decimals."""
        if isinstance(node, dict):
            return {key: self.tree(child) for key, child in node.items()}
        if isinstance(node, Column) and node.name in NUMBERS and node.divisor != 1:
            units = self.number(node.name) // (node.divisor // 10**node.decimals)
            whole, fraction = divmod(units, 10**node.decimals)
            return float(f"{whole}.{fraction:0{node.decimals}d}")
        found = self.value(node)
        return list(found) if isinstance(found, tuple) else found

    def attributes(self, specs: Sequence[Attribute]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for spec in specs:
            if spec.key not in made and self.holds(spec.when):
                made[spec.key] = self.value(spec.value)
        return made


def rows_of(exchanges: Exchanges, context: Context) -> Iterator[tuple[str, Row]]:
    for kind in ("request", "operation", "attempt"):
        rows = Rows(kind, exchanges, context)
        for index in range(len(rows)):
            yield kind, Row(rows, index)


def span_contexts(row: Row, kind: str) -> tuple[SpanContext, SpanContext | None]:
    trace = row.identity("trace_id")
    own = SpanContext(trace, row.identity("span_id"), is_remote=False, trace_flags=TraceFlags(1))
    if kind == "request":
        return own, None
    parent = row.identity("parent_span_id")
    return own, SpanContext(trace, parent, is_remote=False, trace_flags=TraceFlags(1))


def sdk_span(row: Row, kind: str, conventions: Sequence[Convention]) -> ReadableSpan:
    specs = [convention.spans[kind] for convention in conventions if kind in convention.spans]
    leader = specs[0]
    status = Status(StatusCode.UNSET)
    if leader.error and row.holds(leader.error.when):
        message = leader.error.message
        status = Status(StatusCode.ERROR, row.value(message) if message else None)
    elif leader.ok and row.holds(leader.ok.when):
        status = Status(StatusCode.OK)
    own, parent = span_contexts(row, kind)
    return ReadableSpan(
        name=str(row.value(leader.name)),
        context=own,
        parent=parent,
        kind=SpanKind[leader.kind.upper()],
        resource=Resource({}),
        attributes=row.attributes([a for spec in specs for a in spec.attributes]),
        events=[
            Event(event.name, row.attributes(event.attributes), row.unix_ns(event.at))
            for spec in specs
            for event in spec.events
            if row.holds(event.when)
        ],
        status=status,
        start_time=row.unix_ns("start"),
        end_time=row.unix_ns("end"),
        instrumentation_scope=SCOPE,
    )


def spans(exchanges: Exchanges, context: Context, conventions: Sequence[Convention]) -> list[Any]:
    """The official messages of all spans."""
    told = {kind for convention in conventions for kind in convention.spans}
    built = [
        sdk_span(row, kind, conventions)
        for kind, row in rows_of(exchanges, context)
        if kind in told
    ]
    request = encode_spans(built)
    return [s for r in request.resource_spans for c in r.scope_spans for s in c.spans]


def logs(exchanges: Exchanges, context: Context, conventions: Sequence[Convention]) -> list[Any]:
    """The official messages of all log records; JSON bodies hold compact JSON."""
    built = []
    for kind, row in rows_of(exchanges, context):
        for convention in conventions:
            for log in convention.logs:
                if log.table != kind or not row.holds(log.when):
                    continue
                body = row.value(log.body) if log.body is not None else None
                if isinstance(body, Json):
                    body = json.dumps(row.tree(body.tree), ensure_ascii=False)
                record = LogRecord(
                    timestamp=row.unix_ns(log.at),
                    observed_timestamp=row.unix_ns(log.at),
                    severity_number=SEVERITIES[log.severity],
                    severity_text=log.severity,
                    body=body,
                    attributes=row.attributes(log.attributes),
                    event_name=log.event or None,
                    context=None,
                )
                record.trace_id = row.identity("trace_id")
                record.span_id = row.identity("span_id")
                record.trace_flags = TraceFlags(1)
                built.append(ReadableLogRecord(record, Resource({}), instrumentation_scope=SCOPE))
    request = encode_logs(built)
    return [s for r in request.resource_logs for c in r.scope_logs for s in c.log_records]
