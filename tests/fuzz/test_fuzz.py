"""The short form of `make fuzz`, and that it would see what it looks for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simtraffic.collector.receiver import Receiver
from tests.examples import examples
from tests.fuzz import campaign, corpus, doors
from tests.fuzz.campaign import Campaign
from tests.fuzz.doors import (
    WAIT_S,
    FindingError,
    GrpcInProcess,
    HttpInProcess,
    Wire,
    judge_http,
)
from tests.fuzz.mutation import Dice, mutated

if TYPE_CHECKING:
    from pathlib import Path

# Read by json.loads, and everything that JSON can say.
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inside: (
        st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=10), inside, max_size=4)
    ),
    max_leaves=12,
)
# The names that lead somewhere.
NAMES = st.sampled_from(
    ["resourceSpans", "scopeSpans", "spans", "traceId", "attributes", "key", "value", "kind"]
)
NAMED = st.recursive(
    TREES, lambda inside: st.dictionaries(NAMES, inside | st.lists(inside, max_size=3), max_size=4)
)


@pytest.fixture(scope="module")
def http() -> HttpInProcess:
    return HttpInProcess()


@pytest.fixture(scope="module")
def rpc() -> Iterator[GrpcInProcess]:
    door = GrpcInProcess()
    yield door
    door.close()


def test_two_thousand_inputs_find_nothing(tmp_path: Path) -> None:
    report = Campaign(2, tmp_path).run(2_000)

    assert report.inputs == 2_000
    # All ways in were tried, and it was not only the first line of defence that answered.
    assert len(report.fed) == 9
    assert report.answers["200"] > 100
    assert report.answers["taken in every form"] > 100
    assert not list(tmp_path.iterdir())


def test_an_input_is_a_function_of_seed_and_number() -> None:
    others = [body for _, _, body in corpus.bodies()]
    inputs = [mutated(Dice(1, number), others[0], others) for number in range(200)]

    assert inputs == [mutated(Dice(1, number), others[0], others) for number in range(200)]
    assert len(set(inputs)) > 150
    assert inputs != [mutated(Dice(2, number), others[0], others) for number in range(200)]


def test_what_mutation_begins_with_is_taken_at_every_door(
    http: HttpInProcess, rpc: GrpcInProcess
) -> None:
    wire = Wire()
    for sent in corpus.http_requests()[:-1]:
        assert http.feed(sent) == "200"
    for signal, is_json, body in corpus.bodies():
        if not is_json:
            assert rpc.feed(signal, body) == "taken"
            before = wire.receiver.counts().requests
            assert wire.feed_http2(corpus.http2_request(signal, body), WAIT_S) == "answered"
            assert wire.receiver.counts().requests == before + 1
    wire.close()


@examples(80)
@given(tree=NAMED)
def test_any_json_is_answered(http: HttpInProcess, tree: Any) -> None:
    body = json.dumps(tree).encode()

    assert http.feed(corpus.http_request("traces", body, is_json=True)) in {"200", "400"}


@examples(60)
@given(sizes=st.lists(st.integers(1, 700), max_size=12), place=st.integers(0, 11))
def test_a_body_is_the_same_in_whatever_chunks(
    http: HttpInProcess, sizes: list[int], place: int
) -> None:
    signal, is_json, body = corpus.bodies()[place]
    before = http.receiver.counts()

    assert http.feed(corpus.http_request(signal, body, is_json=is_json)) == "200"
    whole = http.receiver.counts()
    assert (
        http.feed(corpus.http_request(signal, body, is_json=is_json, sizes=tuple(sizes))) == "200"
    )
    chunked = http.receiver.counts()

    assert chunked.spans - whole.spans == whole.spans - before.spans
    assert chunked.data_points - whole.data_points == whole.data_points - before.data_points


class TestIsNotBlind:
    """Each kind of finding, made on purpose."""

    def test_to_a_crash(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def crash(*_: object, **__: object) -> None:
            raise KeyError("bug")

        monkeypatch.setattr(Receiver, "receive", crash)

        with pytest.raises(FindingError, match=r"KeyError: 'bug'.*again: python -m tests\.fuzz"):
            Campaign(0, tmp_path).run(50)
        assert len(list(tmp_path.iterdir())) == 1

    def test_to_growth(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        sizes = iter([0, 0, campaign.MOST_GROWTH + 1])
        monkeypatch.setattr(campaign, "_rss", lambda: next(sizes))
        monkeypatch.setattr(campaign, "FEWEST_FOR_GROWTH", 30)

        with pytest.raises(FindingError, match="memory grows"):
            Campaign(0, tmp_path).run(30)

    def test_to_slowness(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(campaign, "SLOWEST_S", 0.0)

        with pytest.raises(FindingError, match="took 0"):
            Campaign(0, tmp_path).run(10)

    @pytest.mark.parametrize(
        ("said", "finding"),
        [
            (b"", "no answer"),
            (b"HTTP/1.1 200 OK\r\n", "half an answer"),
            (b"HTTP/1.1 500 Internal\r\ncontent-length: 0\r\n\r\n", "answered 'HTTP/1.1 500"),
            (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx", "too short"),
            (
                b"HTTP/1.1 400 x\r\ncontent-type: application/json\r\ncontent-length: 1\r\n\r\nx",
                "cannot be read",
            ),
            (
                b"HTTP/1.1 400 x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
                "a reason that is none",
            ),
        ],
        ids=["silence", "half", "status", "short", "unreadable", "no reason"],
    )
    def test_to_what_is_no_answer(self, said: bytes, finding: str) -> None:
        with pytest.raises(FindingError, match=finding):
            judge_http(b"POST / HTTP/1.1\r\n\r\n", said)

    def test_to_forms_that_count_differently(
        self, http: HttpInProcess, rpc: GrpcInProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        signal, _, body = corpus.bodies()[0]
        assert doors.feed_both(http, rpc, signal, body) == "taken in every form"
        monkeypatch.setattr(HttpInProcess, "feed", lambda *_: "200")

        with pytest.raises(FindingError, match="are 0 in two over HTTP"):
            doors.feed_both(http, rpc, signal, body)
