"""``python -m tests.fuzz``: as many inputs as you like. Ends with 1 at the first finding."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from simtraffic.export.environment import silence_grpc

# Before anything loads the native library, which reads it once.
silence_grpc(os.environ)

from tests.fuzz.campaign import Campaign  # noqa: E402
from tests.fuzz.doors import FindingError  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=200_000, help="how many (200,000)")
    parser.add_argument("--seed", type=int, default=0, help="of all inputs (0)")
    parser.add_argument("--first", type=int, default=0, help="number of the first one (0)")
    parser.add_argument(
        "--keep", type=Path, default=Path("build/fuzz"), help="folder for findings (build/fuzz)"
    )
    asked = parser.parse_args()
    try:
        report = Campaign(asked.seed, asked.keep).run(asked.inputs, asked.first)
    except FindingError as finding:
        sys.stderr.write(f"finding: {finding}\n")
        return 1
    sys.stdout.write(f"no crash, no hang, no growth, always an answer: {report}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
