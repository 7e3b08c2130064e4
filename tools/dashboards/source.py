"""What a board asks for, asked of a Prometheus: variables filled in, macros replaced."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import httpx

from simtraffic.errors import UsageError

Drawn = tuple[dict[str, str], list[float], list[float]]
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

    url: str
    end_s: float
    minutes: float
    """Unix seconds."""
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def start_s(self) -> float:
        """Unix seconds."""
        return self.end_s - 60 * self.minutes

    @property
    def step_s(self) -> float:
        """Between two points."""
        return max(5.0, (self.end_s - self.start_s) / _STEPS)

    def series(self, expression: str) -> list[Drawn]:
        """Each series over the whole stretch.

        Raises:
            UsageError: Prometheus cannot be reached, or does not understand the query.
        """
        window = {"start": self.start_s, "end": self.end_s, "step": self.step_s}
        return [
            (
                each["metric"],
                [float(time) for time, _ in each["values"]],
                [float(value) for _, value in each["values"]],
            )
            for each in self._ask("query_range", expression, window)
        ]

    def present(self, expression: str) -> list[Drawn]:
        """Each series at the end of the stretch alone.

        Raises:
            UsageError: as :meth:`series`.
        """
        found = self._ask("query", expression, {"time": self.end_s})
        return [(s["metric"], [float(s["value"][0])], [float(s["value"][1])]) for s in found]

    def _ask(self, path: str, expression: str, window: dict[str, float]) -> list[dict[str, Any]]:
        for macro in ("$__range", "${__range}"):
            expression = expression.replace(macro, f"{round(60 * self.minutes)}s")
        query = filled(_with_variables(expression, self.variables))
        try:
            answer = httpx.post(
                f"{self.url}/api/v1/{path}", data={"query": query, **window}, timeout=60
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UsageError(
                f"{self.url}: Prometheus cannot be reached; {error}; name one with --prometheus"
            ) from error
        try:
            said = answer.json()
        except ValueError as error:
            raise UsageError(
                f"{self.url}: not a Prometheus; it answers {answer.status_code}"
            ) from error
        if answer.status_code != 200:
            raise UsageError(f"{said.get('error', answer.status_code)}; asked {query}")
        if said["data"]["resultType"] == "scalar":
            return [{"metric": {}, "value": said["data"]["result"]}]
        found: list[dict[str, Any]] = said["data"]["result"]
        return found
