"""What holds for all tests: what is left out is said, what ran is written down, chance is fixed."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests import examples

REASONS = {
    "compose": ("in containers", "make test-compose"),
    "real": ("with real programs or real time", "make test-all"),
    "long": ("long", "make test-all"),
}
"""Marks of what `make test` leaves out, in words, and the cure; a test's first mark is told."""

# They wait for minutes: begun first, they are over when the others are.
FIRST = ("tests/stack/test_alert_life.py", "tests/stack/test_alert_scenarios.py")

examples.choose(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


class LeftOut:
    """Counts by reason what was collected and is not run; in workers of xdist as well."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._counts: Counter[str] = Counter()

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Told by each plugin that takes tests out."""
        self._counts.update(map(_reason, items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Every worker collects the same, so the last to end is enough."""
        self._counts = Counter(getattr(node, "workeroutput", {}).get("left_out", self._counts))

    def pytest_sessionfinish(self) -> None:
        """A worker hands over to the process that reports."""
        output = getattr(self._config, "workeroutput", None)
        if output is not None:
            output["left_out"] = dict(self._counts)

    def pytest_unconfigure(self) -> None:
        """The last line of all; what was skipped is no part of what passed."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or self._config.option.collectonly:
            return
        skipped = len(reporter.stats.get("skipped", ()))
        if self._counts or skipped:
            reporter.write_line(f"left out: {told(self._counts, skipped)}", yellow=True)


def told(counts: Counter[str], skipped: int) -> str:
    """What was left out, with its cure behind it."""
    cures: dict[str, list[str]] = {}
    for mark, (words, cure) in reversed(REASONS.items()):
        if counts[mark]:
            cures.setdefault(cure, []).append(f"{counts[mark]} {words}")
    parts = [f"{', '.join(them)}: {cure}" for cure, them in cures.items()]
    parts += [f"{counts['']} not asked for"] if counts[""] else []
    parts += [f"{skipped} skipped, as said above"] if skipped else []
    return "; ".join(parts)


def _reason(item: pytest.Item) -> str:
    return next((mark for mark in REASONS if item.get_closest_marker(mark)), "")


class Ran:
    """Writes down what became of each test, for `python -m tests.everything`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test that failed did not pass, and a skipped one says why."""
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            self._write("skipped", report.nodeid, str(reason))
        elif report.when == "call" and report.passed:
            self._write("passed", report.nodeid, "")

    def _write(self, *words: str) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write("\t".join(words) + "\n")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(LeftOut(config))
    ran = os.environ.get("SIMTRAFFIC_TESTS_RAN")
    if ran and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Ran(Path(ran)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(FIRST))


def pytest_collection_finish() -> None:
    """A run looks for garbage before it plays; it need not look through all these modules."""
    gc.collect()
    gc.freeze()
