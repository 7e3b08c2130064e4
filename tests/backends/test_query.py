"""Stores are asked one way: typed answers, long ranges in pieces, one line where it fails."""

from __future__ import annotations

import math
import socket
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from simtraffic.backends.ports import HOST, free_ports
from simtraffic.backends.query import (
    MOST_POINTS,
    AskError,
    Jaeger,
    Prometheus,
    Store,
    VictoriaLogs,
    answers,
)
from simtraffic.errors import ExitCode
from tests.backends.fake import Answer, Answering, answering

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


@pytest.fixture
def store() -> Iterator[Answering]:
    with answering(lambda *_: (404, "")) as made:
        yield made


@pytest.fixture
def prometheus(store: Answering) -> Iterator[Prometheus]:
    with Prometheus(f"{store.url}/") as made:
        yield made


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


def test_a_query_that_is_refused_is_told_with_the_stores_words(
    store: Answering, prometheus: Prometheus
) -> None:
    store.answer = lambda *_: (400, {"status": "error", "error": "1:1: parse\nerror"})
    with pytest.raises(AskError) as found:
        prometheus.instant("sum(\n")
    assert str(found.value) == (f"{store.url}: Prometheus refuses; 1:1: parse error; asked sum(")
    assert found.value.said == "1:1: parse error"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((404, "404 page not found"), "it answers 404 to /api/v1/query"),
        ((302, ""), "it answers 302 to /api/v1/query"),
        ((200, "<html>"), "it answers no JSON"),
        ((200, {"message": "hello"}), "it answers other JSON"),
        ((200, [1]), "it answers other JSON"),
        ((500, [1]), "it answers 500 to /api/v1/query"),
    ],
)
def test_another_program_is_told_from_a_store_that_refuses(
    store: Answering, prometheus: Prometheus, answer: Answer, said: str
) -> None:
    store.answer = lambda *_: answer
    with pytest.raises(AskError) as found:
        prometheus.instant("up")
    assert str(found.value) == f"{store.url}: not a Prometheus; {said}; name another address"
    assert (found.value.said, found.value.exit_code) == ("", ExitCode.USAGE)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"http://{HOST}:9", "refused"),
        ("localhost:9090", "protocol"),
        ("http://[::1", "cannot be reached"),
    ],
)
def test_one_that_cannot_be_reached_is_told_in_a_line(url: str, said: str) -> None:
    with pytest.raises(AskError) as found, Prometheus(url) as asked:
        asked.instant("up")
    (line,) = str(found.value).splitlines()
    assert line.startswith(f"{url}: Prometheus cannot be reached; ")
    assert said in line
    assert line.endswith("; start it, or name another address")


def test_who_logs_in_by_the_address_is_not_told(store: Answering) -> None:
    store.answer = lambda *_: (400, {"error": "no\x1b[31m such\nmetric"})
    address = store.url.replace("//", "//me:hunter2@")
    with Prometheus(address) as asked, pytest.raises(AskError) as refused:
        asked.instant("up")
    assert str(refused.value).startswith(f"{store.url}: Prometheus refuses; no [31m such metric; ")
    with Prometheus(f"http://me:hunter2@{HOST}:9") as asked, pytest.raises(AskError) as away:
        asked.instant("up")
    assert str(away.value).startswith(f"http://{HOST}:9: Prometheus cannot be reached; ")


def test_one_that_is_silent_is_not_waited_for_for_ever() -> None:
    with socket.create_server((HOST, 0)) as silent:
        url = f"http://{HOST}:{silent.getsockname()[1]}"
        said = r"webhook cannot be reached; no answer within 0\.1 s"
        with (
            Store(url, name="webhook", timeout_s=0.1) as asked,
            pytest.raises(AskError, match=said),
        ):
            asked.get("/notifications")


def test_any_store_is_asked_for_json_and_for_pages(store: Answering) -> None:
    store.answer = lambda path, _: (200, "up 1\n" if path == "/metrics" else [path])
    with Store(store.url, login=("me", "secret")) as asked:
        assert asked.text("/metrics") == "up 1\n"
        assert asked.get("/api/search", type="dash-db") == ["/api/search"]
        assert asked.post("/form", query="x") == ["/form"]
    assert store.asked[1:] == [("/api/search", {"type": ["dash-db"]}), ("/form", {"query": ["x"]})]


def test_jaeger_has_traces_and_says_what_it_lacks(store: Answering) -> None:
    said: dict[str, Answer] = {
        "/api/traces": (200, {"data": [{"traceID": "1", "spans": []}]}),
        "/api/v3/traces/1": (200, {"result": {"resourceSpans": []}}),
        "/api/v3/traces/2": (404, {"error": {"httpCode": 404, "message": "trace not found"}}),
    }
    store.answer = lambda path, _: said[path]
    with Jaeger(store.url) as jaeger:
        assert jaeger.traces("gateway", limit=5) == [{"traceID": "1", "spans": []}]
        assert jaeger.trace("1") == {"result": {"resourceSpans": []}}
        with pytest.raises(AskError, match="Jaeger refuses; trace not found; asked /api/v3"):
            jaeger.trace("2")
        said["/api/traces"] = (400, {"errors": [{"code": 400, "msg": "no service"}]})
        with pytest.raises(AskError, match="Jaeger refuses; no service; asked"):
            jaeger.traces("")
        said["/api/traces"] = (404, "not found")
        with pytest.raises(AskError, match="not a Jaeger; it answers 404"):
            jaeger.traces("")


def test_victorialogs_has_a_record_a_line(store: Answering) -> None:
    store.answer = lambda *_: (200, '{"_msg": "a"}\n{"_msg": "b"}\n')
    with VictoriaLogs(store.url) as logs:
        assert [record["_msg"] for record in logs.records("*")] == ["a", "b"]
        assert store.asked == [("/select/logsql/query", {"query": ["*"]})]
        store.answer = lambda *_: (400, "cannot parse query [(]: unexpected token\n")
        with pytest.raises(AskError, match=r"VictoriaLogs refuses; cannot parse .*; asked \("):
            logs.records("(")


def test_whether_something_answers_is_asked_without_an_error(store: Answering) -> None:
    (nobody,) = free_ports(1)
    store.answer = lambda path, _: (200 if path == "/ready" else 503, "")
    assert answers(f"{store.url}/ready")
    assert not answers(f"{store.url}/else")
    assert not answers(f"http://{HOST}:{nobody}/")
    assert not answers("http://[::1")


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    store: Answering, prometheus: Prometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://{HOST}:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    store.answer = lambda *_: data("vector", [])
    with Prometheus(store.url) as asked:
        assert asked.instant("up") == prometheus.instant("up") == []
        assert answers(store.url)
