from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.builders import conversation, flow, load, scenario, simulator, stage, tokens

if TYPE_CHECKING:
    from simtraffic.simulation.tables import Exchanges


def talk(
    mean: float = 2.4, users: int = 500, asked_tokens: Any = "conversation", **more: Any
) -> Exchanges:
    settings = {"load": load(stage(1000, rate=100.0)), **more}
    asked = scenario(flow(tokens=asked_tokens, conversation=conversation(mean, users)), **settings)
    sim = simulator(asked)
    return sim.simulate_blocks(range(sim.schedule.block_count))


@pytest.fixture(scope="module")
def talks() -> Exchanges:
    return talk()


def by_conversation(result: Exchanges) -> np.ndarray:
    """Rows sorted by conversation and turn."""
    return np.lexsort((result.requests.turn, result.requests.conversation))


@pytest.mark.parametrize("mean", [1.0, 2.4, 8.0])
def test_conversations_have_the_asked_mean_of_turns(mean: float) -> None:
    # Even arrivals leave no cell empty or taken.
    result = talk(mean, load=load(stage(4000, rate=25.0), kind="even"))
    count = len(np.unique(result.requests.conversation))
    # 500 slots of 200 rounds each: a conversation starts every `mean` rounds, and each slot has one
    # under way when the run begins unless it starts right then.
    expected = 500 * (200 / mean + 1 - 1 / mean)
    # A slot's starts vary less than a binomial's; five standard errors.
    assert abs(count - expected) <= 5 * math.sqrt(100_000 / mean)


def test_every_request_belongs_to_a_conversation(talks: Exchanges) -> None:
    assert talks.requests.conversation.all()
    assert talks.requests.turn.min() == 1
    assert talks.requests.turn.max() <= 64


def test_turns_count_up_inside_a_conversation(talks: Exchanges) -> None:
    order = by_conversation(talks)
    ids, turn = talks.requests.conversation[order], talks.requests.turn[order]
    due = talks.requests.due_ns[order]
    same = ids[1:] == ids[:-1]
    assert (turn[1:][same] > turn[:-1][same]).all()
    assert (due[1:][same] > due[:-1][same]).all()
    assert (turn[1:][same] == turn[:-1][same] + 1).all()


def test_turns_come_seconds_apart(talks: Exchanges) -> None:
    order = by_conversation(talks)
    ids, due = talks.requests.conversation[order], talks.requests.due_ns[order]
    gaps = np.diff(due)[ids[1:] == ids[:-1]] / 1e9
    assert 15 < np.median(gaps) < 25


def test_a_conversation_has_one_user(talks: Exchanges) -> None:
    order = by_conversation(talks)
    ids, user = talks.requests.conversation[order], talks.requests.user[order]
    assert (np.diff(user)[ids[1:] == ids[:-1]] == 0).all()
    assert user.min() >= 0
    assert 480 < user.max() < 500


def test_prompts_grow_from_turn_to_turn(talks: Exchanges) -> None:
    order = by_conversation(talks)
    ids, length = talks.requests.conversation[order], talks.operations.input_tokens[order]
    growth = np.diff(length)[ids[1:] == ids[:-1]]
    # Where the distribution is steepest two turns may round to one length.
    assert (growth >= 0).all()
    assert (growth > 0).mean() > 0.98


def test_all_prompts_together_keep_their_distribution() -> None:
    made = talk(asked_tokens=tokens((900, 4000), (100, 200))).operations
    # Rows of a conversation are correlated: the error of about 40,000 independent ones.
    error = 5 / math.sqrt(40_000)
    assert abs((made.input_tokens <= 900).mean() - 0.5) < 0.5 * error
    assert abs((made.input_tokens <= 4000).mean() - 0.95) < 0.22 * error


def test_the_turn_before_is_read_from_the_cache(talks: Exchanges) -> None:
    order = by_conversation(talks)
    requests, made = talks.requests, talks.operations
    assert not made.cached_tokens[requests.turn == 1].any()
    ids, turn = requests.conversation[order], requests.turn[order]
    follows = (ids[1:] == ids[:-1]) & (turn[1:] == turn[:-1] + 1)
    before = made.input_tokens[order][:-1][follows]
    cached = made.cached_tokens[order][1:][follows]
    hit = cached > 0
    # The cache works in steps of 128 tokens.
    np.testing.assert_array_equal(cached[hit], before[hit] // 128 * 128)
    large = before >= 128
    assert abs(hit[large].mean() - 0.9) < 5 * math.sqrt(0.09 / large.sum())


def test_an_asked_cached_share_wins() -> None:
    made = talk(asked_tokens=tokens((900, 4000), (100, 200), cached=0.2)).operations
    assert abs((made.cached_tokens / made.input_tokens).mean() - 0.2) < 0.01


def test_conversations_are_under_way_when_the_run_begins(talks: Exchanges) -> None:
    first = talks.requests.due_ns < 10_000_000_000
    # Half as many first turns would show were all conversations new.
    assert (talks.requests.turn[first] > 1).mean() > 0.5


def test_a_tiny_flow_still_converses() -> None:
    asked = scenario(
        flow("small", share=1, conversation=conversation(3.0)),
        flow("large", share=99),
        load=load(stage(1000, rate=20.0)),
    )
    sim = simulator(asked)
    requests = sim.simulate_blocks(range(sim.schedule.block_count)).requests
    small = requests.flow == 0
    assert requests.conversation[small].all()
    assert (requests.turn[small] > 1).any()
    assert not requests.conversation[~small].any()


@pytest.mark.parametrize("share", [0.01, 0.3])
@pytest.mark.parametrize("kind", ["even", "poisson"])
def test_a_small_share_has_conversations_as_long(share: float, kind: str) -> None:
    """Other traffic in between neither splits conversations nor leaves turns out."""
    asked = scenario(
        flow("talk", share=share, tokens="conversation", conversation=conversation(6.0, 500)),
        flow("other", share=1 - share),
        load=load(stage(6 * 3600, rate=40.0), kind=kind),
    )
    sim = simulator(asked)
    ids, turns = [], []
    for block in range(sim.schedule.block_count):
        requests = sim.simulate(block).requests
        ids.append(requests.conversation[requests.flow == 0])
        turns.append(requests.turn[requests.flow == 0])
    conversation_ids, turn = np.concatenate(ids), np.concatenate(turns)
    order = np.lexsort((turn, conversation_ids))
    same = np.diff(conversation_ids[order].view(np.int64)) == 0
    assert (np.diff(turn[order])[same] == 1).all()
    count = len(np.unique(conversation_ids))
    # The mean of n conversations of mean 6 and deviation 5.5 (geometric), five standard errors,
    # and those under way at both ends, at most one in each slot.
    slots = round(share * 40 * 20)
    assert abs(len(turn) / count - 6.0) < 5 * 5.5 / math.sqrt(count) + 6.0 * 2 * slots / count


def test_a_conversation_stays_with_its_model() -> None:
    models = {"openai/gpt-4o-mini": 2.0, "anthropic/claude-haiku-4.5": 1.0}
    asked = scenario(
        flow(tokens="conversation", conversation=conversation(4.0, 500), models=models),
        load=load(stage(1000, rate=100.0)),
    )
    sim = simulator(asked)
    requests = sim.simulate_blocks(range(sim.schedule.block_count)).requests
    _, first, which = np.unique(requests.conversation, return_index=True, return_inverse=True)
    assert (requests.route == requests.route[first][which]).all()
    # About 25,000 conversations; five standard errors of a third.
    assert abs((requests.route[first] == 0).mean() - 2 / 3) < 5 * math.sqrt(2 / 9 / 25_000)


def test_far_blocks_are_numbered_alone() -> None:
    """A block of a later era looks back over its era alone, and is the same in any order."""
    asked = scenario(
        flow(tokens="conversation", conversation=conversation(4.0, 500)),
        load=load(stage(30_000, rate=100.0)),
    )
    first, second = simulator(asked), simulator(asked)
    late = first.simulate(1030)
    second.simulate(3)
    second.simulate(1040)
    again = second.simulate(1030)
    np.testing.assert_array_equal(late.requests.conversation, again.requests.conversation)
