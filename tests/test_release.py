"""What is written of a version agrees before it is released, and the recipe works."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import release
from tools.release import faults, main

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPE = TEXT.partition("\n## Release a version\n")[2].partition("\n## ")[0]
VERSION = "7.8.9"
NOTES = f"# Changelog\n\n## [Unreleased]\n\n## [{VERSION}] - 2031-02-03\n\n- All is new.\n"


def released(root: Path) -> None:
    """Steps 1 and 2 of the recipe, in a copy."""
    (root / "simtraffic/_version.py").write_text(f'"""It."""\n\n__version__ = "{VERSION}"\n')
    docker = root / "Dockerfile"
    docker.write_text(re.sub(r"(?m)^(ARG VERSION=).*", rf"\g<1>{VERSION}", docker.read_text()))
    for path in (root / "k8s").rglob("kustomization.yaml"):
        path.write_text(re.sub(r"(newTag: )[^\s}]+", rf"\g<1>{VERSION}", path.read_text()))
    (root / "CHANGELOG.md").write_text(NOTES)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What is looked at, as it is when a version is ready."""
    for name in ("Dockerfile", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "k8s", tmp_path / "k8s")
    (tmp_path / "simtraffic").mkdir()
    released(tmp_path)
    return tmp_path


def git(tree: Path, *words: str) -> None:
    who = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", tree, *who, *words], check=True, capture_output=True)


def test_a_version_that_is_told_everywhere_is_ready(tree: Path) -> None:
    assert list(faults(tree)) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("simtraffic/_version.py", VERSION, "7.8.9.dev1", r"_version\.py: not a version to"),
        ("Dockerfile", f"={VERSION}", "=7.8.8", r"Dockerfile: ARG VERSION: another .* 7\.8\.8;"),
        ("k8s/smoke/kustomization.yaml", VERSION, "1.0.0", r"k8s/smoke/.*: newTag: another"),
        ("CHANGELOG.md", "## [7.8.9] - 2031-02-03", "", r"\[Unreleased\] is not first and empty"),
        ("CHANGELOG.md", " - 2031-02-03", "", r"no \[7\.8\.9\] with a date .* '\[7\.8\.9\]'"),
        ("CHANGELOG.md", "- All is new.", "", r"\[7\.8\.9\] is empty; say what changed"),
        ("CHANGELOG.md", NOTES, "", r"no \[7\.8\.9\] with a date"),
    ],
)  # fmt: skip
def test_what_does_not_agree_is_told_in_a_line(
    tree: Path, file: str, old: str, new: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tree / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))

    assert main(["--root", str(tree)]) == 1

    lines = capsys.readouterr().err.splitlines()
    assert any(re.search(said, line) for line in lines), lines


def test_what_is_not_committed_and_a_tag_that_is_there_are_told(tree: Path) -> None:
    git(tree, "init", "--quiet")
    (found,) = faults(tree)
    assert re.fullmatch(r"git: \d+ files are not committed; found .*", found)
    git(tree, "add", ".")
    git(tree, "commit", "--quiet", "--message", "all")
    assert list(faults(tree)) == []
    git(tree, "tag", f"v{VERSION}")
    assert list(faults(tree)) == [
        f"git: the tag v{VERSION} is there already; choose the next version"
    ]


def test_a_command_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    program = tmp_path / "simtraffic"
    program.write_text("#!/bin/sh\necho no such thing >&2\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(release.ReleaseError, match=r"--version: ended with 3; no such thing$"):
        release.try_out(tmp_path, tmp_path)


def test_the_recipe_names_each_file_that_says_the_version() -> None:
    for name in ("simtraffic/_version.py", "ARG VERSION", "Dockerfile", "newTag", "CHANGELOG.md"):
        assert f"`{name}`" in RECIPE


@pytest.mark.long
def test_what_the_recipe_runs_offline_works_in_a_copy(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    left_out = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "htmlcov")
    shutil.copytree(ROOT, tree, ignore=left_out)
    released(tree)
    (commands,) = re.findall(r"```bash\n(.*?)```", RECIPE, re.DOTALL)
    for line in commands.splitlines():
        target = line.removeprefix("make ")
        make = (ROOT / "Makefile").read_text(encoding="utf-8")
        (recipe,) = re.findall(rf"(?m)^{target}:.*\n\t\$\(BIN\)/python (.+)$", make)
        done = subprocess.run(
            [sys.executable, *recipe.split()], cwd=tree, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == [
            f"dist/simtraffic-{VERSION}.tar.gz",
            f"dist/simtraffic-{VERSION}-py3-none-any.whl",
        ]
