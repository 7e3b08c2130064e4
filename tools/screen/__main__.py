"""Records a run in a real terminal for the README: ``python -m tools.screen``.

Writes ``docs/images/run-80.svg`` and ``run-110.svg``: what ``simtraffic run ramp`` showed in
terminals of so many columns. Counts are those of the scenario's seed; times and the port are of
that run. It has to pass, which on a busy machine it may not.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tools.screen.picture import drawn
from tools.screen.record import ROWS, Recording, record

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
WIDTHS = (80, 110)
_KEPT = ("PATH", "HOME")


def environment() -> dict[str, str]:
    """Of a terminal as people have it, with nothing of this machine's settings."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PYTHONPATH": str(ROOT)}


def recorded(words: list[str], *, columns: int, rows: int, every_s: float) -> Recording:
    """A command of simtraffic, recorded in an empty folder.

    Raises:
        SystemExit: it did not pass.
    """
    with tempfile.TemporaryDirectory() as folder:
        made = record(
            [sys.executable, "-m", "simtraffic", *words],
            columns=columns,
            rows=rows,
            every_s=every_s,
            folder=Path(folder),
            environment=environment(),
        )
    if made.exit_code:
        raise SystemExit(f"simtraffic {' '.join(words)} ended with {made.exit_code}")
    return made


def main() -> None:
    """Record and write."""
    parser = argparse.ArgumentParser(prog="python -m tools.screen", description=__doc__)
    parser.add_argument("--scenario", default="ramp", help="default: %(default)s")
    parser.add_argument(
        "--every", type=float, default=1.0, metavar="SECONDS", help="between frames"
    )
    parser.add_argument("--rows", type=int, default=ROWS, help="of the terminal; default: enough")
    parser.add_argument("--faster", type=float, default=5.0, help="how much faster it plays")
    parser.add_argument("--out", type=Path, default=IMAGES, help="folder; default: docs/images")
    options = parser.parse_args()
    words = ["run", options.scenario]
    for columns in WIDTHS:
        made = recorded(words, columns=columns, rows=options.rows, every_s=options.every)
        picture = drawn(
            made.frames,
            columns=columns,
            command=" ".join(["simtraffic", *words]),
            second_px=1 / options.faster,
        )
        file = options.out / f"run-{columns}.svg"
        file.write_text(picture, encoding="utf-8")
        sys.stderr.write(f"wrote {file.name}: {len(made.frames)} frames, {len(picture):,} bytes\n")


if __name__ == "__main__":
    main()
