"""Error kinds and workflows are written down once, on the ground floor."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

import simtraffic
from simtraffic import failures, workflows
from simtraffic.scenario.quantities import ERROR_KINDS
from simtraffic.simulation import tables

PACKAGE = Path(simtraffic.__file__).parent


def words_of(path: Path) -> set[object]:
    """Texts that stand in the file's code."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}


@pytest.mark.parametrize(
    ("home", "words"), [("failures.py", failures.KINDS), ("workflows.py", workflows.NAMES)]
)
def test_no_second_table_stands_beside_the_first(home: str, words: tuple[str, ...]) -> None:
    copies = [
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if path != PACKAGE / home and len(set(words) & words_of(path)) > 2
    ]

    assert set(words) <= words_of(PACKAGE / home)
    assert copies == []


def test_names_are_the_same_everywhere() -> None:
    assert failures.KINDS == ERROR_KINDS
    assert ("none", *failures.KINDS) == tables.ERROR_KINDS
    assert get_args(workflows.WorkflowName) == workflows.NAMES == tables.WORKFLOWS


def test_every_workflow_is_found_by_its_name() -> None:
    assert tuple(workflows.workflow_of(name) for name in workflows.NAMES) == workflows.WORKFLOWS
    with pytest.raises(KeyError):
        workflows.workflow_of("rag")


def test_the_tables_load_no_numpy() -> None:
    code = "import sys, simtraffic.failures, simtraffic.workflows; sys.exit('numpy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_a_workflow_is_called_and_how_urgent_it_is_follows_from_streaming() -> None:
    said = {
        (each.name, streaming): (
            each.plain_name(streaming=streaming),
            each.priority(streaming=streaming),
        )
        for each in workflows.WORKFLOWS
        for streaming in (True, False)
    }

    assert said == {
        ("chat", True): ("streaming", "high"),
        ("chat", False): ("chat", "normal"),
        ("completion", True): ("streaming", "high"),
        ("completion", False): ("completion", "normal"),
        ("embeddings", True): ("embedding", "low"),
        ("embeddings", False): ("embedding", "low"),
    }
