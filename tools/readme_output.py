"""Runs the smoke scenario and puts what it printed into README.md: `python -m tools.readme_output`.

Nothing is edited but for whole sections left out, each marked by a line with three dots.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
COMMAND = ("run", "smoke")
KEPT = ("Ledger",)
PART = re.compile(r"(<!-- output -->\n```text\n).*?(```\n<!-- end -->)", re.DOTALL)


def shortened(printed: str) -> str:
    """The verdict, the sections of :data:`KEPT`, and the last line."""
    head, *sections, last = printed.strip().split("\n\n")
    kept = [head.splitlines()[-1]]
    for section in sections:
        if section.splitlines()[0] in KEPT:
            kept.append(section)
        elif kept[-1] != "…":
            kept.append("…")
    return "\n\n".join(kept) + f"\n{last}\n"


def main() -> None:
    """Run and write.

    Raises:
        SystemExit: the run did not pass, or went to a collector that happened to listen.
    """
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "simtraffic", *COMMAND],
        cwd=ROOT,
        env={**inherited, "COLUMNS": "100"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    if "the built-in collector" not in done.stderr:
        raise SystemExit("something else listens on the standard port")
    text = README.read_text(encoding="utf-8")
    made = PART.sub(lambda part: part[1] + shortened(done.stderr) + part[2], text)
    README.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
