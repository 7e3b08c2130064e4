"""``python -m tools.dashboards`` writes config/grafana/dashboards; ``--check`` compares."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.dashboards.boards import BOARDS
from tools.dashboards.build import encoded

FOLDER = Path(__file__).resolve().parents[2] / "config/grafana/dashboards"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or compare; 1 when a file differs."""
    parser = argparse.ArgumentParser(prog="python -m tools.dashboards", description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args(arguments).check
    FOLDER.mkdir(parents=True, exist_ok=True)
    code = 0
    wanted = {FOLDER / f"{board.uid}.json": encoded(board) for board in BOARDS}
    for path in set(FOLDER.glob("*.json")) - set(wanted):
        sys.stdout.write(f"{path.name} belongs to no board\n")
        code = 1
    for path, text in wanted.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            sys.stdout.write(f"{path.name}\n")
            if check:
                code = 1
            else:
                path.write_text(text, encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
