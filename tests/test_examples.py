"""The examples run as they stand, and show what their heads say."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from simtraffic.backends.commands import of_collector, url
from simtraffic.backends.ports import HOST, free_ports
from simtraffic.backends.programs import Running
from simtraffic.collector.server import Collector
from tests.real.programs import PATIENCE_S, tool

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
NOTEBOOK = EXAMPLES / "notebook.py"
WORKFLOW = YAML(typ="safe", pure=True).load(EXAMPLES / "ci/telemetry.yml")


def test_each_is_listed_and_says_what_it_shows() -> None:
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for path in EXAMPLES.iterdir():
        if path.name not in {"README.md", "__pycache__"}:
            assert f"({path.name}{'/' if path.is_dir() else ''})" in listed, path.name
    for path in EXAMPLES.rglob("*.y*ml"):
        assert path.read_text(encoding="utf-8").startswith("# "), path.name
    for path in EXAMPLES.rglob("*.py"):
        assert path.read_text(encoding="utf-8").startswith(('"""', "# %% [markdown]\n# # "))


def test_the_notebook_shows_the_outage_and_the_cost(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With numpy alone; a picture of each failed window is made of signs."""
    monkeypatch.chdir(ROOT)
    loaded = set(sys.modules)

    runpy.run_path(str(NOTEBOOK))

    said = capsys.readouterr().out
    assert not {name.partition(".")[0] for name in set(sys.modules) - loaded} & {"matplotlib"}
    failed = {
        int(at): float(share)
        for at, share in re.findall(r"^ *(\d+) s .* ([\d.]+)%", said, re.MULTILINE)
    }
    assert len(failed) == 12
    assert max(failed, key=lambda at: failed[at]) == 25
    assert failed[25] > 5 > failed[50]
    costs = [float(each) for each in re.findall(r"^[a-z-]+ +[\d,]+ +([\d.]+)", said, re.MULTILINE)]
    *flows, total = costs
    assert sum(flows) == pytest.approx(total, abs=2e-4)


def test_the_notebook_is_cells_with_words_between() -> None:
    first, *cells = NOTEBOOK.read_text(encoding="utf-8").split("# %%")
    assert first == ""
    words = [cell for cell in cells if cell.startswith(" [markdown]\n")]
    assert len(words) >= len(cells) // 2
    assert all(line.startswith("#") for cell in words for line in cell.split("\n")[1:] if line)


@pytest.mark.long
def test_the_suite_passes_on_its_own(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "pytest", tmp_path / "suite")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error"],
        cwd=tmp_path / "suite",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def step(name: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """A step of the workflow, as the runner calls it; a run takes no time."""
    (script,) = (
        each["run"] for each in WORKFLOW["jobs"]["pipeline"]["steps"] if each.get("id") == name
    )
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for program, words in {
        "simtraffic": '-m simtraffic "$@" --speed max',
        "python": '"$@"',
    }.items():
        (programs / program).write_text(f"#!/bin/sh\nexec '{sys.executable}' {words}\n")
        (programs / program).chmod(0o755)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    path = f"{programs}:{kept['PATH']}"
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**kept, **WORKFLOW["env"], **settings, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository that took the workflow over, as its head says."""
    (tmp_path / "deploy").mkdir()
    for name in ("pipeline.yaml", "collector.yaml"):
        shutil.copy(EXAMPLES / "ci" / name, tmp_path / "deploy")
    return tmp_path


@pytest.mark.parametrize(
    ("fault", "code"), [("kind=slow delay=1ms", 0), ("kind=partial share=30%", 4)]
)
def test_the_workflow_is_red_when_telemetry_is_lost(checkout: Path, fault: str, code: int) -> None:
    with Collector(faults=[fault]) as collector:
        done = step("traffic", checkout, ENDPOINT=collector.grpc_endpoint)
    assert done.returncode == code, done.stderr
    assert (checkout / "result.json").exists()


@pytest.mark.real
def test_the_workflow_is_red_when_the_collector_keeps_something(checkout: Path) -> None:
    """Its counters agree after a run, and do not before one."""
    grpc, metrics = free_ports(2)
    program = of_collector(
        tool("otelcol"),
        checkout / "deploy/collector.yaml",
        (f"{HOST}:{grpc}", f"{url(metrics)}/metrics"),
        environment={"OTLP_GRPC": f"{HOST}:{grpc}", "METRICS_PORT": str(metrics)},
    )
    settings = {"ENDPOINT": url(grpc), "COUNTERS": f"{url(metrics)}/metrics"}
    with Running(program, checkout / "otelcol.log", PATIENCE_S):
        before = step("counters", checkout, **settings)
        sent = step("traffic", checkout, **settings)
        after = step("counters", checkout, **settings)
    assert before.returncode == 1, before.stdout
    assert sent.returncode == 0, sent.stderr
    assert after.returncode == 0, after.stdout + after.stderr
    assert re.search(r"spans: took (\d[\d,]*), sent on \1", after.stdout)
