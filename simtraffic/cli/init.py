"""``simtraffic init``: write a starter scenario."""

from __future__ import annotations

import json
import shlex
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from simtraffic.cli import console
from simtraffic.errors import UsageError

SCHEMA = "scenario.schema.json"
_NAME = "__name__"


def init(
    name: Annotated[
        str, typer.Argument(help="Name of the scenario, or the file to write it to.")
    ] = "scenario",
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Overwrite a file that is there.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing.")] = False,
) -> None:
    """Write a starter scenario with comments, NAME.yaml in this directory.

    Beside it goes the JSON Schema that its first line names, so that editors
    complete and check it; one that is there already is brought up to date.
    """
    path = Path(name if name.endswith((".yaml", ".yml")) else f"{name}.yaml")
    text = starter(_scenario_name(path.stem))
    try:
        with path.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise UsageError(f"{path}: exists already; choose another name or --force") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{path}: cannot be written; {reason.lower()}") from error
    _write_schema(path.parent / SCHEMA)
    if not quiet:
        command = f"simtraffic run {shlex.quote(str(path))}"
        console.tell(f"wrote {path}, and {SCHEMA} for editors; try it: {command}")


def _write_schema(path: Path) -> None:
    """The schema beside the scenario; what is no schema of ours stays as it is.

    Raises:
        UsageError: it cannot be written.
    """
    from simtraffic.scenario import json_schema  # noqa: PLC0415

    made = json_schema()
    try:
        if path.exists() and f'"title": "{made["title"]}"' not in path.read_text(encoding="utf-8"):
            return
        path.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{path}: cannot be written; {reason.lower()}") from error


def starter(name: str) -> str:
    """The starter scenario under this name."""
    text = (resources.files("simtraffic.scenario") / "starter.yaml").read_text(encoding="utf-8")
    return text.replace(_NAME, name)


def _scenario_name(stem: str) -> str:
    """The stem as a scenario may be called: other characters become a hyphen."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in stem)
    return kept.lstrip("._-")[:64] or "scenario"
