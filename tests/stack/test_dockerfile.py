"""Dockerfile and workflows: linted by the tools of their kind, and what the image would hold.

No container engine is needed: the commands of the Dockerfile that make the image's environment run
here in a scratch folder instead. The image itself is built by .github/workflows/image.yml.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.real.programs import tool
from tests.stack.compose_file import ROOT

DOCKERFILE = ROOT / "Dockerfile"
WORKFLOWS = [
    *sorted((ROOT / ".github/workflows").glob("*.yml")),
    ROOT / "examples/ci/telemetry.yml",
]
"""Our own, and the one that others copy."""
BESIDE = Path(sys.executable).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def instructions(text: str) -> list[tuple[str, str]]:
    """Keyword and rest of each instruction, with its lines joined and comments left out."""
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in whole.splitlines()]


def stages() -> list[list[tuple[str, str]]]:
    """The instructions of each stage, from its FROM on."""
    found: list[list[tuple[str, str]]] = []
    for keyword, rest in instructions(DOCKERFILE.read_text(encoding="utf-8")):
        if keyword == "FROM":
            found.append([])
        found[-1].append((keyword, rest))
    return found


BUILD, IMAGE = stages()


def of(stage: list[tuple[str, str]], keyword: str) -> list[str]:
    """What a stage says with a keyword."""
    return [rest for each, rest in stage if each == keyword]


def labels() -> dict[str, str]:
    """The labels of the image."""
    return dict(re.findall(r'org\.opencontainers\.image\.(\S+?)="([^"]*)"', of(IMAGE, "LABEL")[0]))


def run(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def test_the_dockerfile_passes_its_linter():
    found = run(BESIDE / "hadolint", "--no-color", DOCKERFILE)
    assert (found.returncode, found.stdout) == (0, "")


def test_both_stages_start_from_the_same_pinned_image():
    bases = [of(stage, "FROM")[0].split(" AS ")[0] for stage in (BUILD, IMAGE)]
    assert bases[0] == bases[1]
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", bases[0])


def test_the_image_does_not_run_as_root_and_says_so_in_numbers():
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", of(IMAGE, "USER")[-1])
    after = IMAGE[IMAGE.index(("USER", of(IMAGE, "USER")[-1])) :]
    assert {keyword for keyword, _ in after} <= {"USER", "STOPSIGNAL", "ENTRYPOINT", "CMD"}


def test_the_image_installs_nothing_and_takes_over_the_environment_alone():
    assert not of(IMAGE, "ADD") + of(BUILD, "ADD")
    assert of(IMAGE, "COPY") == ["--from=build /opt/simtraffic /opt/simtraffic"]
    assert not re.search(r"\b(apt|apt-get|pip install|curl|wget)\b", " ".join(of(IMAGE, "RUN")))
    assert all(
        f"/usr/local/{path}" in of(IMAGE, "RUN")[0] for path in ("bin/pip*", "lib/python3.13")
    )


def test_scenarios_have_their_short_path_and_are_those_of_the_wheel():
    """A wheel of this very Python has them there; tests/test_package.py holds the wheel to it."""
    (link,) = (command for command in of(IMAGE, "RUN") if command.startswith("ln -s "))
    version = re.search(r"python:(3\.\d+)", of(IMAGE, "FROM")[0])
    assert version
    site = f"/opt/simtraffic/lib/python{version[1]}/site-packages"
    assert link.split()[2:] == [f"{site}/simtraffic/shipped_files/scenarios", "/scenarios"]


def test_a_read_only_file_system_is_enough():
    environment = dict(pair.split("=", 1) for pair in shlex.split(of(IMAGE, "ENV")[0]))
    assert environment["PYTHONDONTWRITEBYTECODE"] == "1"
    assert environment["HOME"] == "/tmp"
    assert environment["PATH"].split(":")[0] == "/opt/simtraffic/bin"
    assert not of(IMAGE, "VOLUME")
    assert json.loads(of(IMAGE, "ENTRYPOINT")[0]) == ["simtraffic"]


def test_labels_tell_where_the_image_comes_from():
    told = labels()
    assert told["title"] == PROJECT["name"]
    assert told["description"] == PROJECT["description"]
    assert told["licenses"] == PROJECT["license"]
    given = {"version": "VERSION", "revision": "REVISION", "created": "CREATED", "source": "SOURCE"}
    arguments = dict(each.split("=") for each in of(IMAGE, "ARG"))
    for label, argument in given.items():
        assert told[label] == f"${{{argument}}}"
        assert argument in arguments
    workflow = (ROOT / ".github/workflows/image.yml").read_text(encoding="utf-8")
    assert all(f"            {argument}=${{{{ " in workflow for argument in given.values())


def test_the_default_version_is_that_of_the_package():
    (version,) = (each for each in of(IMAGE, "ARG") if each.startswith("VERSION="))
    text = (ROOT / "simtraffic/_version.py").read_text(encoding="utf-8")
    assert f'"{version.removeprefix("VERSION=")}"' in text


def test_nothing_but_what_is_copied_goes_to_the_builder():
    patterns = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in patterns if line and not line.startswith("#")]
    assert rules[0] == "*"
    kept = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {
        source
        for copy in of(BUILD, "COPY") + of(IMAGE, "COPY")
        if not copy.startswith("--from")
        for source in copy.split()[:-1]
    }
    assert kept == copied
    assert all((ROOT / source).exists() for source in copied)
    assert not any(fnmatch.fnmatch(source, rule) for source in kept for rule in rules[1:])


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the build stage leaves in /opt/simtraffic, made by its own commands."""
    folder = tmp_path_factory.mktemp("image")
    source = folder / "src"
    source.mkdir()
    for copy in of(BUILD, "COPY"):
        *names, _ = copy.split()
        for name in names:
            whole = ROOT / name
            if whole.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(whole, source / name, ignore=ignored)
            else:
                shutil.copy(whole, source / name)
    for command in of(BUILD, "RUN"):
        here = command.replace("/opt/simtraffic", str(folder / "opt"))
        here = here.replace("/wheels", str(folder / "wheels"))
        here = re.sub(r"\bpython -m", f"{shlex.quote(sys.executable)} -m", here)
        found = run("sh", "-ec", here, cwd=source)
        assert found.returncode == 0, found.stderr
    return folder / "opt"


@pytest.mark.real
def test_the_environment_runs_a_scenario_away_from_the_checkout(environment, tmp_path):
    shutil.copytree(ROOT / "scenarios", tmp_path / "scenarios")
    alone = {"PATH": f"{environment}/bin:/usr/bin:/bin", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    words = ("run", "scenarios/smoke.yaml", "--speed", "max")
    found = run("simtraffic", *words, cwd=tmp_path, env=alone)
    assert found.returncode == 0, found.stderr
    assert "PASSED smoke" in found.stderr + found.stdout
    shown = run("simtraffic", "show", "scenarios", "--json", cwd=tmp_path, env=alone)
    assert "scenarios/smoke.yaml" in {row["file"] for row in json.loads(shown.stdout)}


@pytest.mark.real
def test_the_environment_holds_no_tools_and_the_pinned_versions_alone(environment):
    site = next(environment.glob("lib/python3*/site-packages"))
    there = dict(
        path.name.lower().replace("_", "-").removesuffix(".dist-info").rsplit("-", 1)
        for path in site.glob("*.dist-info")
    )
    assert there.pop("simtraffic")
    assert not set(there) & {"pip", "setuptools", "wheel", "pytest", "ruff", "mypy", "coverage"}
    assert {"grpcio", "numpy", "pydantic"} <= set(there)
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8").lower().replace("_", "-")
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE))
    # A wheel's folder is named with underscores where its name may have a dot.
    pinned = {name.replace(".", "-"): version for name, version in pinned.items()}
    assert there == {name.replace(".", "-"): pinned[name.replace(".", "-")] for name in there}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_follows_the_schema(path):
    schema = ["--builtin-schema", "vendor.github-workflows"]
    found = run(sys.executable, "-m", "check_jsonschema", *schema, path)
    assert found.returncode == 0, found.stdout


def test_the_workflows_pass_their_auditor():
    found = run(BESIDE / "zizmor", "--offline", "--no-progress", "--quiet", *WORKFLOWS)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.real
def test_the_workflows_pass_their_linter():
    found = run(tool("actionlint"), "-no-color", *WORKFLOWS, env={**os.environ, "NO_COLOR": "1"})
    assert (found.returncode, found.stdout) == (0, "")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_and_rights_are_given_one_by_one(path):
    text = path.read_text(encoding="utf-8")
    used = re.findall(r"uses: ([^./\s][^\s]*)(.*)", text)
    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), f"{action}: which version?"
    assert "\npermissions: {}\n" in text
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")
    assert text.count("timeout-minutes:") == text.count("runs-on:")


def test_continuous_integration_runs_the_script_that_developers_run():
    text = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    assert "      - run: .ci/run\n" in text
    assert os.access(ROOT / ".ci/run", os.X_OK)
    lowest = PROJECT["requires-python"].removeprefix(">=")
    assert f'python: ["{lowest}", ' in text
