"""A convention file's tree, checked and turned into a :class:`Convention`.

The language is closed: literals, columns (mapped, scaled, as another type), text with columns in
braces, JSON bodies, and ``when``. Every fault of a file is collected.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING, cast

from simtraffic.conventions import columns as known_columns
from simtraffic.conventions.columns import (
    CATEGORIES,
    COLLECTION_NUMBERS,
    IN_JSON_ALONE,
    NUMBERS,
    TABLES,
    TEXTS,
)
from simtraffic.conventions.model import (
    ALWAYS,
    Attribute,
    Column,
    Convention,
    EventSpec,
    Expression,
    Json,
    Literal,
    LogSpec,
    Measure,
    MetricSpec,
    Scalar,
    SpanSpec,
    Status,
    TextOf,
    When,
)
from simtraffic.conventions.reader import Path, Reader, nearest
from simtraffic.units import parse_duration

if TYPE_CHECKING:
    from simtraffic.conventions.reader import Locate
    from simtraffic.errors import Fault

KINDS = ("server", "client", "internal", "producer", "consumer")
SEVERITIES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
INSTRUMENTS = ("counter", "histogram", "gauge")
MOMENTS = ("start", "end", "queue_end")
_SPEC_KEYS = {"column", "map", "scale", "decimals", "as", "when", "literal", "text", "json"}


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
            _metric(reader, item, ("metrics", index))
            for index, item in enumerate(reader.entries(node.get("metrics"), ("metrics",)))
        ),
        logs=tuple(
            _log(reader, item, ("logs", index))
            for index, item in enumerate(reader.entries(node.get("logs"), ("logs",)))
        ),
    )
    _unique_metrics(reader, convention)
    return convention, reader.faults


def _unique_metrics(reader: Reader, convention: Convention) -> None:
    seen: set[str] = set()
    for index, metric in enumerate(convention.metrics):
        if metric.name in seen:
            reader.fault(("metrics", index, "name"), "a metric of this name exists", metric.name)
        seen.add(metric.name)


def _span(reader: Reader, node: object, path: Path, table: str) -> SpanSpec:
    keys = ("name", "kind", "attributes", "status", "events")
    span = reader.mapping(node, path, keys, ("name", "kind"))
    status = reader.mapping(span.get("status", {}), (*path, "status"), ("ok", "error"))
    return SpanSpec(
        name=expression(reader, span.get("name", ""), (*path, "name"), table)[0],
        kind=reader.choice(span.get("kind", "internal"), (*path, "kind"), KINDS, "internal"),
        attributes=_attributes(reader, span.get("attributes", {}), (*path, "attributes"), table),
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
    return Status(_when(reader, node.get("when"), (*path, "when"), table), message)


def _event(reader: Reader, node: object, path: Path, table: str) -> EventSpec:
    event = reader.mapping(node, path, ("name", "at", "when", "attributes"), ("name",))
    return EventSpec(
        name=reader.text(event.get("name", ""), (*path, "name")),
        at=reader.choice(event.get("at", "end"), (*path, "at"), ("start", "end"), "end"),
        attributes=_attributes(reader, event.get("attributes", {}), (*path, "attributes"), table),
        when=_when(reader, event.get("when"), (*path, "when"), table),
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
        attributes=_attributes(reader, log.get("attributes", {}), (*path, "attributes"), table),
        when=_when(reader, log.get("when"), (*path, "when"), table),
    )


def _metric(reader: Reader, node: object, path: Path) -> MetricSpec:
    keys = (
        *("name", "description", "instrument", "of", "unit", "buckets"),
        *("measure", "attributes", "when", "gauge"),
    )
    metric = reader.mapping(node, path, keys, ("name", "instrument", "of"))
    tables = (*TABLES, "collection")
    table = reader.choice(metric.get("of", "operation"), (*path, "of"), tables, "operation")
    instrument = reader.choice(
        metric.get("instrument", "counter"), (*path, "instrument"), INSTRUMENTS, "counter"
    )
    between, rate_ns = _gauge(reader, metric, path, instrument)
    measures = tuple(
        _measure(reader, item, (*path, "measure", index), table)
        for index, item in enumerate(reader.entries(metric.get("measure"), (*path, "measure")))
    )
    if not measures and (instrument == "histogram" or rate_ns):
        reader.fault(path, "the key 'measure' is missing: what is measured?")
    return MetricSpec(
        name=reader.text(metric.get("name", ""), (*path, "name")),
        description=reader.text(metric.get("description", ""), (*path, "description")),
        instrument=instrument,
        table=table,
        unit=reader.text(metric.get("unit", ""), (*path, "unit")),
        measures=measures or (Measure(None),),
        attributes=_attributes(
            reader, metric.get("attributes", {}), (*path, "attributes"), table, categories=True
        ),
        when=_when(reader, metric.get("when"), (*path, "when"), table),
        buckets=_buckets(reader, metric, path, instrument),
        between=between,
        rate_ns=rate_ns,
    )


def _gauge(
    reader: Reader, metric: dict[str, object], path: Path, instrument: str
) -> tuple[tuple[str, str] | None, int]:
    if instrument != "gauge":
        if "gauge" in metric:
            reader.fault((*path, "gauge"), f"a {instrument} has no such key")
        return None, 0
    at = (*path, "gauge")
    gauge = reader.mapping(metric.get("gauge", {}), at, ("between", "rate"))
    if len(gauge) != 1:
        reader.fault(at, "a gauge tells either 'between' or 'rate'", list(gauge))
        return ("start", "end"), 0
    if "rate" in gauge:
        try:
            return None, parse_duration(str(gauge["rate"]))
        except ValueError as error:
            reader.fault((*at, "rate"), str(error))
            return None, 0
    moments = reader.entries(gauge["between"], (*at, "between"))
    if len(moments) != 2 or any(moment not in MOMENTS for moment in moments):
        reader.fault((*at, "between"), f"two of {', '.join(MOMENTS)} are wanted", moments)
        return ("start", "end"), 0
    return (str(moments[0]), str(moments[1])), 0


def _buckets(
    reader: Reader, metric: dict[str, object], path: Path, instrument: str
) -> tuple[float, ...]:
    at = (*path, "buckets")
    if instrument != "histogram":
        if "buckets" in metric:
            reader.fault(at, f"a {instrument} has no buckets")
        return ()
    values = reader.entries(metric.get("buckets"), at)
    if not values or not all(_is_finite(value) for value in values):
        reader.fault(at, "a list of numbers is wanted", values)
        return (1.0,)
    bounds = tuple(float(cast("float", value)) for value in values)
    if any(low >= high for low, high in pairwise(bounds)):
        reader.fault(at, "the bounds must grow", values)
    return bounds


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _measure(reader: Reader, node: object, path: Path, table: str) -> Measure:
    measure = reader.mapping(node, path, ("value", "times", "attributes", "when"), ("value",))
    return Measure(
        value=_number(reader, measure.get("value"), (*path, "value"), table),
        times=_number(reader, measure["times"], (*path, "times"), table)
        if "times" in measure
        else None,
        attributes=_attributes(
            reader, measure.get("attributes", {}), (*path, "attributes"), table, categories=True
        ),
        when=_when(reader, measure.get("when"), (*path, "when"), table),
    )


def _number(reader: Reader, node: object, path: Path, table: str) -> Column | None:
    value, _ = expression(reader, node, path, table)
    if isinstance(value, Column):
        name = value.name
        if name in COLLECTION_NUMBERS if table == "collection" else name in NUMBERS:
            return value
        if name in CATEGORIES or name in TEXTS:
            reader.fault(path, "a column of numbers is wanted", name)
    elif node is not None:
        reader.fault(path, "a column of numbers is wanted", node)
    return None


def _attributes(
    reader: Reader, node: object, path: Path, table: str, *, categories: bool = False
) -> tuple[Attribute, ...]:
    if isinstance(node, list | tuple):
        parts = [
            _attributes(reader, part, (*path, index), table, categories=categories)
            for index, part in enumerate(node)
        ]
        return tuple(attribute for part in parts for attribute in part)
    if not isinstance(node, dict):
        reader.fault(path, "a mapping is wanted, or a list of them", node)
        return ()
    made = []
    for key, item in node.items():
        at = (*path, str(key))
        value, when = expression(reader, item, at, table)
        if categories and not all(name in CATEGORIES for name in value.columns):
            reader.fault(at, "an attribute of a metric must be a category, not differ by row")
            continue
        made.append(Attribute(str(key), value, when))
    return tuple(made)


def _when(reader: Reader, node: object, path: Path, table: str) -> When:
    if node is None:
        return ALWAYS
    if not isinstance(node, dict):
        reader.fault(path, "a mapping of columns to values is wanted", node)
        return ALWAYS
    conditions = []
    for column, wanted in node.items():
        if not _is_category(str(column), table):
            reader.fault(
                (*path, str(column)),
                "a condition looks at a category",
                column,
                nearest(str(column), [c for c in CATEGORIES if table in CATEGORIES[c].tables]),
            )
            continue
        values = tuple(wanted) if isinstance(wanted, list | tuple) else (wanted,)
        conditions.append((str(column), values))
    return When(tuple(conditions))


def _is_category(column: str, table: str) -> bool:
    return column in CATEGORIES and table in CATEGORIES[column].tables


def expression(reader: Reader, node: object, path: Path, table: str) -> tuple[Expression, When]:
    """The value that this node stands for, and when it is there."""
    if isinstance(node, str | bool | int | float):
        return Literal(node), ALWAYS
    if isinstance(node, list | tuple):
        return Literal(tuple(node)), ALWAYS
    spec = reader.mapping(node, path, _SPEC_KEYS)
    when = _when(reader, spec.get("when"), (*path, "when"), table)
    sorts = [key for key in ("column", "literal", "text", "json") if key in spec]
    if len(sorts) != 1:
        if spec:
            reader.fault(path, "one of column, literal, text and json is wanted", sorted(spec))
        return Literal(""), when
    makers = {"column": _column, "literal": _literal, "text": _text, "json": _json}
    return makers[sorts[0]](reader, spec, path, table), when


def _literal(reader: Reader, spec: dict[str, object], path: Path, _table: str) -> Expression:
    value = spec["literal"]
    if isinstance(value, list | tuple):
        return Literal(tuple(value))
    if isinstance(value, str | bool | int | float):
        return Literal(value)
    reader.fault((*path, "literal"), "a text, number, truth value or list is wanted", value)
    return Literal("")


def _column(reader: Reader, spec: dict[str, object], path: Path, table: str) -> Column:
    name = str(spec["column"])
    choices = COLLECTION_NUMBERS if table == "collection" else known_columns.known(table)
    if name not in choices:
        hint = nearest(name, choices)
        reader.fault((*path, "column"), f"the table {table!r} has no such column", name, hint)
    elif name in IN_JSON_ALONE and "json" not in path:
        reader.fault(path, "this column's width is not fixed: it can stand in a json body", name)
    mapping = spec.get("map", {})
    if not isinstance(mapping, dict):
        reader.fault((*path, "map"), "a mapping is wanted", mapping)
        mapping = {}
    cast_to = ""
    if "as" in spec:
        cast_to = reader.choice(spec["as"], (*path, "as"), ("string", "list"), "string")
    decimals = spec.get("decimals", 0)
    if not isinstance(decimals, int) or not 0 <= decimals <= 12:
        reader.fault((*path, "decimals"), "a number from 0 to 12 is wanted", decimals)
        decimals = 0
    return Column(
        name,
        tuple((str(key), cast("Scalar", value)) for key, value in mapping.items()),
        _divisor(reader, spec.get("scale", 1), (*path, "scale")),
        decimals,
        cast_to,
    )


def _divisor(reader: Reader, scale: object, path: Path) -> int:
    if _is_finite(scale) and cast("float", scale) > 0:
        divisor = round(1 / cast("float", scale))
        if divisor >= 1 and math.isclose(divisor * cast("float", scale), 1, rel_tol=1e-12):
            return divisor
    reader.fault(path, "a scale is one over a whole number, such as 1e-9", scale)
    return 1


def _text(reader: Reader, spec: dict[str, object], path: Path, table: str) -> Expression:
    pieces = re.split(r"\{([a-z_0-9]*)\}", reader.text(spec["text"], (*path, "text")))
    parts: list[str | Column] = []
    for index, piece in enumerate(pieces):
        if index % 2:
            parts.append(_column(reader, {"column": piece}, (*path, "text"), table))
        elif piece:
            parts.append(piece)
    return TextOf(tuple(parts))


def _json(reader: Reader, spec: dict[str, object], path: Path, table: str) -> Expression:
    return Json(_json_node(reader, spec["json"], (*path, "json"), table))


def _json_node(reader: Reader, node: object, path: Path, table: str) -> object:
    if isinstance(node, dict) and not set(node) & {"column", "text", "literal"}:
        return {
            str(key): _json_node(reader, value, (*path, str(key)), table)
            for key, value in node.items()
        }
    return expression(reader, node, path, table)[0]
