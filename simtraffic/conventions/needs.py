"""Which columns the conventions of a run read: its frames hold these and no others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from simtraffic.conventions.columns import CATEGORIES, FLOAT_COLUMNS, NUMBERS
from simtraffic.conventions.model import Column, Json, TextOf

if TYPE_CHECKING:
    from simtraffic.conventions.model import Convention


def axes_of(names: Iterable[str]) -> set[str]:
    """Axes that these columns depend on; numbers and texts depend on none."""
    return {axis for name in names if name in CATEGORIES for axis in CATEGORIES[name].axes}


def columns_of(conventions: Sequence[Convention], kind: str) -> set[str]:
    """Every column that these conventions read of this table."""
    names: set[str] = set()
    for convention in conventions:
        if span := convention.spans.get(kind):
            names.update(span.name.columns)
            for status in (span.ok, span.error):
                if status:
                    names.update(status.when.columns)
                    names.update(status.message.columns if status.message else ())
            owners = [*span.attributes, *(a for event in span.events for a in event.attributes)]
            for attribute in owners:
                names.update(attribute.value.columns, attribute.when.columns)
            for event in span.events:
                names.update(event.when.columns)
        names |= _metric_columns(convention, kind) | _log_columns(convention, kind)
    return names


def integers_of(conventions: Sequence[Convention], kind: str) -> frozenset[str]:
    """Numbers of this table that spans and log records write as integers."""
    found: set[str] = set()
    for convention in conventions:
        expressions: list[object] = []
        if span := convention.spans.get(kind):
            owners = [*span.attributes, *(a for event in span.events for a in event.attributes)]
            expressions += [span.name, *(attribute.value for attribute in owners)]
        for log in convention.logs:
            if log.table == kind:
                expressions += [log.body, *(attribute.value for attribute in log.attributes)]
        for expression in expressions:
            found.update(_integers(expression))
    return frozenset(found - set(FLOAT_COLUMNS))


def _integers(node: object) -> Iterator[str]:
    if isinstance(node, Column):
        if node.name in NUMBERS and node.divisor == 1:
            yield node.name
    elif isinstance(node, Json):
        yield from _integers(node.tree)
    elif isinstance(node, dict):
        for child in node.values():
            yield from _integers(child)
    elif isinstance(node, TextOf):
        for part in node.parts:
            yield from _integers(part)


def _log_columns(convention: Convention, kind: str) -> set[str]:
    names: set[str] = set()
    for log in convention.logs:
        if log.table == kind:
            names.update(log.when.columns, log.body.columns if log.body else ())
            for attribute in log.attributes:
                names.update(attribute.value.columns, attribute.when.columns)
    return names


def _metric_columns(convention: Convention, kind: str) -> set[str]:
    names: set[str] = set()
    for metric in convention.metrics:
        if metric.table == kind:
            names.update(metric.when.columns)
            if metric.between and "queue_end" in metric.between:
                names.add("queue_ns")
            for measure in metric.measures:
                names.update(measure.when.columns)
                for column in (measure.value, measure.times):
                    names.update(column.columns if column else ())
            owners = [*metric.attributes, *(a for m in metric.measures for a in m.attributes)]
            for attribute in owners:
                names.update(attribute.value.columns, attribute.when.columns)
    return names
