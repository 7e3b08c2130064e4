"""A run of tests says what it left out, and a test that nobody ran is missed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import everything

ROOT = Path(__file__).parents[1]
SUITE = """
import pytest

def test_quick(): pass

@pytest.mark.real
def test_real(): pass

@pytest.mark.long
@pytest.mark.parametrize("number", [1, 2])
def test_long(number): pass

@pytest.mark.real
@pytest.mark.long
def test_both(): pass

def test_skipped(): pytest.skip("there is no moon")
"""


def ran(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Pytest over a small suite, with what holds for all tests here."""
    (folder / "test_suite.py").write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    command += ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(folder), str(folder)]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    environ = kept | {"SIMTRAFFIC_TESTS_RAN": str(folder / "ran"), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*command, *arguments], env=environ, cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("workers", ["0", pytest.param("2", marks=pytest.mark.long)])
def test_the_last_line_says_what_was_left_out_and_how_to_run_it(
    tmp_path: Path, workers: str
) -> None:
    done = ran(tmp_path, "-n", workers, "-m", "not real and not long")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed, 1 skipped" in done.stdout
    assert done.stdout.splitlines()[-1] == (
        "left out: 2 long, 2 with real programs or real time: make test-all;"
        " 1 skipped, as said above"
    )
    assert sorted((tmp_path / "ran").read_text().splitlines()) == [
        "passed\ttest_suite.py::test_quick\t",
        "skipped\ttest_suite.py::test_skipped\tSkipped: there is no moon",
    ]


THERE = {"a", "b", "c"}


def test_a_test_that_nobody_ran_is_missed() -> None:
    lines, code = everything.told("passed\ta\t\npassed\tc\t\npassed\tgone\t\n", THERE)

    assert lines == ["did not run: b", "3 tests: 2 passed, 0 skipped, 1 did not run"]
    assert code == 1


def test_a_skipped_test_is_not_one_that_passed() -> None:
    lines, code = everything.told("passed\ta\t\nskipped\tb\tno moon\npassed\tc\t\n", THERE)

    assert lines == ["skipped: b: no moon", "3 tests: 2 passed, 1 skipped, 0 did not run"]
    assert code == 0


def test_a_test_that_ran_in_any_of_the_runs_has_run() -> None:
    lines, code = everything.told("skipped\ta\tno\npassed\ta\t\npassed\tb\t\npassed\tc\t\n", THERE)

    assert lines == ["3 tests: 3 passed, 0 skipped, 0 did not run"]
    assert code == 0


def test_collecting_leaves_out_containers_alone() -> None:
    found = everything.collected("tests/stack/test_compose_up.py", "tests/stack/test_compose.py")

    assert found
    assert not any("test_compose_up" in name for name in found)
