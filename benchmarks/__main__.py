"""``python -m benchmarks [NAME...] [--rounds N]``."""

from __future__ import annotations

import argparse
import importlib

from benchmarks.figures import plain_table, save

NAMES = ("encode", "deliver", "memory", "lateness", "startup")
LONG = ("soak", "workers")
"""Measured when they are asked for by name."""


def main() -> None:
    """Measure, print, and write the results file and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    which = f"of {', '.join(NAMES)}; all of these without one; or of {', '.join(LONG)}"
    parser.add_argument("names", nargs="*", metavar="NAME", help=which)
    parser.add_argument("--rounds", type=int, default=5, help="how often each program runs (5)")
    parser.add_argument("--dry", action="store_true", help="print only, write no file")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.names if name not in (*NAMES, *LONG)]
    if unknown:
        parser.error(
            f"no such benchmark: {', '.join(unknown)}; there are {', '.join((*NAMES, *LONG))}"
        )
    for name in chosen.names or NAMES:
        benchmark = importlib.import_module(f"benchmarks.{name}")
        figures = benchmark.measure(chosen.rounds)
        print(plain_table(f"{name}: {benchmark.TITLE}", figures), flush=True)
        if not chosen.dry:
            save(name, benchmark.TITLE, figures)


if __name__ == "__main__":
    main()
