"""What a board asks for, asked of a Prometheus: variables filled in, macros replaced."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simtraffic.backends.prometheus import Prometheus, Series

Drawn = tuple[Mapping[str, str], list[float], list[float]]
"""Labels, times in Unix seconds and values of a series."""
_MACROS = {"$__rate_interval": "40s", "$__range": "15m", "$__interval": "10s"}
_OURS = ("service", "environment", "provider", "model", "run", "instance")
_STEPS = 180


def filled(expression: str, **variables: str) -> str:
    """A panel's query with Grafana's macros and the board's variables filled in.

    A variable that is not given means all, as the boards' ``allValue`` has it.
    """
    for macro, value in _MACROS.items():
        expression = expression.replace(macro, value)
    return _with_variables(expression, dict.fromkeys(_OURS, ".*") | variables)


def _with_variables(expression: str, variables: dict[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        return variables.get(found[1] or found[2] or found[3], found[0])

    return re.sub(r"\$(\w+)|\$\{(\w+)(?::\w+)?\}|\[\[(\w+)\]\]", value, expression)


def variables_of(board: dict[str, Any]) -> dict[str, str]:
    """What a board's own variables stand for: all of a query's, the present value of the others."""
    made = {}
    for variable in board.get("templating", {}).get("list", ()):
        current = variable.get("current", {}).get("value", "")
        chosen = next(iter(current), "") if isinstance(current, list) else current
        if variable.get("type") == "query" or chosen in {"", "$__all"}:
            chosen = variable.get("allValue") or ".*"
        made[variable["name"]] = str(chosen)
    return made


@dataclass
class Source:
    """A Prometheus and a stretch of time."""

    prometheus: Prometheus
    end_s: float
    """When the stretch ends, in Unix seconds."""
    minutes: float
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def start_s(self) -> float:
        """When the stretch begins, in Unix seconds."""
        return self.end_s - 60 * self.minutes

    @property
    def step_s(self) -> float:
        """Seconds between two points: five at least, and no more than are seen."""
        return max(5.0, (self.end_s - self.start_s) / _STEPS)

    def series(self, expression: str) -> list[Drawn]:
        """Each series over the whole stretch.

        Raises:
            AskError: Prometheus cannot be reached, or does not understand the query.
        """
        query = self._query(expression)
        return _drawn(self.prometheus.range(query, self.start_s, self.end_s, self.step_s))

    def present(self, expression: str) -> list[Drawn]:
        """Each series at the end of the stretch alone.

        Raises:
            AskError: As :meth:`series`.
        """
        return _drawn(self.prometheus.instant(self._query(expression), self.end_s))

    def _query(self, expression: str) -> str:
        for macro in ("$__range", "${__range}"):
            expression = expression.replace(macro, f"{round(60 * self.minutes)}s")
        return filled(_with_variables(expression, self.variables))


def _drawn(found: Sequence[Series]) -> list[Drawn]:
    return [(each.labels, each.times.tolist(), each.values.tolist()) for each in found]
