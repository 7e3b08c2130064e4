"""docs/collector.md names the faults that there are, and those that it shows can be had."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from simtraffic.collector.faults import parse_fault
from simtraffic.collector.faults.model import KINDS
from simtraffic.collector.faults.text import _READERS

pytestmark = pytest.mark.docs

PAGE = Path(__file__).parents[2] / "docs" / "collector.md"
TEXT = PAGE.read_text()


def test_every_kind_and_every_word_is_explained() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| `")]
    explained = {word for row in rows for word in re.findall(r"`(\w+=?\w*)", row.split("|")[1])}

    assert {f"kind={kind}" for kind in KINDS if kind != "status"} <= explained
    named = {word.partition("=")[0] for row in rows for word in re.findall(r"`(\w+=)", row)}
    assert named == set(_READERS)


@pytest.mark.parametrize("text", re.findall(r'"((?:status|kind)=[^"]+)"', TEXT))
def test_every_fault_that_is_shown_is_one(text: str) -> None:
    parse_fault(text)
