"""Promise three: the same scenario, seed and start give the same bytes, however it is sharded."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from simtraffic.scenario import parse_scenario
from tests.asking import run_with
from tests.told import RICH as USUAL

if TYPE_CHECKING:
    from pathlib import Path

CALM = USUAL.replace("[gen_ai, llm]", "[gen_ai, llm, simtraffic]")
RICH = (
    CALM
    + """
incidents:
  - {name: brown-out, at: 6s, duration: 7s, match: {provider: openai}, errors: {overloaded: 20%}}
  - {name: slow, at: 18s, duration: 1h, match: {flow: titles}, slowdown: 2}
"""
)
START = "2026-01-01T00:00:00Z"
GAUGES_AND_SUMS = ("gauge", "sum", "histogram")


def lines(path: Path, **options: Any) -> list[str]:
    """The file that a run of the rich scenario writes."""
    text = options.pop("text", RICH)
    result = run_with(
        parse_scenario(text, file="rich.yaml"), out=str(path), **({"start": START} | options)
    )
    assert result.exit_code == 0
    return path.read_text().splitlines()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The whole rich run."""
    return lines(tmp_path_factory.mktemp("whole") / "whole.jsonl")


def entries(written: list[str], signal: str, outer: str, inner: str) -> Counter[str]:
    """Each span or record with its resource, as canonical text, counted."""
    found: Counter[str] = Counter()
    for line in written:
        for resource in json.loads(line).get(f"resource{signal}", []):
            for scope in resource[f"scope{outer}"]:
                for item in scope[inner]:
                    found[json.dumps([resource["resource"], item], sort_keys=True)] += 1
    return found


def last_points(written: list[str]) -> dict[tuple[str, str, str], dict[str, Any]]:
    """The last point of every series: by instance, metric and attributes."""
    last: dict[tuple[str, str, str], dict[str, Any]] = {}
    for line in written:
        for resource in json.loads(line).get("resourceMetrics", []):
            attributes = {a["key"]: a["value"] for a in resource["resource"]["attributes"]}
            instance = attributes["service.instance.id"]["stringValue"]
            for scope in resource["scopeMetrics"]:
                for metric in scope["metrics"]:
                    for kind in GAUGES_AND_SUMS:
                        for point in metric.get(kind, {}).get("dataPoints", []):
                            key = json.dumps(point.get("attributes", []), sort_keys=True)
                            last[instance, metric["name"], key] = point
    return last


def amounts(point: dict[str, Any]) -> tuple[Any, ...]:
    """What of a point adds up: buckets and integers; money and seconds to nine places."""
    whole = [int(n) for n in point.get("bucketCounts", [])]
    number = point.get("asDouble", point.get("sum", 0.0))
    return (*whole, int(point.get("asInt", 0)), int(point.get("count", 0)), float(number))


def test_the_same_run_writes_the_same_bytes(tmp_path: Path, whole: list[str]) -> None:
    """Twice the same, byte for byte."""
    assert lines(tmp_path / "again") == whole


@pytest.mark.parametrize(
    "other",
    [{"text": RICH.replace("seed: 11", "seed: 12")}, {"start": "2026-01-01T00:00:01Z"}],
    ids=["seed", "start"],
)
def test_another_seed_or_start_writes_other_bytes(
    tmp_path: Path, whole: list[str], other: dict[str, Any]
) -> None:
    """The comparison above is able to fail."""
    assert lines(tmp_path / "other", **other) != whole


def test_another_start_changes_ids_and_times_alone(tmp_path: Path, whole: list[str]) -> None:
    """What happened is the seed's business: the same tokens are used."""

    def tokens(written: list[str]) -> Counter[str]:
        return Counter(
            attribute["value"]["intValue"]
            for line in written
            for resource in json.loads(line).get("resourceSpans", [])
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
            for attribute in span["attributes"]
            if attribute["key"] == "gen_ai.usage.input_tokens"
        )

    first = tokens(whole)

    assert first == tokens(lines(tmp_path / "b", start="2025-06-01T00:00:00Z"))
    assert first.total() > 300


@pytest.mark.parametrize("count", [3, pytest.param(8, marks=pytest.mark.long)])
def test_shards_together_are_the_whole(tmp_path: Path, whole: list[str], count: int) -> None:
    """Spans and records are exactly those of the whole; the last points add up to its own."""
    shards = [lines(tmp_path / f"{k}", shard=f"{k}/{count}") for k in range(1, count + 1)]

    for signal, outer, inner in (("Spans", "Spans", "spans"), ("Logs", "Logs", "logRecords")):
        parts = Counter[str]()
        for part in shards:
            parts.update(entries(part, signal, outer, inner))
        assert parts == entries(whole, signal, outer, inner)
    added: dict[Any, tuple[Any, ...]] = {}
    rates = set()
    for part in shards:
        for key, point in last_points(part).items():
            one = amounts(point)
            before = added.get(key, (0,) * len(one))
            added[key] = tuple(a + b for a, b in zip(before, one, strict=True))
            if "hourly_rate" in key[1]:
                rates.add(key)
    expected = {key: amounts(point) for key, point in last_points(whole).items()}
    # A rate is over the last interval, which is as long as the shard's own last span says.
    for key in set(expected) - rates:
        assert added[key] == pytest.approx(expected[key], rel=1e-9), key
    assert set(added) == set(expected)


def test_a_shards_metrics_say_so(tmp_path: Path) -> None:
    """Two writers of one stream would be a fault: the resource tells them apart."""
    text = "\n".join(lines(tmp_path / "a", shard="2/3"))

    assert '{"key":"simtraffic.shard","value":{"stringValue":"2/3"}}' in text
    for line in text.splitlines():
        if "resourceSpans" in line:
            assert "simtraffic.shard" not in line


def test_real_time_tells_the_same_spans(tmp_path: Path) -> None:
    """At any speed the records are the same; only how they are batched differs."""
    brief = CALM.replace("20s, rate: 25/s", "2s, rate: 25/s")
    fast = lines(tmp_path / "fast", text=brief)
    real = lines(tmp_path / "real", text=brief, speed=1000.0)

    assert entries(fast, "Spans", "Spans", "spans") == entries(real, "Spans", "Spans", "spans")
    assert entries(fast, "Logs", "Logs", "logRecords") == entries(
        real, "Logs", "Logs", "logRecords"
    )
    points, others = last_points(fast), last_points(real)
    # Which of a bucket's measurements is its example depends on the order of counting.
    for point in (*points.values(), *others.values()):
        point.pop("exemplars", None)
    assert points == others
