"""How many examples Hypothesis tries: few and always the same ones, or more.

`HYPOTHESIS_PROFILE` chooses: `quick` for `make test`, `whole` for `make test-all`, `search` for
examples that nobody has seen before.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings

DEFAULT = 100
SHARES = {"quick": 0.25, "whole": 1.0, "search": 10.0}
"""Of the number of examples that a test asks for."""

_share = 1.0


def choose(name: str) -> None:
    """Use this profile; called before any test is read."""
    global _share  # noqa: PLW0603 - decorators of tests ask for it
    _share = SHARES[name]
    settings.register_profile(
        name,
        max_examples=round(DEFAULT * _share),
        derandomize=name != "search",
        deadline=None,
    )
    settings.load_profile(name)


def share_of(count: int) -> int:
    """So many in a whole run, and a share of them in others."""
    return max(1, round(count * _share))


def examples(count: int, **options: Any) -> settings:
    """Settings with this many examples in a whole run, and a share of them in others."""
    return settings(max_examples=share_of(count), **options)
