"""Every recipe of CONTRIBUTING.md is followed to the letter, and is then complete.

The long ones work in a copy of the tree, with the environment that the tests run in.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from simtraffic.catalog.read import read_catalog
from tests.recipes.alert import ALERT, SLO
from tests.recipes.recipe import ROOT, Edit, recipes

RECIPES = recipes()
BY_TABLE = {"Add an alert": ALERT, "Add an SLO": SLO}
"""Recipes that name the files and leave to the contributor what goes in."""
LEFT_OUT = (".*", "build", "*.egg-info", "__pycache__", "htmlcov")
PACKAGE = "simtraffic/catalog/data"


def edits_of(title: str) -> Sequence[Edit]:
    return BY_TABLE.get(title) or RECIPES[title].edits


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the checkout; `.venv` is there, and nothing in it needs to be done again."""
    copy = tmp_path / "tree"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
    assert sys.prefix != sys.base_prefix, "run the tests from a virtual environment"
    (copy / ".venv").mkdir()
    for part in ("bin", "lib", "include", "pyvenv.cfg"):
        (copy / ".venv" / part).symlink_to(Path(sys.prefix) / part)
    for made in (".runnable", ".installed"):
        (copy / ".venv" / made).touch()
    return copy


def run(command: str, tree: Path) -> None:
    """A line of a recipe, which must succeed."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OTEL_", "COVERAGE", "PYTEST_", "MAKE", "MFLAGS"))
    }
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=tree,
        env=environment | {"PYTHONPATH": str(tree), "NO_COLOR": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-6000:]}{done.stderr[-3000:]}"


def state(tree: Path) -> dict[str, str]:
    """What each file holds, in short."""
    return {
        str(path.relative_to(tree)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(tree.rglob("*"))
        if path.is_file()
        and not any(
            part.startswith(".") or part in ("__pycache__", "build")
            for part in path.relative_to(tree).parts
        )
    }


def test_there_is_a_recipe_for_all_that_is_added_often() -> None:
    assert list(RECIPES) == [
        "Add a model",
        "Add a provider",
        "Add an attribute or a metric to a convention",
        "Add an error kind",
        "Add an alert",
        "Add a panel or a board",
        "Add an SLO",
    ]
    for title, recipe in RECIPES.items():
        assert edits_of(title), title
        assert recipe.commands[0] == "make generated", title
        assert any("pytest" in command for command in recipe.commands), title


@pytest.mark.parametrize("title", RECIPES)
def test_every_step_finds_its_place(title: str, tmp_path: Path) -> None:
    """The files are there, and what a step refers to stands in them once."""
    for edit in edits_of(title):
        copied = tmp_path / edit.file
        copied.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / edit.file).exists() and not copied.exists():
            shutil.copyfile(ROOT / edit.file, copied)
        edit.apply(tmp_path)


@pytest.mark.parametrize("title", BY_TABLE)
def test_every_file_that_must_be_touched_is_named(title: str) -> None:
    named = [re.sub(r"\b(ALERT|STEM|NAME)\b", "*", file) for file in RECIPES[title].files]

    for edit in BY_TABLE[title]:
        assert any(fnmatch.fnmatch(edit.file, pattern) for pattern in named), edit.file
    for pattern in named:
        assert any(fnmatch.fnmatch(edit.file, pattern) for edit in BY_TABLE[title]), pattern


@pytest.mark.parametrize("title", ["Add a model", "Add a provider"])
def test_the_catalogue_takes_what_the_recipe_shows(title: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / PACKAGE, tmp_path / PACKAGE)
    before = read_catalog(tmp_path / PACKAGE)

    for edit in RECIPES[title].edits:
        edit.apply(tmp_path)

    after = read_catalog(tmp_path / PACKAGE)
    (new,) = set(after.models) - set(before.models)
    assert new.split("/")[0] in {Path(edit.file).stem for edit in RECIPES[title].edits}
    # The first of a tier stands in for others: those that were there keep their places.
    assert [name for name in after.models if name != new] == list(before.models)


# The package with an edited file in the place of the shipped one, as a program of its own.
WITH_EDITED_FILE = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("simtraffic.failures", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules["simtraffic.failures"] = module
spec.loader.exec_module(module)
from simtraffic.runner import RunOptions, run
from simtraffic.scenario import parse_scenario
run(parse_scenario(sys.argv[2]), RunOptions(out=sys.argv[3], start="2026-01-01T00:00:00Z"))
"""
REFUSED = """
version: 1
name: refused
load: {arrivals: even, stages: [{duration: 5s, rate: 2/s}]}
traffic: [{name: a, workflow: chat, share: 1, tokens: chat, models: {openai/gpt-4o: 1}}]
errors: {payment_required: 100%}
telemetry: {conventions: [llm, gen_ai]}
"""


@pytest.mark.long
def test_a_new_error_kind_is_told_with_its_status(tmp_path: Path) -> None:
    """402 is no status that any other kind has."""
    (edit,) = (e for e in RECIPES["Add an error kind"].edits if e.file.endswith("failures.py"))
    (tmp_path / "simtraffic").mkdir()
    shutil.copyfile(ROOT / edit.file, tmp_path / edit.file)
    edit.apply(tmp_path)
    out = tmp_path / "out.jsonl"

    done = subprocess.run(
        [sys.executable, "-c", WITH_EDITED_FILE, str(tmp_path / edit.file), REFUSED, str(out)],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert done.returncode == 0, done.stderr
    text = out.read_text(encoding="utf-8")
    statuses = re.findall(r'"http.response.status_code","value":\{"intValue":"(\d+)"', text)
    assert set(statuses) == {"402"}
    assert len(statuses) > 20
    bodies = re.findall(r'"stringValue":("\{.*?\}")\}', text)
    failed = [b for b in map(json.loads, map(json.loads, bodies)) if b["level"] == "error"]
    assert {(b["response"]["status"], b["error"]["code"]) for b in failed} == {(402, "402")}


def test_a_schema_that_cannot_be_made_leaves_the_old_one(tmp_path: Path) -> None:
    """`simtraffic schema > FILE` would have emptied it."""
    schema, program = tmp_path / "scenarios/scenario.schema.json", tmp_path / ".venv/bin/simtraffic"
    for path, text in (
        (tmp_path / "Makefile", (ROOT / "Makefile").read_text(encoding="utf-8")),
        (tmp_path / "pyproject.toml", ""),
        (tmp_path / "constraints.txt", ""),
        (schema, "old"),
        (program, "#!/bin/sh\necho half of it\nexit 3\n"),
        (tmp_path / "simtraffic/_version.py", ""),
        (tmp_path / ".venv/.runnable", ""),
        (tmp_path / ".venv/.installed", ""),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    program.chmod(0o755)

    done = subprocess.run(["make", "schema"], cwd=tmp_path, capture_output=True, check=False)

    assert done.returncode != 0
    assert b"Error 3" in done.stderr
    assert schema.read_text(encoding="utf-8") == "old"
    program.write_text("#!/bin/sh\necho new\n", encoding="utf-8")
    subprocess.run(["make", "schema"], cwd=tmp_path, capture_output=True, check=True)
    assert schema.read_text(encoding="utf-8") == "new\n"


@pytest.mark.long
@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_followed_to_the_letter_leaves_nothing_to_do(title: str, tree: Path) -> None:
    """Its commands pass, and what they check would not do so without its edits made known."""
    untouched = state(tree)
    for edit in edits_of(title):
        edit.apply(tree)
    edited = state(tree)

    for command in RECIPES[title].commands:
        run(command, tree)

    touched = {file for file in edited if edited[file] != untouched.get(file)}
    assert touched == {edit.file for edit in edits_of(title)}
    # Made once more, nothing changes.
    made = state(tree)
    run("make generated", tree)
    assert state(tree) == made
