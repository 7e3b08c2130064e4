"""``simtraffic init``: write a starter scenario."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from simtraffic.cli import console
from simtraffic.errors import UsageError

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
    """Write a starter scenario with comments, NAME.yaml in this directory."""
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
    if not quiet:
        console.tell(f"wrote {path}; try it: simtraffic run {path}")


def starter(name: str) -> str:
    """The starter scenario under this name."""
    text = (resources.files("simtraffic.scenario") / "starter.yaml").read_text(encoding="utf-8")
    return text.replace(_NAME, name)


def _scenario_name(stem: str) -> str:
    """The stem as a scenario may be called: other characters become a hyphen."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in stem)
    return kept.lstrip("._-")[:64] or "scenario"
