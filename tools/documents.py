"""Rewrites the generated parts of the documents: `python -m tools.documents`.

A generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`. A test compares.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

from tools import (
    convention_reference,
    fault_matrix,
    result_reference,
    scenario_reference,
    telemetry_cost,
)

ROOT = Path(__file__).parents[1]
PART = re.compile(r"(<!-- generated: (?P<name>[a-z ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
MAKERS: dict[str, Callable[[], str]] = {
    "scenario keys": scenario_reference.markdown,
    "result keys": result_reference.markdown,
    "columns": convention_reference.columns,
    "metrics": convention_reference.metrics,
    "cost": telemetry_cost.markdown,
    "fault matrix": fault_matrix.table,
}


def current(text: str) -> str:
    """The text with its generated parts as the code would have them now."""
    return PART.sub(lambda found: f"{found[1]}{MAKERS[found['name']]()}\n{found[3]}", text)


def documents() -> list[Path]:
    """Documents that may have generated parts."""
    return sorted((ROOT / "docs").glob("*.md"))


def main() -> None:
    """Write what has changed, and name it."""
    for path in documents():
        text = path.read_text(encoding="utf-8")
        made = current(text)
        if made != text:
            path.write_text(made, encoding="utf-8")
            sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
