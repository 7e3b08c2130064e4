"""Options that several commands share, and the reading of their quantities."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simtraffic.cli import completion
from simtraffic.errors import UsageError

if TYPE_CHECKING:
    from simtraffic.errors import Fault
    from simtraffic.scenario import Scenario

_SCENARIO_PANEL = "What is run"

Seed = Annotated[
    int | None,
    typer.Option(
        help="Draw other random numbers than the scenario's; the same whole number repeats a run.",
        metavar="N",
        rich_help_panel=_SCENARIO_PANEL,
    ),
]
Scale = Annotated[
    float | None,
    typer.Option(
        help="Multiply all rates by this, such as 0.1 or 10.",
        metavar="X",
        rich_help_panel=_SCENARIO_PANEL,
    ),
]
Duration = Annotated[
    str | None,
    typer.Option(
        help="End the run after this time, such as 5m; beyond the scenario's end its last rate is"
        " held.",
        metavar="TIME",
        rich_help_panel=_SCENARIO_PANEL,
    ),
]
Signals = Annotated[
    list[str] | None,
    typer.Option(
        help="Make only these signals, of traces, metrics and logs; with commas between, or"
        " repeated.",
        metavar="NAME",
        autocompletion=completion.listed("traces", "metrics", "logs"),
        rich_help_panel=_SCENARIO_PANEL,
    ),
]
Conventions = Annotated[
    list[str] | None,
    typer.Option(
        "--convention",
        help="Tell requests by this convention in place of the scenario's, a path or a name that"
        " simtraffic show conventions lists; repeatable.",
        metavar="NAME",
        autocompletion=completion.conventions,
        rich_help_panel=_SCENARIO_PANEL,
    ),
]
Temporality = Annotated[
    str | None,
    typer.Option(
        help="Metric points in place of the scenario's: cumulative, delta or lowmemory.",
        metavar="NAME",
        autocompletion=completion.words("cumulative", "delta", "lowmemory"),
        rich_help_panel=_SCENARIO_PANEL,
    ),
]
Rotate = Annotated[
    str | None,
    typer.Option(
        help="Begin another file of --out, each with a number, before one grows beyond this.",
        metavar="SIZE",
        rich_help_panel="Where it goes",
    ),
]
MaxBytes = Annotated[
    str | None,
    typer.Option(
        help="Send no more bytes of uncompressed protobuf, such as 2GB: a run that expects more"
        " is refused, one that gets there ends.",
        metavar="SIZE",
        rich_help_panel="How it runs",
    ),
]
MaxSpans = Annotated[
    str | None,
    typer.Option(
        help="Make no more spans, such as 100k: a run that expects more is refused, one that gets"
        " there ends.",
        metavar="N",
        rich_help_panel="How it runs",
    ),
]
Yes = Annotated[
    bool,
    typer.Option(
        "--yes",
        "-y",
        help="Send to another machine without asking first.",
        rich_help_panel="Where it goes",
    ),
]
SelfTelemetry = Annotated[
    str | None,
    typer.Option(
        help="Push figures and a trace of the run itself to this OTLP/gRPC receiver, such as"
        " http://localhost:4317.",
        metavar="URL",
        rich_help_panel="What it reports",
    ),
]
Workers = Annotated[
    int,
    typer.Option(
        help="Share the work among this many processes of this machine.",
        metavar="N",
        rich_help_panel="How it runs",
    ),
]
Shard = Annotated[
    str,
    typer.Option(
        help="Run only this part of the whole, such as 2/8 for the second of eight.",
        metavar="K/N",
        show_default=False,
        rich_help_panel=_SCENARIO_PANEL,
    ),
]


@dataclass(frozen=True, slots=True)
class Changes:
    """What the command line changes in a scenario."""

    seed: int | None = None
    scale: float | None = None
    signals: Sequence[str] | None = None
    conventions: Sequence[str] | None = None
    temporality: str | None = None

    def apply(self, scenario: Scenario, environ: Mapping[str, str]) -> Scenario:
        """The scenario with environment and options laid over it, in this order.

        Raises:
            UsageError: an option or a variable has no meaning.
        """
        from simtraffic.cli import environment  # noqa: PLC0415
        from simtraffic.scenario import with_overrides  # noqa: PLC0415 - takes a while

        chosen = {
            "seed": self.seed,
            "scale": self.scale,
            "signals": listed(self.signals),
            "conventions": listed(self.conventions),
            "temporality": self._temporality(),
        }
        given: dict[str, Any] = {key: value for key, value in chosen.items() if value is not None}
        if "signals" not in given:
            given["signals"] = environment.sent_signals(environ, scenario.telemetry.signals)
        return with_overrides(scenario, **(environment.overrides(environ) | given))

    def _temporality(self) -> str | None:
        from simtraffic.export.variables import TEMPORALITIES  # noqa: PLC0415

        if self.temporality is None:
            return None
        found = TEMPORALITIES.get(self.temporality.lower())
        if found is None:
            raise UsageError(
                f"--temporality: unknown; found {self.temporality!r};"
                f" use one of {', '.join(TEMPORALITIES)}"
            )
        return found


def scenarios(paths: Sequence[str], changes: Changes) -> list[Scenario]:
    """All scenarios, before anything is done with the first.

    Raises:
        ScenarioError: with the faults of all files.
        UsageError: a file cannot be read or an option is wrong.
    """
    from simtraffic.cli.found import found, load  # noqa: PLC0415
    from simtraffic.errors import ScenarioError  # noqa: PLC0415

    if list(paths).count("-") > 1:
        raise UsageError("-: standard input can be read once; found it twice; leave one out")
    loaded: list[Scenario] = []
    faults: list[Fault] = []
    for path in paths:
        try:
            loaded.append(load(found(path), os.environ))
        except ScenarioError as error:
            faults += error.faults
    if faults:
        raise ScenarioError(faults)
    return [changes.apply(scenario, os.environ) for scenario in loaded]


def listed(words: Sequence[str] | None) -> tuple[str, ...] | None:
    """Words given one by one or with commas between; None when there are none."""
    if not words:
        return None
    return tuple(part.strip() for word in words for part in word.split(",") if part.strip())


def quantity(option: str, text: str | None, parse: Callable[[str], int]) -> int | None:
    """A duration or size of an option, read by `units`.

    Raises:
        UsageError: it cannot be read.
    """
    from simtraffic.units import UnitError  # noqa: PLC0415

    if text is None:
        return None
    try:
        return parse(text)
    except UnitError as error:
        raise UsageError(f"{option}: {error.problem}; found {text!r}; {error.hint}") from error


def check_writable(option: str, path: str) -> None:
    """Make sure that a file can be written before anything else happens.

    Raises:
        UsageError: it cannot.
    """
    folder = os.path.dirname(path) or "."
    if not path:
        problem = "the name is empty"
    elif place_of(path) is None:
        problem = "the working directory is no more"
    elif os.path.isdir(path):
        problem = "is a directory"
    elif os.path.exists(path):
        problem = "" if os.access(path, os.W_OK) else "no permission to write it"
    elif not os.path.isdir(folder):
        problem = "its directory does not exist"
    else:
        problem = "" if os.access(folder, os.W_OK) else "no permission to write in its directory"
    if problem:
        raise UsageError(f"{option}: cannot be written, {problem}; found {path!r}")


def place_of(path: str) -> str | None:
    """The path without links and dots; None for a relative one when nothing is where it starts."""
    try:
        return os.path.realpath(path)
    except OSError:
        return None
