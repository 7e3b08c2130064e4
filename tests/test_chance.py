"""Chance is fixed: what Hypothesis tries is the same each time, and takes as long as it takes."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import settings

from tests.examples import SHARES, examples, share_of

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "quick")


@pytest.mark.skipif(PROFILE == "search", reason="new examples are looked for")
def test_every_test_of_hypothesis_tries_the_same_examples_each_time(request):
    """Those with settings of their own as well: they are made from the profile's."""
    tried = 0
    for item in request.session.items:
        test = getattr(item, "obj", None)
        if not getattr(test, "is_hypothesis_test", False):
            continue
        own = getattr(test, "_hypothesis_internal_use_settings", None) or settings.default
        assert (own.derandomize, own.deadline, own.database) == (True, None, None), item.nodeid
        tried += 1

    assert tried or len(request.session.items) < 100
    assert settings.default.derandomize


def test_a_profile_tries_its_share_of_what_a_test_asks_for():
    assert share_of(100) == max(1, round(100 * SHARES[PROFILE]))
    assert examples(60).max_examples == share_of(60)
    assert settings.default.max_examples == share_of(100)


def test_no_test_asks_for_a_number_that_no_profile_can_change():
    told = [
        str(path)
        for path in Path(__file__).parent.rglob("*.py")
        if path.name not in ("examples.py", "test_chance.py")
        and re.search(r"max_examples|derandomize|load_profile", path.read_text(encoding="utf-8"))
    ]

    assert told == []
