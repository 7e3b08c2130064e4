"""Reads threshold expressions such as ``p95(time_to_first_token) < 2s during steady``.

The grammar::

    [AGGREGATION "("] MEASURE [")"] OPERATOR LIMIT
        ["during" NAME] ["where" KEY=VALUE {"," KEY=VALUE}]

Whether the names exist is checked later, against the whole scenario.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import Field

from simtraffic.documents.names import nearest
from simtraffic.scenario.part import Part
from simtraffic.scenario.quantities import wrong
from simtraffic.units import UnitError, parse_count, parse_duration, parse_rate, parse_share

OPERATORS = ("<", "<=", ">", ">=", "==", "!=")
WHERE_KEYS = ("provider", "model", "flow", "instance")

_AGGREGATION = re.compile(r"p[0-9]{1,2}(?:\.[0-9]{1,3})?|max|avg")
_CALL = re.compile(r"(?P<aggregation>[A-Za-z0-9_.]+)\s*\(\s*(?P<measure>[^()\s]*)\s*\)")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_OPERATOR = re.compile(r"[<>=!~]+")
_LIMIT = re.compile(r"\S+")
_CLAUSE = re.compile(r"\S+")
_NAME = re.compile(r"[^\s,=]+")
_PAIR = re.compile(r"([^\s,=]+)\s*=\s*([^\s,=]+)")
_SPACE = re.compile(r"\s*")
_CLAUSES = re.compile(r"(?<!\S)(?:during|where)(?!\S)")
_DURING = re.compile(r"(?<!\S)during\s+([^\s,=]+)")
_WHERE = re.compile(r"(?<!\S)where\s+(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Measure:
    """What a measure can be asked for."""

    limit: Callable[[str], float]
    """Reads the limit: seconds, a ratio, a rate a second or a plain number."""
    is_distribution: bool = False
    """Needs an aggregation."""
    is_of_requests: bool = True
    """Can be narrowed with during and where."""


def _seconds(text: str) -> float:
    return parse_duration(text) / 1e9


def _ratio(text: str) -> float:
    try:
        value = float(text) if _NUMBER.fullmatch(text) else None
    except ValueError:  # pragma: no cover - the pattern only lets numbers through
        value = None
    if value is not None and value <= 1:
        return value
    return parse_share(text)


def _amount(text: str) -> float:
    if _NUMBER.fullmatch(text):
        return float(text)
    return float(parse_count(text))


def _dollars(text: str) -> float:
    if _NUMBER.fullmatch(text):
        return float(text)
    raise UnitError("not an amount of dollars", "write a plain number like 2.50")


_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?")

MEASURES = {
    "delivered": Measure(_ratio, is_of_requests=False),
    "error_share": Measure(_ratio),
    "lateness": Measure(_seconds, is_distribution=True, is_of_requests=False),
    "time_to_first_token": Measure(_seconds, is_distribution=True),
    "duration": Measure(_seconds, is_distribution=True),
    "requests": Measure(_amount),
    "rate": Measure(parse_rate),
    "input_tokens": Measure(_amount, is_distribution=True),
    "output_tokens": Measure(_amount, is_distribution=True),
    "cost_usd": Measure(_dollars),
    "planned": Measure(_amount, is_of_requests=False),
    "generated": Measure(_amount, is_of_requests=False),
    "skipped": Measure(_amount, is_of_requests=False),
}


class Threshold(Part):
    """Something that must hold at the end of a run."""

    text: str
    """As written."""
    aggregation: str | None = None
    """``p50``, ``p99.9``, ``max``, ``avg``; None for measures that are one number."""
    measure: str
    operator: str
    limit: float
    """Seconds for durations, a ratio for shares, requests a second for rates, else a number."""
    during: str | None = None
    """A stage or an incident."""
    where: dict[str, str] = Field(default_factory=dict)
    """Any of provider, model (``provider/model``), flow and instance."""


class _Cursor:
    """A cursor over the text; remembers what is wrong: problem, hint and place in the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.errors: list[tuple[str, str, int]] = []
        self.at = 0
        self.skip_space()

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.at)
        if match:
            self.at = match.end()
            self.skip_space()
        return match

    def skip_space(self) -> None:
        space = _SPACE.match(self.text, self.at)
        self.at = space.end() if space else self.at

    def skip_to(self, pattern: re.Pattern[str]) -> None:
        """To where the pattern is met, or to the end."""
        match = pattern.search(self.text, self.at)
        self.at = match.start() if match else len(self.text)

    def wrong(self, problem: str, hint: str, at: int) -> None:
        """Remember an error at this place."""
        self.errors.append((problem, hint, at))

    def is_done(self) -> bool:
        return self.at >= len(self.text)


def parse_threshold(text: str) -> Threshold:
    """The threshold that the text states.

    Raises:
        PydanticCustomError: It does not follow the grammar; carries the offset in the text, and
            as ``more`` the further errors after the first.
    """
    cursor = _Cursor(text)
    aggregation, name = _subject(cursor)
    measure = MEASURES.get(name)
    operator = _operator(cursor)
    limit = _limit(cursor, measure, name) if operator else 0.0
    if cursor.errors:
        cursor.skip_to(_CLAUSES)
    during, where = _clauses(cursor, measure, name)
    if cursor.errors:
        first, *others = cursor.errors
        raise wrong(first[0], first[1], first[2], others)
    return Threshold(
        text=text,
        aggregation=aggregation,
        measure=name,
        operator=operator,
        limit=limit,
        during=during,
        where=where,
    )


def clauses_of(text: str) -> tuple[str | None, dict[str, str]]:
    """What follows ``during`` and ``where``, as far as it can be read."""
    during = _DURING.search(text)
    where = _WHERE.search(text)
    pairs = _PAIR.findall(where[1]) if where else []
    return during[1] if during else None, {k: v for k, v in pairs if k in WHERE_KEYS}


def _subject(cursor: _Cursor) -> tuple[str | None, str]:
    """Aggregation and measure, each known and fit for the other; an empty name for an unknown."""
    start = cursor.at
    call = cursor.take(_CALL)
    if call is None:
        word = cursor.take(_WORD)
        if word is None:
            cursor.wrong("a threshold starts with a measure", _known_measures(), start)
            cursor.skip_to(_OPERATOR)
            return None, ""
        name = _measure(cursor, word[0], start)
        if name and MEASURES[name].is_distribution:
            hint = f"write p95({name}), max({name}) or avg({name})"
            cursor.wrong(f"{name} needs an aggregation", hint, start)
        return None, name
    aggregation = call["aggregation"]
    name = _measure(cursor, call["measure"], call.start("measure"))
    if name and not MEASURES[name].is_distribution:
        cursor.wrong(f"{name} is one number", f"write {name} alone", start)
    elif not _AGGREGATION.fullmatch(aggregation) or not aggregation.strip("p0."):
        hint = "known: p50, p90, p95, p99, p99.9, max, avg"
        cursor.wrong("unknown aggregation", hint, start)
    return aggregation, name


def _measure(cursor: _Cursor, name: str, at: int) -> str:
    if name in MEASURES:
        return name
    cursor.wrong("unknown measure", nearest(name, MEASURES) or _known_measures(), at)
    return ""


def _known_measures() -> str:
    return f"known: {', '.join(MEASURES)}"


def _operator(cursor: _Cursor) -> str:
    """The operator; empty when there is none, so that nothing after it makes sense."""
    start = cursor.at
    if cursor.errors and cursor.is_done():
        return ""  # a single wrong word lacks more than can be told
    match = cursor.take(_OPERATOR)
    if match is None or match[0] not in OPERATORS:
        problem = "unknown operator" if match else "an operator is missing"
        cursor.wrong(problem, f"known: {' '.join(OPERATORS)}", start)
    return match[0] if match else ""


def _limit(cursor: _Cursor, measure: Measure | None, name: str) -> float:
    start = cursor.at
    match = cursor.take(_LIMIT)
    if match is None:
        cursor.wrong("a limit is missing", f"write what to compare {name or 'it'} with", start)
        return 0.0
    if measure is None:
        return 0.0
    try:
        return measure.limit(match[0])
    except UnitError as error:
        cursor.wrong(f"{name}: {error.problem}", error.hint, start)
        return 0.0


def _clauses(
    cursor: _Cursor, measure: Measure | None, name: str
) -> tuple[str | None, dict[str, str]]:
    during: str | None = None
    where: dict[str, str] = {}
    while not cursor.is_done():
        start = cursor.at
        match = cursor.take(_CLAUSE)
        word = match[0] if match else ""
        if word not in {"during", "where"}:
            hint = "what may follow: during NAME, where KEY=VALUE"
            cursor.wrong("unexpected words", hint, start)
            break
        if measure is not None and not measure.is_of_requests:
            cursor.wrong(f"{name} is of the whole run", f"leave {word} out", start)
            break
        if (word == "during" and during) or (word == "where" and where):
            cursor.wrong(f"{word} is given twice", "leave one out", start)
            break
        if word == "during":
            during = _during(cursor)
        else:
            where = _where(cursor)
    return during, where


def _during(cursor: _Cursor) -> str:
    start = cursor.at
    match = cursor.take(_NAME)
    if match is None or match[0] == "where":
        cursor.wrong("a name is missing after during", "name a stage or an incident", start)
        cursor.at = len(cursor.text)
    return match[0] if match else ""


def _where(cursor: _Cursor) -> dict[str, str]:
    where: dict[str, str] = {}
    while True:
        start = cursor.at
        match = cursor.take(_PAIR)
        if match is None:
            known = ", ".join(WHERE_KEYS)
            hint = f"write KEY=VALUE of {known}"
            cursor.wrong("a condition is missing after where", hint, start)
            cursor.at = len(cursor.text)
            return where
        key, value = match[1], match[2]
        if key not in WHERE_KEYS:
            hint = nearest(key, WHERE_KEYS) or f"known: {', '.join(WHERE_KEYS)}"
            cursor.wrong("unknown condition", hint, start)
        elif key in where:
            cursor.wrong(f"{key} is given twice", "leave one out", start)
        where[key] = value
        if cursor.take(_COMMA) is None:
            return where


_COMMA = re.compile(r",")
