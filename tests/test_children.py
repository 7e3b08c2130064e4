"""Processes of our own import what this one imports, and nothing that lies around."""

import os
import subprocess
import sys
from pathlib import Path

import simtraffic
from simtraffic import children

ROOT = str(Path(simtraffic.__file__).resolve().parent.parent)
TRAPS = ("queue", "http", "token", "email", "numpy", "grpc", "socket", "simtraffic")
RUN = "run scenario.yaml --speed max --workers 2 --quiet"
SCENARIO = """\
version: 1
name: shadowed
load: {arrivals: even, stages: [{duration: 1s, rate: 10/s}]}
traffic:
  - {name: chat, workflow: chat, share: 1, tokens: chat, models: {openai/gpt-4o-mini: 1}}
"""


def test_nothing_of_the_working_directory_is_imported(tmp_path):
    for name in TRAPS:
        trap = f"open({str(tmp_path / 'sprung')!r}, 'w').close(); raise SystemExit(9)"
        (tmp_path / f"{name}.py").write_text(trap, encoding="utf-8")
    (tmp_path / "scenario.yaml").write_text(SCENARIO, encoding="utf-8")

    # The collector of its own and the workers are such processes.
    done = subprocess.run(
        [sys.executable, "-P", "-m", "simtraffic", *RUN.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "sprung").exists()


def test_the_working_directory_is_left_out(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), "", "/stdlib", ROOT])
    monkeypatch.delenv("PYTHONPATH", raising=False)

    assert children.import_path() == ["/stdlib", ROOT]


def test_the_working_directory_stays_where_it_is_asked_for(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), ROOT])
    monkeypatch.setenv("PYTHONPATH", f"/other{os.pathsep}{tmp_path}")

    assert children.import_path() == [str(tmp_path), ROOT]


def test_a_checkout_is_where_the_package_is_from(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", [ROOT, "/stdlib"])

    assert children.import_path() == [ROOT, "/stdlib"]


def test_a_working_directory_that_is_gone_is_no_fault(monkeypatch, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setattr(sys, "path", ["", "/stdlib"])

    assert children.import_path() == ["/stdlib"]
