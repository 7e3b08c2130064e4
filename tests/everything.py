"""Whether every test there is has run: `python -m tests.everything FILE`.

The file is what `SIMTRAFFIC_TESTS_RAN=FILE` made any number of runs of pytest write down. Tests in
containers have a job of their own and are left out. Ends with 1 when a test is missing.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


class _Names:
    """Keeps the names of what is collected."""

    def __init__(self) -> None:
        self.found: set[str] = set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.found = {item.nodeid for item in session.items}


def collected(*arguments: str) -> set[str]:
    """The names of all tests but those in containers."""
    names = _Names()
    asked = ["--collect-only", "-qqq", "--no-header", "-m", "not compose", *arguments]
    if pytest.main(asked, plugins=[names]) is not pytest.ExitCode.OK:
        raise SystemExit("tests cannot be collected")
    return names.found


def told(ran: str, there: set[str]) -> tuple[list[str], int]:
    """What to say and the exit code, by what was written down and what there is."""
    outcomes: dict[str, set[str]] = {"passed": set(), "skipped": set()}
    reasons: dict[str, str] = {}
    for line in ran.splitlines():
        outcome, name, reason = line.split("\t", 2)
        outcomes[outcome].add(name)
        reasons[name] = reason
    passed = outcomes["passed"] & there
    skipped = (outcomes["skipped"] & there) - passed
    missing = sorted(there - passed - skipped)
    lines = [f"did not run: {name}" for name in missing]
    lines += [f"skipped: {name}: {reasons[name]}" for name in sorted(skipped)]
    lines.append(
        f"{len(there)} tests: {len(passed)} passed, {len(skipped)} skipped,"
        f" {len(missing)} did not run"
    )
    return lines, int(bool(missing))


def main(arguments: list[str]) -> int:
    """Compare and say."""
    lines, code = told(Path(arguments[0]).read_text(encoding="utf-8"), collected())
    sys.stdout.write("\n".join(lines) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
