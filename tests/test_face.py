"""The public face: all that its functions take and give is there by name, and typed."""

from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys
import typing
from pathlib import Path
from typing import Any

import pytest

import simtraffic

ROOT = Path(__file__).parents[1]
OPEN = {"Scenario"}
"""Nouns whose own fields are documented elsewhere: each is a key of the scenario file."""


def namespace(kind: Any) -> dict[str, Any]:
    """Names that the annotations of a module speak of, its type-only imports included."""
    module = sys.modules[kind.__module__]
    names = dict(vars(module))
    for path in sorted((ROOT / "simtraffic").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        other = sys.modules.get(name)
        if other is not None:
            names |= {
                key: value
                for key, value in vars(other).items()
                if isinstance(value, type) and key not in names
            }
    return names


def types_in(hint: Any) -> set[type]:
    """Classes of ours that a hint speaks of."""
    found = set()
    if isinstance(hint, type) and hint.__module__.startswith("simtraffic"):
        found.add(hint)
    if isinstance(hint, list | tuple):
        arguments: Any = hint
    else:
        arguments = typing.get_args(hint)
    for argument in arguments:
        found |= types_in(argument)
    return found


def neighbours(kind: Any) -> set[type]:
    """Classes that a function takes or gives, or that the fields of a class hold."""
    names = namespace(kind)
    if inspect.isfunction(kind):
        return set().union(*map(types_in, typing.get_type_hints(kind, names).values()))
    found: set[type] = set()
    if kind.__name__ in OPEN:
        return found
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind, names)
        for part in dataclasses.fields(kind):
            if not part.name.startswith("_"):
                found |= types_in(hints[part.name])
    for name, member in vars(kind).items():
        called = member.fget if isinstance(member, property) else member
        if inspect.isfunction(called) and not name.startswith("_"):
            found |= neighbours(called)
    return found


def test_whatever_is_taken_or_given_is_exported() -> None:
    public = {name: getattr(simtraffic, name) for name in simtraffic.__all__}
    for path in sorted((ROOT / "simtraffic").rglob("*.py")):
        if path.name not in ("__main__.py", "worker.py") and "testing" not in path.name:
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            __import__(name.removesuffix(".__init__"))
    missing = {
        f"{kind.__module__}.{kind.__name__}"
        for value in public.values()
        if callable(value)
        for kind in neighbours(value)
        if public.get(kind.__name__) is not kind
    }

    assert missing == set()


@pytest.mark.parametrize("name", simtraffic.__all__)
def test_every_public_thing_says_what_it_is(name: str) -> None:
    if name != "__version__":
        assert len((getattr(simtraffic, name).__doc__ or "").split()) >= 4


@pytest.mark.long
def test_the_types_are_those_that_a_stranger_sees() -> None:
    """`tests/typing_cases.py` by mypy's strict rules, as in a project that only installs us."""
    said = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "tests/typing_cases.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert said.returncode == 0, said.stdout
