"""Holds the spans of an `--out` file against its metrics and logs.

`python -m tools.one_truth FILE` prints both sides and exits with 1 when one differs.

For runs with the conventions `gen_ai` and `llm`, all signals and cumulative metrics. Every line is
a number found twice, and must be the same twice; durations in nanoseconds, cost in 1e-12 USD.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

Item = dict[str, Any]
_OPERATION = "gen_ai.operation.name"
_ATTEMPT = "POST"


class Line(NamedTuple):
    """A number as two signals tell it."""

    what: str
    spans: int
    other: int


class Told:
    """What a file holds: spans, log records and the last point of every series."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.spans: list[Item] = []
        self.logs: list[Item] = []
        self._points: dict[tuple[str, str, str], Item] = {}
        for line in lines:
            request = json.loads(line)
            self.spans += _items(request, "resourceSpans", "scopeSpans", "spans")
            self.logs += _items(request, "resourceLogs", "scopeLogs", "logRecords")
            for resource in request.get("resourceMetrics", []):
                instance = json.dumps(resource["resource"])
                for metric in _items({"one": [resource]}, "one", "scopeMetrics", "metrics"):
                    self._take(instance, metric)
        self.exemplars: list[Item] = []
        for point in self._points.values():
            self.exemplars += point.get("exemplars", [])

    def _take(self, instance: str, metric: Item) -> None:
        data = metric.get("histogram") or metric.get("sum") or metric.get("gauge") or {}
        for point in data.get("dataPoints", []):
            series = json.dumps(point.get("attributes", []))
            self._points[instance, metric["name"], series] = point

    def points(self, name: str) -> list[Item]:
        """The last points of this metric."""
        return [point for (_, metric, _), point in self._points.items() if metric == name]


def _items(request: Item, outer: str, scope: str, inner: str) -> Iterator[Item]:
    for resource in request.get(outer, []):
        for part in resource[scope]:
            yield from part[inner]


def values(item: Item) -> Item:
    """Attributes of a span, point or record as plain values."""
    return {a["key"]: next(iter(a["value"].values())) for a in item.get("attributes", [])}


def compare(told: Told) -> list[Line]:
    """Every number that spans and another signal both tell."""
    servers = [span for span in told.spans if span["kind"] == 2]
    attempts = [span for span in told.spans if span["name"] == _ATTEMPT]
    operations = [span for span in told.spans if _OPERATION in values(span)]
    failed = [span for span in operations if span.get("status", {}).get("code") == 2]
    known = {(span["traceId"], span["spanId"]) for span in told.spans}
    pointing = [e for e in told.exemplars if (e["traceId"], e["spanId"]) in known]
    exceptions = [log for log in told.logs if log.get("severityNumber") == 13]
    lines = []
    for what, spans, name in (
        ("requests", servers, "http.server.request.duration"),
        ("attempts", attempts, "http.client.request.duration"),
        ("operations", operations, "gen_ai.client.operation.duration"),
    ):
        points = told.points(name)
        took = sum(int(s["endTimeUnixNano"]) - int(s["startTimeUnixNano"]) for s in spans)
        lines.append(Line(what, len(spans), sum(int(p["count"]) for p in points)))
        lines.append(Line(f"{what}, ns", took, sum(round(p["sum"] * 1e9) for p in points)))
    for kind in ("input", "output"):
        points = [
            p
            for p in told.points("gen_ai.client.token.usage")
            if values(p)["gen_ai.token.type"] == kind
        ]
        tokens = sum(int(values(s).get(f"gen_ai.usage.{kind}_tokens", 0)) for s in operations)
        lines.append(Line(f"{kind} tokens", tokens, sum(round(p["sum"]) for p in points)))
    cost = sum(round(values(s).get("llm.cost.estimated", 0.0) * 1e12) for s in operations)
    totals = [p for p in told.points("llm.cost.total") if values(p)["cost_component"] == "total"]
    errors = sum(int(p["asInt"]) for p in told.points("llm.requests.errors.total"))
    return [
        *lines,
        *_kinds_of_error(told, failed, exceptions),
        Line("cost, 1e-12 USD", cost, sum(round(p["asDouble"] * 1e12) for p in totals)),
        Line("failed operations", len(failed), errors),
        Line("failed, in logs", len(failed), len(exceptions)),
        Line("exemplars", len(pointing), len(told.exemplars)),
    ]


def _kinds_of_error(told: Told, failed: list[Item], exceptions: list[Item]) -> list[Line]:
    """Failed operations by `error.type`: one word in spans, in the duration and in log records."""
    spans, logs = (Counter(map(_error_type, items)) for items in (failed, exceptions))
    points: Counter[str] = Counter()
    for point in told.points("gen_ai.client.operation.duration"):
        if _error_type(point):
            points[_error_type(point)] += int(point["count"])
    return [
        line
        for kind in sorted({*spans, *points, *logs})
        for line in (
            Line(f"{kind}, metrics", spans[kind], points[kind]),
            Line(f"{kind}, logs", spans[kind], logs[kind]),
        )
    ]


def _error_type(item: Item) -> str:
    return str(values(item).get("error.type", ""))


def main() -> None:
    """Print the lines; exit with 1 when one differs."""
    with Path(sys.argv[1]).open(encoding="utf-8") as file:
        lines = compare(Told(file))
    for line in lines:
        sign = "=" if line.spans == line.other else "IS NOT"
        sys.stdout.write(f"{line.what:32}{line.spans:>20} {sign} {line.other}\n")
    raise SystemExit(any(line.spans != line.other for line in lines))


if __name__ == "__main__":
    main()
