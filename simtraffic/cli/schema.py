"""``simtraffic schema``: JSON Schemas of the scenario file and of the result file."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from simtraffic.cli import console

Described = Literal["scenario", "result"]


def schema(
    file: Annotated[
        Described,
        typer.Argument(
            help="Of which file: scenario, or result for what run --result and --json write.",
            metavar="FILE",
        ),
    ] = "scenario",
) -> None:
    """Print the JSON Schema of the scenario file for editors, or of the result file.

    Name it in a scenario's first line as `# yaml-language-server: $schema=FILE`.

    Examples:
      simtraffic schema > scenario.schema.json
      simtraffic schema result > result.schema.json
    """
    if file == "result":
        from simtraffic.result.schema import result_schema  # noqa: PLC0415

        console.line(json.dumps(result_schema(), indent=2))
        return
    from simtraffic.scenario import json_schema  # noqa: PLC0415 - help needs no pydantic

    console.line(json.dumps(json_schema(), indent=2))
