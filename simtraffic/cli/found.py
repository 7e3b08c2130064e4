"""Finds the scenarios and conventions that arguments name: files, folders, `-`, shipped names."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simtraffic.errors import UsageError

if TYPE_CHECKING:
    from simtraffic.scenario import Scenario

STANDARD_INPUT = "-"
_SHOWN_INPUT = "<stdin>"
_ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Found:
    """A file to be read, and what it is called in messages."""

    path: str
    """Empty for standard input, of which ``data`` holds the content."""
    name: str
    data: bytes | None = None

    def content(self) -> bytes:
        """What is in it.

        Raises:
            UsageError: it cannot be read.
        """
        from simtraffic.documents.source import read_bytes  # noqa: PLC0415

        return read_bytes(self.path) if self.data is None else self.data


def found(argument: str) -> Found:
    """The scenario that an argument names: a file that is there, `-`, or one that ships.

    Raises:
        UsageError: it is none of them; names the nearest that ships.
    """
    if argument == STANDARD_INPUT:
        return Found("", _SHOWN_INPUT, _standard_input())
    if os.path.exists(argument) or not _may_be_name(argument):
        return Found(argument, argument)
    return Found(str(_shipped(argument)), argument)


def found_all(arguments: Sequence[str]) -> Iterator[Found]:
    """The same for several, where a folder stands for all files below it that end in .yaml or .yml.

    Raises:
        UsageError: one of them is nothing, or a folder holds no such file.
    """
    for argument in arguments:
        if not os.path.isdir(argument):
            yield found(argument)
            continue
        files = sorted(_files_below(argument))
        if not files:
            raise UsageError(f"{argument}: no scenario in this folder; files end in .yaml or .yml")
        for file in files:
            yield Found(file, file)


def load(one: Found, environ: Mapping[str, str]) -> Scenario:
    """The scenario in it.

    Raises:
        ScenarioError: it is wrong; carries every fault.
        UsageError: it cannot be read.
    """
    from simtraffic.scenario.load import read_scenario  # noqa: PLC0415 - takes a while

    return read_scenario(one.content(), file=one.path or one.name, environ=environ)


def is_convention(data: bytes) -> bool:
    """Whether a file is meant to be a convention: it has that key at its left edge."""
    text = data.decode("utf-8", "replace")
    keys = {line.partition(":")[0].strip("\ufeff\"' ") for line in text.splitlines() if ":" in line}
    return "convention" in keys and not keys & {"traffic", "load", "extends"}


def _standard_input() -> bytes:
    if sys.stdin is None or sys.stdin.closed:
        raise UsageError("-: cannot be read; standard input is closed")
    from simtraffic.documents.source import MAX_BYTES  # noqa: PLC0415

    stream = getattr(sys.stdin, "buffer", None)
    if stream is not None:
        data: bytes = stream.read(MAX_BYTES + 1)
        return data
    return sys.stdin.read(MAX_BYTES + 1).encode()


def _may_be_name(argument: str) -> bool:
    """Whether it looks like the name of a shipped scenario and not like a file."""
    return bool(argument) and not argument.endswith(_ENDINGS) and "\0" not in argument


def _shipped(name: str) -> os.PathLike[str]:
    from simtraffic.documents.names import hint_for  # noqa: PLC0415
    from simtraffic.shipped import shipped_scenarios  # noqa: PLC0415

    known = shipped_scenarios()
    wanted = name.replace("-", "_")
    by_stem = {file.stem: file for file in known.values()}
    if wanted in known or wanted in by_stem:
        return known[wanted] if wanted in known else by_stem[wanted]
    hint = hint_for(wanted, [*known, *by_stem])
    raise UsageError(f"{name}: cannot be read; neither a file nor a scenario that ships; {hint}")


def _files_below(folder: str) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            if name.endswith(_ENDINGS):
                yield os.path.join(place, name)
