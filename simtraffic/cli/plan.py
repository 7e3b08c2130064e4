"""`simtraffic plan`: what a run would do, without doing it."""

from __future__ import annotations

from typing import Annotated

import typer

from simtraffic.cli import completion, console, options


def plan(  # noqa: PLR0913, PLR0917 - one parameter an option
    scenario: Annotated[
        str,
        typer.Argument(
            help="A scenario file, the name of a shipped scenario, or - for standard input.",
            metavar="SCENARIO",
            autocompletion=completion.scenarios,
        ),
    ],
    seed: options.Seed = None,
    scale: options.Scale = None,
    duration: options.Duration = None,
    signals: options.Signals = None,
    convention: options.Conventions = None,
    temporality: options.Temporality = None,
    shard: options.Shard = "1/1",
    json: Annotated[
        bool, typer.Option("--json", help="Print the expectations as JSON, shaped as a result.")
    ] = False,
) -> None:
    """Show what run would do: the rate drawn, then requests, telemetry, tokens and cost.

    Nothing is opened or sent. Requests are expectations, and exact where arrivals
    are even.

    Examples:
      simtraffic plan scenario.yaml
      simtraffic plan scenario.yaml --scale 10 --duration 1h
      simtraffic plan scenario.yaml --json | jq .signals
    """
    from simtraffic.runner import plan as plan_scenario  # noqa: PLC0415 - takes a while
    from simtraffic.units import parse_duration  # noqa: PLC0415

    duration_ns = options.quantity("--duration", duration, parse_duration)
    changes = options.Changes(seed, scale, signals, convention, temporality)
    (loaded,) = options.scenarios([scenario], changes)
    planned = plan_scenario(loaded, duration_ns=duration_ns, shard=shard)
    if json:
        console.write(planned.to_json())
        return
    from simtraffic.report.terminal_plan import plan_view  # noqa: PLC0415

    console.show(plan_view(planned, console.columns(console.stdout())))
