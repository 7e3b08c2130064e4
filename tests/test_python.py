"""Whatever Python it is: commands and the processes that they start end without a word.

Development mode tells of files, sockets and threads that were left behind, and every warning is an
error, in child processes as well.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from simtraffic.shipped import shipped_scenarios

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

SMOKE = str(shipped_scenarios()["smoke"])
STRICT = {"PYTHONDEVMODE": "1", "PYTHONWARNINGS": "error"}


def environment() -> dict[str, str]:
    """Of this process, without what would send telemetry elsewhere, and strict."""
    kept = {name: each for name, each in os.environ.items() if not name.startswith("OTEL_")}
    return {**kept, **STRICT}


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["run", "--help"],
        ["check", SMOKE],
        ["plan", SMOKE],
        ["show", "metrics"],
        ["run", SMOKE, "--quiet", "--speed", "max", "--out", "out.jsonl"],
        ["run", SMOKE, "--quiet", "--speed", "max"],
        ["run", SMOKE, "--quiet", "--speed", "max", "--workers", "2"],
        ["run", SMOKE, "--quiet", "--speed", "20", "--protocol", "http/protobuf"],
        ["run", SMOKE, "--quiet", "--speed", "20", "--prometheus-port", "0"],
    ],
    ids=lambda words: " ".join(word for word in words if word != SMOKE),
)
def test_a_command_ends_without_a_word_on_standard_error(words: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "simtraffic", *words],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_a_collector_that_is_told_to_end_does_so_without_a_word(tmp_path: Path) -> None:
    words = ["collect", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"]
    with subprocess.Popen(
        [sys.executable, "-m", "simtraffic", *words],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=60)

    assert "127.0.0.1:" in first
    assert process.returncode in (0, 130)
    for bad in ("Warning", "Exception ignored", "Traceback", "fork"):
        assert bad not in rest
