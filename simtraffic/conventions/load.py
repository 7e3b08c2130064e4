"""Convention files: the built-in ones by name, a user's own by path."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ruamel.yaml import YAML

from simtraffic.conventions.model import Convention
from simtraffic.conventions.parse import parse_convention
from simtraffic.errors import ConventionError, UsageError

BUILT_IN = Path(__file__).parent
ALWAYS_ON = "http"
"""Tells requests and attempts, whichever convention tells the operations."""


def built_in_names() -> list[str]:
    """Names that a scenario may list under ``telemetry.conventions``."""
    return sorted(path.stem for path in BUILT_IN.glob("*.yaml") if path.stem != ALWAYS_ON)


def is_path(name: str) -> bool:
    """Whether a scenario names a file instead of a built-in convention."""
    return "/" in name or name.endswith((".yaml", ".yml"))


@cache
def load_convention(name: str) -> Convention:
    """The convention of this name, or in the file at this path.

    Raises:
        ConventionError: the file is wrong; carries every fault.
        UsageError: the file cannot be read.
    """
    path = Path(name) if is_path(name) else BUILT_IN / f"{name}.yaml"
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: the convention cannot be read; {error.strerror}") from error
    tree = YAML(typ="safe", pure=True).load(text)
    convention, faults = parse_convention(tree, str(path), lambda _path: (1, 1))
    if faults:
        raise ConventionError(faults)
    return convention
