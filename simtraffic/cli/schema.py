"""``simtraffic schema``: JSON Schema of the scenario file."""

from __future__ import annotations

import json

from simtraffic.cli import console


def schema() -> None:
    """Print the JSON Schema of the scenario file, for editors.

    Name it in a scenario's first line as `# yaml-language-server: $schema=FILE`.
    """
    from simtraffic.scenario import json_schema  # noqa: PLC0415 - help needs no pydantic

    console.line(json.dumps(json_schema(), indent=2))
