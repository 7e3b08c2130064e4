"""One key, one value: what several spans, metrics and log records say of the same rows agrees.

Within a convention a key that says two things of a row is a fault. Between conventions the one
that leads the rows' spans decides, in every signal; then those follow in the order of the list.
Attributes of single measurements, such as input or output, are no values of the row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations, product
from typing import TYPE_CHECKING, Any, Literal

from simtraffic.conventions.columns import CATEGORIES
from simtraffic.conventions.model import ALWAYS, Attribute, Column, Json, When
from simtraffic.errors import Fault, FaultsError

if TYPE_CHECKING:
    from simtraffic.conventions.model import Convention, MetricSpec, SpanSpec

    Sort = Literal["record", "series", "measure"]
    Visit = Callable[[str, "tuple[Attribute, ...]", When, Sort], "tuple[Attribute, ...]"]

_MOST_CASES = 4096


Rules = dict[tuple[str, str], list[tuple[Attribute, str]]]
"""By table and key, the values in the order in which they count, each with whose it is."""

_UNNAMED = object()
"""Stands for every value that no condition names."""


def agreed(conventions: Sequence[Convention]) -> list[Convention]:
    """The same conventions, each with the value of whoever leads under keys that it shares.

    Raises:
        FaultsError: a metric would have to show a value that differs from row to row.
    """
    rules = _rules(conventions)
    faults: list[Fault] = []
    made = [
        _rebuilt(convention, partial(_followed, convention.file, rules, faults))
        for convention in conventions
    ]
    if faults:
        raise FaultsError(faults)
    return made


def contradictions(convention: Convention) -> Iterator[tuple[Attribute, Attribute]]:
    """Pairs of attributes by which a convention gives one key of the same rows two values."""
    for places in _by_key(convention).values():
        of_rows = [attributes for sort, attributes in places if sort != "measure"]
        for one, other in combinations(of_rows, 2):
            found = _difference(one, other)
            if found is not None:
                yield found
                break
        for sort, measured in places:
            if sort == "measure" and of_rows:
                found = _difference(of_rows[0], measured)
                if found is not None:
                    yield found


def _by_key(
    convention: Convention,
) -> dict[tuple[str, str], list[tuple[Sort, list[Attribute]]]]:
    """By table and key, what each place says: its alternatives, the first that holds counts."""
    found: dict[tuple[str, str], list[tuple[Sort, list[Attribute]]]] = {}

    def visit(
        table: str, attributes: tuple[Attribute, ...], given: When, sort: Sort
    ) -> tuple[Attribute, ...]:
        here: dict[str, list[Attribute]] = {}
        for attribute in attributes:
            whole = replace(attribute, when=given & attribute.when)
            here.setdefault(attribute.key, []).append(whole)
        for key, alternatives in here.items():
            found.setdefault((table, key), []).append((sort, alternatives))
        return attributes

    _rebuilt(convention, visit)
    return found


def _rules(conventions: Sequence[Convention]) -> Rules:
    said = [(convention, _by_key(convention)) for convention in conventions]
    rules: Rules = {}
    for table, key in {each for _, found in said for each in found}:
        ordered = sorted(said, key=lambda pair: table not in pair[0].spans)
        rules[table, key] = [
            (attribute, convention.name)
            for convention, found in ordered
            for sort, alternatives in found.get((table, key), [])
            if sort != "measure"
            for attribute in alternatives
        ]
    return rules


def _followed(
    file: str,
    rules: Rules,
    faults: list[Fault],
    table: str,
    attributes: tuple[Attribute, ...],
    given: When,
    sort: Sort,
) -> tuple[Attribute, ...]:
    """The same keys with the values that count; what cannot follow is added to ``faults``."""
    made: list[Attribute] = []
    for attribute in attributes:
        when = given & attribute.when
        applying = [
            (rule, owner)
            for rule, owner in rules[table, attribute.key]
            if not _excludes(rule.when, when)
        ]
        followed, problem = _following(attribute, when, applying, sort)
        made += followed
        if problem:
            line, column, path = attribute.place
            hint = "give it another name in one of them"
            faults.append(Fault(file, line, column, path, problem, hint=hint))
    return tuple(made)


def _following(
    attribute: Attribute, when: When, rules: list[tuple[Attribute, str]], sort: Sort
) -> tuple[list[Attribute], str]:
    """What an attribute becomes by the rules that may meet it, and why it cannot follow one."""
    own, problem = meaning(attribute.value), ""
    made: list[Attribute] = []
    for rule, owner in rules:
        if meaning(rule.value) != own:
            problem = _hindrance(rule, owner, sort)
            if problem:
                break
        if _implies(when, rule.when):
            made.append(replace(attribute, value=rule.value))
            break
        made.append(replace(attribute, value=rule.value, when=attribute.when & rule.when))
    else:
        made.append(attribute)
    if all(meaning(each.value) == own for each in made):
        made = [attribute]
    return made, problem


def _hindrance(rule: Attribute, owner: str, sort: Sort) -> str:
    """Why an attribute of this sort cannot take a rule's value; nothing when it can."""
    if sort == "measure":
        return f"{owner} tells this key of the whole row, not of one measurement"
    if sort == "series" and not all(name in CATEGORIES for name in rule.value.columns):
        return f"{owner} tells this key by what differs from row to row, as no metric can"
    return ""


def _rebuilt(convention: Convention, visit: Visit) -> Convention:
    """The convention with all attributes as ``visit`` returns them: records first, then series."""
    return replace(
        convention,
        spans={table: _span(table, span, visit) for table, span in convention.spans.items()},
        logs=tuple(
            replace(log, attributes=visit(log.table, log.attributes, log.when, "record"))
            for log in convention.logs
        ),
        metrics=tuple(_metric(metric, visit) for metric in convention.metrics),
    )


def _span(table: str, span: SpanSpec, visit: Visit) -> SpanSpec:
    return replace(
        span,
        attributes=visit(table, span.attributes, ALWAYS, "record"),
        events=tuple(
            replace(event, attributes=visit(table, event.attributes, event.when, "record"))
            for event in span.events
        ),
    )


def _metric(metric: MetricSpec, visit: Visit) -> MetricSpec:
    return replace(
        metric,
        attributes=visit(metric.table, metric.attributes, metric.when, "series"),
        measures=tuple(
            replace(
                measure,
                attributes=visit(
                    metric.table, measure.attributes, metric.when & measure.when, "measure"
                ),
            )
            for measure in metric.measures
        ),
    )


def meaning(value: object) -> object:
    """What an expression comes to: equal for two that are only written differently."""
    if isinstance(value, Column):
        changes = frozenset(
            (source, type(target), target) for source, target in value.mapping if source != target
        )
        return ("column", value.name, changes, value.divisor, value.cast)
    if isinstance(value, Json):
        return ("json", _tree_meaning(value.tree))
    if isinstance(value, tuple):
        return tuple(meaning(item) for item in value)
    inner = getattr(value, "value", getattr(value, "parts", None))
    return (type(value), value if inner is None else meaning(inner))


def _tree_meaning(tree: object) -> object:
    if isinstance(tree, dict):
        return tuple((key, _tree_meaning(node)) for key, node in tree.items())
    decimals = tree.decimals if isinstance(tree, Column) else 0
    return (meaning(tree), decimals)


def _difference(one: list[Attribute], other: list[Attribute]) -> tuple[Attribute, Attribute] | None:
    """The attributes that count in some case and differ in it; None when they always agree."""
    for case in _cases(one, other):
        first, second = _counting(one, case), _counting(other, case)
        if first and second and meaning(first.value) != meaning(second.value):
            return first, second
    return None


def _cases(one: list[Attribute], other: list[Attribute]) -> Iterator[dict[str, Any]]:
    """What the conditions may meet: each value that is named, and one that is not."""
    named: dict[str, list[Any]] = {}
    for attribute in (*one, *other):
        for column, values in attribute.when.allowed:
            named.setdefault(column, []).extend(values)
    domains = [
        [True, False]
        if all(isinstance(value, bool) for value in values)
        else [*dict.fromkeys(values), _UNNAMED]
        for values in named.values()
    ]
    for count, case in enumerate(product(*domains)):
        if count >= _MOST_CASES:
            return
        yield dict(zip(named, case, strict=True))


def _counting(alternatives: list[Attribute], case: dict[str, Any]) -> Attribute | None:
    return next((each for each in alternatives if each.when.holds(case)), None)


def _excludes(one: When, other: When) -> bool:
    """Whether both can never hold: they want different values of one column."""
    return any(
        column == theirs and not {*map(_exact, values)} & {*map(_exact, wanted)}
        for column, values in one.allowed
        for theirs, wanted in other.allowed
    )


def _implies(one: When, other: When) -> bool:
    """Whether the second holds whenever the first does."""
    return all(
        any(
            column == theirs and {*map(_exact, values)} <= {*map(_exact, wanted)}
            for column, values in one.allowed
        )
        for theirs, wanted in other.allowed
    )


def _exact(value: object) -> tuple[type, object]:
    # True == 1 in Python, but not in a convention.
    return type(value), value
