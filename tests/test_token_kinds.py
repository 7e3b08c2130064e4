"""Kinds of token: what one entry promises is there wherever tokens are counted."""

from __future__ import annotations

from dataclasses import fields

import pytest

from simtraffic.conventions.columns import NUMBERS
from simtraffic.result.rows import TrafficCounts
from simtraffic.simulation.tables import Operations, Tokens
from simtraffic.token_kinds import PARTS, TOKEN_COLUMNS, TOKEN_KINDS, WHOLES, TokenKind


def test_every_count_of_tokens_is_of_a_kind_and_in_its_order() -> None:
    for noun in (Operations, TrafficCounts):
        names = [part.name for part in fields(noun) if part.name.endswith("_tokens")]
        assert [name for name in names if name != "max_tokens"] == list(TOKEN_COLUMNS), noun


@pytest.mark.parametrize("kind", TOKEN_KINDS)
def test_a_kind_is_drawn_and_has_a_column_for_conventions(kind: TokenKind) -> None:
    assert kind.name in {part.name for part in fields(Tokens)}
    assert NUMBERS[kind.column].about == kind.about


def test_a_part_is_of_a_whole() -> None:
    assert {part.part_of for part in PARTS} <= {whole.name for whole in WHOLES}
    assert [kind for kind in TOKEN_KINDS if kind not in WHOLES] == list(PARTS)
