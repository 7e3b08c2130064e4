"""``simtraffic check``: validate scenario files."""

from __future__ import annotations

import json as json_format
import os
from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated

import typer

from simtraffic.cli import console
from simtraffic.errors import ExitCode, FaultsError, UsageError

if TYPE_CHECKING:
    from simtraffic.errors import Fault
    from simtraffic.scenario import Scenario


def check(
    scenario: Annotated[list[Path], typer.Argument(help="Scenario files.", metavar="SCENARIO")],
    json: Annotated[bool, typer.Option("--json", help="Print the faults as a JSON list.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say nothing about good files.")
    ] = False,
) -> None:
    """Validate scenario files and tell every fault in them.

    One line for each good file on standard output, one line for each fault, with
    its place, on standard error. Exit code 3 when there is a fault, 2 when a file
    cannot be read.
    """
    from simtraffic.scenario import load_scenario  # noqa: PLC0415 - help needs no pydantic

    faults: list[Fault] = []
    unreadable: list[str] = []
    for path in scenario:
        try:
            loaded = load_scenario(path, environ=os.environ)
            _check_conventions(loaded)
        except FaultsError as error:
            faults.extend(error.faults)
        except UsageError as error:
            unreadable.append(str(error))
        else:
            if not (json or quiet):
                console.line(f"{path}: ok, {_told(loaded)}")
    _tell(faults, as_json=json)
    if unreadable:
        raise UsageError("\nsimtraffic: ".join(unreadable))
    if faults:
        raise typer.Exit(int(ExitCode.INVALID))


def _check_conventions(scenario: Scenario) -> None:
    """Read the user's own conventions; the built-in ones are right."""
    if any(os.path.isabs(name) for name in scenario.telemetry.conventions):
        # Conventions speak of the simulation's columns, which takes a while to load.
        from simtraffic.conventions.load import load_conventions  # noqa: PLC0415

        load_conventions(scenario.telemetry.conventions)


def _tell(faults: list[Fault], *, as_json: bool) -> None:
    if as_json:
        console.line(json_format.dumps([asdict(fault) for fault in faults], indent=2))
        return
    for fault in faults:
        console.tell(str(fault))


def _told(scenario: Scenario) -> str:
    """What the scenario holds, in one line."""
    from simtraffic.units import format_duration  # noqa: PLC0415

    stages = scenario.load.stages
    parts = [
        _counted(len(stages), "stage"),
        format_duration(sum(stage.duration_ns for stage in stages)),
        _counted(len(scenario.traffic), "flow"),
        _counted(len(scenario.incidents), "incident"),
        _counted(len(scenario.thresholds), "threshold"),
    ]
    return ", ".join(part for part in parts if part)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}" if number else ""
