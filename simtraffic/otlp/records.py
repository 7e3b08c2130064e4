"""The templates of each shape: one span and any number of log records per row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ScopeLogs, SeverityNumber
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span, SpanFlags, Status

from simtraffic.conventions.evaluate import plain
from simtraffic.otlp.json_template import json_template
from simtraffic.otlp.template import Slots, Template
from simtraffic.otlp.values import Builder

if TYPE_CHECKING:
    from simtraffic.conventions.context import Context
    from simtraffic.conventions.frames import ShapeBook, ShapeValues
    from simtraffic.conventions.model import Convention, LogSpec, SpanSpec

SAMPLED_FLAG = 1
FILLER = "simtraffic.filler"
"""Attribute that makes a span oversize."""
FORMATS = ("protobuf", "json")
_KINDS = {
    "internal": Span.SPAN_KIND_INTERNAL,
    "server": Span.SPAN_KIND_SERVER,
    "client": Span.SPAN_KIND_CLIENT,
    "producer": Span.SPAN_KIND_PRODUCER,
    "consumer": Span.SPAN_KIND_CONSUMER,
}
_MOMENTS = {"start": "start_ns", "end": "end_ns"}


Templates = Mapping[str, tuple[Template, ...]]
"""What a row of one shape becomes, by signal: ``traces`` and ``logs``. No span is in there when the
shape's traces are not sampled."""


@dataclass
class TemplateBook:
    """Templates of one table's shapes, built when a shape first appears."""

    book: ShapeBook
    conventions: Sequence[Convention]
    """The first with spans of this table gives name, kind and status."""
    context: Context
    signals: frozenset[str]
    _built: dict[tuple[int, bool, str, int], Templates] = field(default_factory=dict)

    def templates(
        self, shape: int, *, wide: bool, form: str = "protobuf", filler_bytes: int = 0
    ) -> Templates:
        """Templates of this shape.

        Args:
            shape: Its number in the book.
            wide: Whether integers may be large.
            form: ``protobuf`` or ``json``.
            filler_bytes: Length of an attribute that does nothing but make a span large.
        """
        key = (shape, wide, form, filler_bytes)
        if key not in self._built:
            self._built[key] = self._build(
                self.book.values(shape), wide=wide, form=form, filler_bytes=filler_bytes
            )
        return self._built[key]

    def _build(self, shape: ShapeValues, *, wide: bool, form: str, filler_bytes: int) -> Templates:
        sampled = bool(shape.codes.get("sampled", 1))
        kind = self.book.kind
        specs = [c.spans[kind] for c in self.conventions if kind in c.spans]
        spans: list[Template] = []
        if sampled and specs and "traces" in self.signals:
            builder = Builder(shape, Slots(wide=wide), self.context)
            message = span_message(builder, specs, is_root=kind == "request")
            if filler_bytes:
                message.attributes.add(key=FILLER).value.string_value = "x" * filler_bytes
            spans.append(_template(builder.slots, message, form))
        logs: list[Template] = []
        if "logs" in self.signals:
            for convention in self.conventions:
                for log in convention.logs:
                    if log.table == kind and log.when.holds(shape):
                        builder = Builder(shape, Slots(wide=wide), self.context)
                        record = log_message(builder, log, sampled)
                        logs.append(_template(builder.slots, record, form))
        return {"traces": tuple(spans), "logs": tuple(logs)}


def _template(slots: Slots, message: Span | LogRecord, form: str) -> Template:
    if isinstance(message, Span):
        entry: ScopeSpans | ScopeLogs = ScopeSpans(spans=[message])
    else:
        entry = ScopeLogs(log_records=[message])
    if form == "json":
        return json_template(slots, message, entry.ByteSize())
    return slots.template(entry.SerializeToString())


def span_message(builder: Builder, specs: Sequence[SpanSpec], *, is_root: bool) -> Span:
    """The official message of one shape: the first spec leads, each adds its attributes."""
    slots, shape, leader = builder.slots, builder.shape, specs[0]
    message = Span(
        trace_id=slots.identity("trace_id", 16),
        span_id=slots.identity("span_id", 8),
        name=builder.text(leader.name),
        kind=_KINDS[leader.kind],
        start_time_unix_nano=slots.fixed64("start_ns"),
        end_time_unix_nano=slots.fixed64("end_ns"),
        attributes=builder.attributes([a for spec in specs for a in spec.attributes]),
        flags=SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK,
        status=Status(),
    )
    if not is_root:
        message.parent_span_id = slots.identity("parent_span_id", 8)
    if leader.error and leader.error.when.holds(shape):
        message.status.code = Status.STATUS_CODE_ERROR
        if leader.error.message:
            message.status.message = plain(builder.text(leader.error.message))
    elif leader.ok and leader.ok.when.holds(shape):
        message.status.code = Status.STATUS_CODE_OK
    for spec in specs:
        for event in spec.events:
            if event.when.holds(shape):
                message.events.add(
                    name=event.name,
                    time_unix_nano=slots.fixed64(_MOMENTS[event.at]),
                    attributes=builder.attributes(event.attributes),
                )
    return message


def log_message(builder: Builder, log: LogSpec, sampled: bool) -> LogRecord:
    """The official message of one shape's log record."""
    slots, moment = builder.slots, _MOMENTS[log.at]
    message = LogRecord(
        time_unix_nano=slots.fixed64(moment),
        observed_time_unix_nano=slots.fixed64(moment),
        severity_number=SeverityNumber.Value(f"SEVERITY_NUMBER_{log.severity}"),
        severity_text=log.severity,
        event_name=log.event,
        trace_id=slots.identity("trace_id", 16),
        span_id=slots.identity("span_id", 8),
        flags=SAMPLED_FLAG if sampled else 0,
        attributes=builder.attributes(log.attributes),
    )
    # A record without a body has an empty one, as the official encoder writes it.
    message.body.SetInParent()
    if log.body is not None:
        message.body.CopyFrom(builder.value(log.body))
    return message
