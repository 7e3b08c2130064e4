"""Prometheus answers in types, and long ranges in pieces."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from simtraffic.backends.prometheus import MOST_POINTS, Prometheus
from simtraffic.backends.query import AskError

if TYPE_CHECKING:
    from tests.backends.fake import Answer, Answering

Fields = dict[str, list[str]]


def data(kind: str, result: Any) -> Answer:
    return 200, {"status": "success", "data": {"resultType": kind, "result": result}}


def in_steps(_path: str, fields: Fields) -> Answer:
    """As Prometheus does it: a value at each step, and one series from the second piece on."""
    start, end, step = (float(fields[key][0]) for key in ("start", "end", "step"))
    count = round((end - start) / step) + 1
    if count > MOST_POINTS:
        return 400, {"status": "error", "error": "exceeded maximum resolution of 11,000 points"}
    times = [start + n * step for n in range(count)]
    found = [{"metric": {"job": "a"}, "values": [[at, str(at)] for at in times]}]
    if start > 1000 and count > 1:
        found.append({"metric": {"job": "b"}, "values": [[times[0], "NaN"], [times[1], "+Inf"]]})
    return data("matrix", found)


def test_an_instant_has_a_series_for_each_sample(store: Answering, prometheus: Prometheus) -> None:
    found = [{"metric": {"job": "a"}, "value": [12.5, "3"]}, {"metric": {}, "value": [12.5, "NaN"]}]
    store.answer = lambda *_: data("vector", found)
    first, second = prometheus.instant("up", 12.5)
    assert (first.labels, first.times.tolist(), first.value) == ({"job": "a"}, [12.5], 3.0)
    assert math.isnan(second.value)
    assert store.asked == [("/api/v1/query", {"query": ["up"], "time": ["12.5"]})]


def test_a_scalar_is_a_series_without_labels(store: Answering, prometheus: Prometheus) -> None:
    store.answer = lambda *_: data("scalar", [7, "1.5"])
    (found,) = prometheus.instant("1.5")
    assert (found.labels, found.value) == ({}, 1.5)
    assert "time" not in store.asked[0][1]


def test_a_native_histogram_has_no_samples(store: Answering, prometheus: Prometheus) -> None:
    store.answer = lambda *_: data("vector", [{"metric": {"a": "b"}, "histogram": [1, {}]}])
    (found,) = prometheus.instant("x")
    assert (len(found.times), len(found.values)) == (0, 0)


def test_a_range_is_asked_for_in_one_piece_where_it_fits(
    store: Answering, prometheus: Prometheus
) -> None:
    store.answer = in_steps
    (found,) = prometheus.range("up", 100, 160, 15)
    assert found.times.tolist() == found.values.tolist() == [100, 115, 130, 145, 160]
    assert store.asked[0][1] == {"query": ["up"], "start": ["100"], "end": ["160"], "step": ["15"]}
    (found,) = prometheus.range("up", 100, 174.9, 15)
    assert found.times[-1] == 160


@pytest.mark.parametrize("steps", [MOST_POINTS, MOST_POINTS + 1, 30_000])
def test_a_long_range_is_put_together_from_pieces(
    store: Answering, prometheus: Prometheus, steps: int
) -> None:
    store.answer = in_steps
    first, *others = prometheus.range("up", 0, (steps - 1) * 0.5, 0.5)
    assert np.array_equal(first.times, np.arange(steps) * 0.5)
    assert np.array_equal(first.values, first.times)
    assert len(store.asked) == -(-steps // MOST_POINTS)
    # One that comes later is there once, with what it has of every piece.
    assert [each.labels for each in others] == [{"job": "b"}] * (steps > MOST_POINTS + 1)
    assert all(len(each.times) == 2 * (len(store.asked) - 1) for each in others)


def test_other_questions_have_answers_of_their_own(
    store: Answering, prometheus: Prometheus
) -> None:
    said = {
        "/api/v1/series": [{"__name__": "up", "job": "a"}],
        "/api/v1/label/job/values": ["a", "b"],
        "/api/v1/query_exemplars": [{"exemplars": [{"labels": {"trace_id": "1"}}]}],
        "/api/v1/rules": {"groups": [{"name": "g"}]},
        "/api/v1/status/buildinfo": {"version": "3.14.0"},
        "/api/v1/alerts": {"alerts": [{
            "labels": {"alertname": "A"}, "annotations": {"summary": "s"}, "state": "firing",
            "activeAt": "1970-01-01T00:01:00.123456789Z", "value": "1e+00"}]},
    }  # fmt: skip
    store.answer = lambda path, _: (200, {"status": "success", "data": said[path]})
    assert prometheus.series("up", "down", start_s=1, end_s=2) == [{"__name__": "up", "job": "a"}]
    assert store.asked[-1][1]["match[]"] == ["up", "down"]
    assert prometheus.label_values("job") == ["a", "b"]
    assert prometheus.exemplars("up", 1, 2) == [{"trace_id": "1"}]
    assert prometheus.rule_groups() == [{"name": "g"}]
    assert prometheus.version() == "3.14.0"
    (alert,) = prometheus.alerts()
    assert (alert.labels, alert.annotations) == ({"alertname": "A"}, {"summary": "s"})
    assert (alert.state, round(alert.since_s, 3)) == ("firing", 60.123)


def test_metrics_are_given_as_they_are(store: Answering, prometheus: Prometheus) -> None:
    store.answer = lambda *_: (200, "")
    prometheus.take(b"\x0a\x00")
    assert store.asked == [("/api/v1/otlp/v1/metrics", {"body": [repr(b"\x0a\x00")]})]
    store.answer = lambda *_: (400, "out of bounds")
    with pytest.raises(AskError, match="answers 400 to /api/v1/otlp/v1/metrics"):
        prometheus.take(b"")
