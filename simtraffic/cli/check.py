"""``simtraffic check``: validate scenario files."""

from __future__ import annotations

import json as json_format
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from simtraffic.cli import completion, console
from simtraffic.cli.faults import tell_faults
from simtraffic.errors import ExitCode, FaultsError, ScenarioError, UsageError

if TYPE_CHECKING:
    from simtraffic.cli.found import Found
    from simtraffic.errors import Fault
    from simtraffic.scenario import Scenario


def check(
    scenario: Annotated[
        list[str],
        typer.Argument(
            help="Files of scenarios or conventions, folders of them, names of shipped scenarios,"
            " or - for standard input.",
            metavar="SCENARIO",
            autocompletion=completion.scenarios,
        ),
    ],
    json: Annotated[bool, typer.Option("--json", help="Print the faults as a JSON list.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say nothing about good files.")
    ] = False,
) -> None:
    """Validate scenario and convention files and tell every fault in them.

    One line for each good file on standard output, one line for each fault, with
    its place, on standard error. Of a folder every file is checked that ends in
    .yaml or .yml. Exit code 3 when there is a fault, 2 when a file cannot be read.
    """
    from simtraffic.cli.found import found_all  # noqa: PLC0415

    faults: list[Fault] = []
    unreadable: list[str] = []
    for argument in scenario:
        try:
            for one in found_all([argument]):
                try:
                    said = _checked(one)
                except FaultsError as error:
                    faults.extend(error.faults)
                else:
                    if not (json or quiet):
                        console.line(f"{one.name}: ok, {said}")
        except UsageError as error:
            unreadable.append(str(error))
    _tell(faults, as_json=json)
    if unreadable:
        raise UsageError("\nsimtraffic: ".join(unreadable))
    if faults:
        raise typer.Exit(int(ExitCode.INVALID))


def _checked(one: Found) -> str:
    """What a good file holds, in a line.

    Raises:
        FaultsError: it is wrong.
        UsageError: it cannot be read.
    """
    from simtraffic.cli.found import is_convention, load  # noqa: PLC0415

    if is_convention(one.content()):
        from simtraffic.conventions.load import read_convention  # noqa: PLC0415

        convention = read_convention(one.content(), one.path or one.name)
        spans, metrics = len(convention.spans), len(convention.metrics)
        parts = [
            _counted(spans, "kind of span", "kinds of spans"),
            _counted(metrics, "metric"),
            _counted(len(convention.logs), "log record"),
        ]
        return ", ".join(["convention", *(part for part in parts if part)])
    try:
        loaded = load(one, os.environ)
    except ScenarioError as error:
        try:
            _check_conventions(error.conventions)
        except FaultsError as more:
            raise FaultsError([*error.faults, *more.faults]) from error
        raise
    _check_conventions(loaded.telemetry.conventions)
    return _told(loaded)


def _check_conventions(names: Sequence[str]) -> None:
    """Read the user's own conventions; the built-in ones are right."""
    if any(os.path.isabs(name) for name in names):
        # Conventions speak of the simulation's columns, which takes a while to load.
        from simtraffic.conventions.load import load_conventions  # noqa: PLC0415

        load_conventions(names)


def _tell(faults: list[Fault], *, as_json: bool) -> None:
    if as_json:
        keys = ("file", "line", "column", "path", "problem", "found", "hint")
        told = [{key: getattr(fault, key) for key in keys} for fault in faults]
        console.line(json_format.dumps(told, indent=2))
        return
    tell_faults(faults)


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


def _counted(number: int, noun: str, several: str = "") -> str:
    return f"{number} {noun if number == 1 else several or noun + 's'}" if number else ""
