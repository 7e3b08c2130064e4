"""Metrics of a convention file: instruments, what feeds them, and what each sort may have."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, cast

from simtraffic.conventions.columns import (
    CATEGORIES,
    FLOAT_COLUMNS,
    NUMBERS,
    STANDING,
    TEXTS,
)
from simtraffic.conventions.expressions import attributes, expression, is_finite, when_of
from simtraffic.conventions.model import STANDING_TABLES, Column, Measurement, MetricSpec
from simtraffic.conventions.rows import TABLES
from simtraffic.units import parse_duration

if TYPE_CHECKING:
    from simtraffic.documents.document import Document
    from simtraffic.documents.tree import Path

INSTRUMENTS = ("counter", "histogram", "gauge")
MOMENTS = ("start", "end", "queue_end")
_BETWEEN = ("start", "end")
_KEYS = (
    "name", "description", "instrument", "of", "unit", "buckets",
    "measure", "attributes", "when", "gauge", "at",
)  # fmt: skip
_OF_STANDING = {"collection": ("histogram", "gauge"), "incident": ("gauge",)}
"""What may look at rows that are there at every collection: nothing would bound a sum of them."""


def metric_of(document: Document, node: object, path: Path) -> MetricSpec:
    """The metric that one entry of ``metrics`` describes."""
    metric = document.mapping(node, path, _KEYS, ("name", "instrument", "of"))
    tables = (*TABLES, *STANDING_TABLES)
    table = document.choice(metric.get("of", "operation"), (*path, "of"), tables, "operation")
    instrument = document.choice(
        metric.get("instrument", "counter"), (*path, "instrument"), INSTRUMENTS, "counter"
    )
    _standing(document, table, instrument, (*path, "instrument"))
    between, rate_ns = _gauge(document, metric, path, instrument, table)
    measures = tuple(
        _measure(document, item, (*path, "measure", index), table, instrument)
        for index, item in enumerate(document.items(metric.get("measure"), (*path, "measure")))
    )
    if not measures and (instrument == "histogram" or rate_ns or table in STANDING_TABLES):
        hint = "say what is measured"
        document.fault((*path, "measure"), "a required key is missing", metric, hint)
    return MetricSpec(
        name=document.text(metric.get("name", ""), (*path, "name")),
        description=document.text(metric.get("description", ""), (*path, "description")),
        instrument=instrument,
        table=table,
        unit=document.text(metric.get("unit", ""), (*path, "unit")),
        measures=measures or (Measurement(None),),
        attributes=attributes(
            document, metric.get("attributes", {}), (*path, "attributes"), table, categories=True
        ),
        when=when_of(document, metric.get("when"), (*path, "when"), table),
        buckets=_buckets(document, metric, path, instrument),
        between=between,
        rate_ns=rate_ns,
        at=_at(document, metric, path, instrument),
    )


def _standing(document: Document, table: str, instrument: str, path: Path) -> None:
    allowed = _OF_STANDING.get(table, INSTRUMENTS)
    if instrument not in allowed:
        hint = f"write {' or '.join(allowed)}"
        document.fault(path, f"the table {table!r} has no {instrument}s", instrument, hint)


def _at(document: Document, metric: dict[str, object], path: Path, instrument: str) -> str:
    at = (*path, "at")
    if instrument != "counter":
        if "at" in metric:
            document.fault(at, f"a {instrument} has no such key: only a counter may count at start")
        return "end"
    return document.choice(metric.get("at", "end"), at, ("start", "end"), "end")


def _gauge(
    document: Document, metric: dict[str, object], path: Path, instrument: str, table: str
) -> tuple[tuple[str, str] | None, int]:
    at = (*path, "gauge")
    if instrument != "gauge" or table in STANDING_TABLES:
        if instrument != "gauge" and "gauge" in metric:
            document.fault(at, f"a {instrument} has no such key")
        elif "gauge" in metric:
            document.fault(at, f"a gauge of the table {table!r} shows its measure: leave this out")
        return None, 0
    gauge = document.mapping(metric.get("gauge", {}), at, ("between", "rate"))
    if len(gauge) != 1:
        document.fault(at, "a gauge tells either 'between' or 'rate'", list(gauge))
        return _BETWEEN, 0
    if "rate" in gauge:
        try:
            return None, parse_duration(str(gauge["rate"]))
        except ValueError as error:
            document.fault((*at, "rate"), str(error))
            return None, 0
    moments = document.items(gauge["between"], (*at, "between"))
    if len(moments) != 2 or any(moment not in MOMENTS for moment in moments):
        hint = f"write two of {', '.join(MOMENTS)}"
        document.fault((*at, "between"), "not two moments", moments, hint)
        return _BETWEEN, 0
    return (str(moments[0]), str(moments[1])), 0


def _buckets(
    document: Document, metric: dict[str, object], path: Path, instrument: str
) -> tuple[float, ...]:
    at = (*path, "buckets")
    if instrument != "histogram":
        if "buckets" in metric:
            document.fault(at, f"a {instrument} has no buckets")
        return ()
    values = document.items(metric.get("buckets"), at)
    if not values or not all(is_finite(value) for value in values):
        document.fault(at, "not a list of numbers", values)
        return (1.0,)
    bounds = tuple(float(cast("float", value)) for value in values)
    if any(low >= high for low, high in pairwise(bounds)):
        document.fault(at, "the bounds must grow", values)
    return bounds


def _measure(
    document: Document, node: object, path: Path, table: str, instrument: str
) -> Measurement:
    stands = table in STANDING_TABLES
    keys = ("value", *(() if stands else ("times",)), "attributes", "when")
    measure = document.mapping(node, path, keys, ("value",))
    value = _number(document, measure.get("value"), (*path, "value"), table)
    adds_up = instrument != "gauge" or not stands
    if adds_up and value and value.name in FLOAT_COLUMNS:
        hint = "make it a gauge" if stands else "tell it with a span"
        document.fault((*path, "value"), "only whole numbers are added up", value.name, hint)
    return Measurement(
        value=value,
        times=_number(document, measure["times"], (*path, "times"), table)
        if "times" in measure
        else None,
        attributes=attributes(
            document, measure.get("attributes", {}), (*path, "attributes"), table, categories=True
        ),
        when=when_of(document, measure.get("when"), (*path, "when"), table),
    )


def _number(document: Document, node: object, path: Path, table: str) -> Column | None:
    value, _ = expression(document, node, path, table)
    if isinstance(value, Column):
        name = value.name
        if name in STANDING if table in STANDING_TABLES else name in NUMBERS:
            return value
        if name in CATEGORIES or name in TEXTS:
            document.fault(path, "not a column of numbers", name)
    elif node is not None:
        document.fault(path, "not a column of numbers", node)
    return None
