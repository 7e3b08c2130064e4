"""What a PromQL expression asks for, by a parser that is not ours, and what there is to ask for."""

from __future__ import annotations

import re
from typing import Any

import promql_parser

from simtraffic.backends.prometheus_names import prometheus_name
from simtraffic.conventions.load import built_in_names, load_conventions

RESOURCE_LABELS = {
    "service_name",
    "deployment_environment_name",
    "instance",
    "job",
    "le",
    "simtraffic_run_id",
}
RECORDED_LABELS = {
    *RESOURCE_LABELS,
    "provider",
    "model",
    "tier",
    "slo",
    "convention",
    "signal",
    "exporter",
}


def selectors(expression: str) -> list[tuple[str, dict[str, str]]]:
    """Names and label matchers of every selector of an expression."""
    found: list[tuple[str, dict[str, str]]] = []

    def walk(node: Any) -> None:
        if isinstance(node, promql_parser.MatrixSelector):
            walk(node.vector_selector)
            return
        if isinstance(node, promql_parser.VectorSelector):
            matchers = {m.name: m.value for m in node.matchers.matchers}
            found.append((node.name or matchers.pop("__name__"), matchers))
            return
        for child in ("expr", "lhs", "rhs", "param"):
            if (inner := getattr(node, child, None)) is not None:
                walk(inner)
        for argument in getattr(node, "args", None) or []:
            walk(argument)

    walk(promql_parser.parse(expression))
    return found


def emitted() -> dict[str, set[str]]:
    """Names in Prometheus of all that the built-in conventions tell, with their labels."""
    made: dict[str, set[str]] = {}
    for convention in load_conventions(built_in_names()):
        for metric in convention.metrics:
            name = prometheus_name(metric.name, metric.unit, metric.instrument)
            labels = {a.key for a in metric.attributes}
            for measure in metric.measures:
                labels |= {a.key for a in measure.attributes}
            plain = {re.sub(r"\W", "_", key) for key in labels}
            suffixes = ("_bucket", "_sum", "_count") if metric.instrument == "histogram" else ("",)
            for suffix in suffixes:
                made.setdefault(name + suffix, set()).update(plain, RESOURCE_LABELS)
    return made
