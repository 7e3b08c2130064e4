"""Reads threshold expressions such as ``p95(time_to_first_token) < 2s during steady``.

The grammar::

    [AGGREGATION "("] MEASURE [")"] OPERATOR LIMIT
        ["during" NAME] ["where" KEY=VALUE {"," KEY=VALUE}]

Whether the names exist is checked later, against the whole scenario.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from simtraffic.scenario.names import nearest
from simtraffic.scenario.part import Part
from simtraffic.scenario.quantities import wrong
from simtraffic.units import UnitError, parse_count, parse_duration, parse_rate, parse_share

if TYPE_CHECKING:
    from collections.abc import Callable

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


class _Reader:
    """A cursor over the text; every fault names the column it is at."""

    def __init__(self, text: str) -> None:
        self.text = text
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

    def is_done(self) -> bool:
        return self.at >= len(self.text)


def parse_threshold(text: str) -> Threshold:
    """The threshold that the text states.

    Raises:
        PydanticCustomError: It does not follow the grammar; carries the offset in the text.
    """
    reader = _Reader(text)
    aggregation, name = _subject(reader)
    measure = MEASURES[name]
    operator = _operator(reader)
    limit = _limit(reader, measure, name)
    during, where = _clauses(reader, measure, name)
    return Threshold(
        text=text,
        aggregation=aggregation,
        measure=name,
        operator=operator,
        limit=limit,
        during=during,
        where=where,
    )


def _subject(reader: _Reader) -> tuple[str | None, str]:
    """Aggregation and measure, each known and fit for the other."""
    start = reader.at
    call = reader.take(_CALL)
    if call is None:
        word = reader.take(_WORD)
        if word is None:
            raise wrong("a threshold starts with a measure", _known_measures(), start)
        name = _measure(word[0], start)
        if MEASURES[name].is_distribution:
            hint = f"write p95({name}), max({name}) or avg({name})"
            raise wrong(f"{name} needs an aggregation", hint, start)
        return None, name
    aggregation = call["aggregation"]
    name = _measure(call["measure"], call.start("measure"))
    if not MEASURES[name].is_distribution:
        raise wrong(f"{name} is one number", f"write {name} alone", start)
    if not _AGGREGATION.fullmatch(aggregation) or not aggregation.strip("p0."):
        raise wrong("unknown aggregation", "known: p50, p90, p95, p99, p99.9, max, avg", start)
    return aggregation, name


def _measure(name: str, at: int) -> str:
    if name not in MEASURES:
        raise wrong("unknown measure", nearest(name, MEASURES) or _known_measures(), at)
    return name


def _known_measures() -> str:
    return f"known: {', '.join(MEASURES)}"


def _operator(reader: _Reader) -> str:
    start = reader.at
    match = reader.take(_OPERATOR)
    if match is None or match[0] not in OPERATORS:
        problem = "unknown operator" if match else "an operator is missing"
        raise wrong(problem, f"known: {' '.join(OPERATORS)}", start)
    return match[0]


def _limit(reader: _Reader, measure: Measure, name: str) -> float:
    start = reader.at
    match = reader.take(_LIMIT)
    if match is None:
        raise wrong("a limit is missing", f"write what to compare {name} with", start)
    try:
        return measure.limit(match[0])
    except UnitError as error:
        raise wrong(f"{name}: {error.problem}", error.hint, start) from error


def _clauses(reader: _Reader, measure: Measure, name: str) -> tuple[str | None, dict[str, str]]:
    during: str | None = None
    where: dict[str, str] = {}
    while not reader.is_done():
        start = reader.at
        match = reader.take(_CLAUSE)
        word = match[0] if match else ""
        if word not in {"during", "where"}:
            raise wrong("unexpected words", "what may follow: during NAME, where KEY=VALUE", start)
        if not measure.is_of_requests:
            raise wrong(f"{name} is of the whole run", f"leave {word} out", start)
        if (word == "during" and during) or (word == "where" and where):
            raise wrong(f"{word} is given twice", "leave one out", start)
        if word == "during":
            during = _during(reader)
        else:
            where = _where(reader)
    return during, where


def _during(reader: _Reader) -> str:
    start = reader.at
    match = reader.take(_NAME)
    if match is None or match[0] == "where":
        raise wrong("a name is missing after during", "name a stage or an incident", start)
    return match[0]


def _where(reader: _Reader) -> dict[str, str]:
    where: dict[str, str] = {}
    while True:
        start = reader.at
        match = reader.take(_PAIR)
        if match is None:
            known = ", ".join(WHERE_KEYS)
            raise wrong("a condition is missing after where", f"write KEY=VALUE of {known}", start)
        key, value = match[1], match[2]
        if key not in WHERE_KEYS:
            hint = nearest(key, WHERE_KEYS) or f"known: {', '.join(WHERE_KEYS)}"
            raise wrong("unknown condition", hint, start)
        if key in where:
            raise wrong(f"{key} is given twice", "leave one out", start)
        where[key] = value
        if reader.take(_COMMA) is None:
            return where


_COMMA = re.compile(r",")
