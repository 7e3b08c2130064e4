"""`simtraffic run --prometheus-port`: opened before anything is sent, gone at the end."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest
from typer.testing import CliRunner

from simtraffic.cli.main import app
from tests.cli.test_run import write

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

ADDRESS = re.compile(r"telling of itself at (http://\S+)/metrics")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("OTEL_", "PROMETHEUS_")):
            monkeypatch.delenv(name)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that something else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def ask(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        app, ["run", write(folder), "--out", str(folder / "out.jsonl"), *arguments]
    )


def found_at(text: str) -> str:
    found = ADDRESS.search(text)
    assert found is not None, text
    return found[1]


def test_it_is_told_where_the_page_is_and_nothing_listens_afterwards(tmp_path: Path) -> None:
    done = ask(tmp_path, "--prometheus-port", "0")

    assert done.exit_code == 0
    with pytest.raises(OSError, match="refused"):
        urlopen(found_at(done.stderr) + "/healthz", timeout=5)


def test_a_port_that_is_taken_is_wrong_usage_before_the_first_byte(
    tmp_path: Path, taken: int
) -> None:
    done = ask(tmp_path, "--prometheus-port", str(taken))

    assert (done.exit_code, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("simtraffic: --prometheus-port: cannot be listened on")
    assert f"127.0.0.1:{taken}" in line
    out = tmp_path / "out.jsonl"
    assert not (out.exists() and out.read_bytes())


@pytest.mark.parametrize("name", ["OTEL_EXPORTER_PROMETHEUS_PORT", "PROMETHEUS_PORT"])
def test_the_variable_that_asks_for_the_page_is_the_one_that_is_blamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: int, name: str
) -> None:
    monkeypatch.setenv(name, str(taken))

    done = ask(tmp_path)

    assert done.exit_code == 2
    assert done.stderr.startswith(f"simtraffic: {name}: cannot be listened on")


def test_what_kubernetes_put_there_is_warned_about_and_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_PORT", "tcp://10.0.0.1:9090")

    done = ask(tmp_path)

    assert done.exit_code == 0
    assert done.stderr.startswith("PROMETHEUS_PORT: the address of a Kubernetes service, skipped")
    assert ADDRESS.search(done.stderr) is None


def test_it_answers_while_the_run_goes_on_and_is_gone_after_an_interrupt(tmp_path: Path) -> None:
    kept = tmp_path / "result.json"
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "simtraffic", "run", write(tmp_path), "--duration", "10m"),
            *("--out", str(tmp_path / "out"), "--speed", "real", "--result", str(kept)),
            *("--prometheus-port", "0"),
        ],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        lines = [process.stderr.readline(), process.stderr.readline()]
        address = found_at("".join(lines))
        with urlopen(address + "/healthz", timeout=5) as answer:
            assert answer.read() == b"ok\n"
        with urlopen(address + "/metrics", timeout=5) as answer:
            text = answer.read().decode()
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()

    assert process.returncode == 130, rest
    run_id = json.loads(kept.read_text(encoding="utf-8"))["run_id"]
    assert f'run_id="{run_id}"' in text
    with pytest.raises(OSError, match="refused"):
        urlopen(address + "/healthz", timeout=5)
