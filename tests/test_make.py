"""What the Makefile would do, asked by `make -n`, and what it says when it cannot."""

from __future__ import annotations

import os
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from simtraffic.backends.ports import HOST
from simtraffic.backends.programs import ProgramError
from tools.stack.addresses import Addresses
from tools.stack.stack import Stack

ROOT = Path(__file__).parents[1]
# As in a clean clone, whatever lies in .venv here.
CLEAN = ("RUNNABLE=no/.runnable", "INSTALLED=no/.installed")


def make(*words: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "PORTS")}
    return subprocess.run(
        ["make", "--no-print-directory", *words],
        cwd=ROOT,
        env={**kept, "LC_ALL": "C"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_a_run_installs_the_package_alone() -> None:
    said = make("--dry-run", "run", *CLEAN).stdout

    assert "--editable ." in said
    assert "--group" not in said
    assert said.rstrip().endswith("simtraffic run scenarios/ramp.yaml")


def test_tests_install_the_rest_as_well() -> None:
    said = make("--dry-run", "test", *CLEAN).stdout

    assert said.index("--editable .") < said.index("--group dev") < said.index("pytest")


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt", "simtraffic/_version.py"])
@pytest.mark.parametrize("target", ["run", "install"])
def test_what_is_installed_follows_a_change(target: str, changed: str, tmp_path: Path) -> None:
    marks = [f"{name}={tmp_path / name}" for name in ("RUNNABLE", "INSTALLED")]
    for name in ("RUNNABLE", "INSTALLED"):
        (tmp_path / name).touch()
    before = make("--dry-run", target, *marks).stdout

    after = make("--dry-run", target, *marks, f"--what-if={changed}").stdout

    assert "pip" not in before
    assert "--editable ." in after
    assert ("--group dev" in after) == (target == "install")


@pytest.mark.parametrize("target", ["stack", "stack-demo"])
def test_a_stack_takes_free_ports_where_it_is_asked_to(target: str) -> None:
    assert "--free-ports" in make("--dry-run", target, "PORTS=free").stdout
    assert "--free-ports" not in make("--dry-run", target).stdout


def test_other_words_for_ports_are_refused_with_what_is_known() -> None:
    done = make("--dry-run", "stack", "PORTS=9000")

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "PORTS: only `free` is known; found 9000" in line


def test_a_taken_port_is_told_with_a_command_that_works(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as server:
        addresses = replace(Addresses.free(), webhook=server.getsockname()[1])
        with pytest.raises(ProgramError) as found:
            Stack(addresses, tmp_path).start()

    named = [word for word in str(found.value).split("`") if word.startswith("make ")]
    assert named == ["make stack-down", "make stack PORTS=free"]
    assert all(make("--dry-run", *words.split()[1:]).returncode == 0 for words in named)


@pytest.mark.parametrize("target", ["up", "demo", "down"])
def test_without_a_container_engine_a_line_names_the_native_stack(target: str) -> None:
    done = make(target, "COMPOSE=false", *CLEAN)

    assert done.returncode == 2
    told, _ = done.stderr.splitlines()
    assert "no engine answers to `false`" in told
    assert "make stack-demo" in told
    assert done.stdout == ""
