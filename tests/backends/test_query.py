"""Stores are asked one way, and a question that fails is told in one line."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from simtraffic.backends.ports import HOST, free_ports
from simtraffic.backends.prometheus import Prometheus
from simtraffic.backends.query import AskError, Store, answers
from simtraffic.errors import ExitCode

if TYPE_CHECKING:
    from tests.backends.fake import Answer, Answering


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
    store.answer = lambda *_: (200, {"data": {"resultType": "vector", "result": []}})
    with Prometheus(store.url) as asked:
        assert asked.instant("up") == prometheus.instant("up") == []
        assert answers(store.url)
