from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from simtraffic.export import Batch, Outcome
from simtraffic.export.connect import open_transport
from simtraffic.export.settings import ExportSettings

if TYPE_CHECKING:
    from pathlib import Path

FREE = ("--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0")


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "simtraffic", "collect", *FREE, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def send_one(endpoint: str) -> None:
    transport = open_transport({"logs": ExportSettings(endpoint)})
    assert transport.send(Batch("logs", b"", 0), 20.0).outcome is Outcome.ACCEPTED
    transport.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_its_counts(number: signal.Signals) -> None:
    process = start()
    assert process.stderr is not None
    where = process.stderr.readline()
    send_one(where.split()[2])

    process.send_signal(number)
    said, errors = process.communicate(timeout=60)

    assert process.returncode == 0
    assert said == ("received 0 spans, 0 data points and 0 log records in 1 requests, 0 bytes\n")
    assert errors == ""


def test_announced_it_ends_with_its_input_and_prints_json(tmp_path: Path) -> None:
    process = start("--announce", "--json", "--out", str(tmp_path / "out"))
    assert process.stdout is not None
    addresses = json.loads(process.stdout.readline())
    send_one(addresses["grpc"])

    said, errors = process.communicate(timeout=60)

    assert (process.returncode, errors) == (0, "")
    assert json.loads(said)["requests"] == 1
    assert (tmp_path / "out").read_text() == "{}\n"


def test_quiet_says_nothing_but_the_counts() -> None:
    process = start("--quiet", "--announce")

    said, errors = process.communicate(timeout=60)

    assert errors == ""
    assert len(said.splitlines()) == 2


def test_an_address_that_cannot_be_listened_on_is_wrong_usage() -> None:
    process = start("--grpc", "192.0.2.1:1")

    said, errors = process.communicate(timeout=60)

    assert (process.returncode, said) == (2, "")
    assert "--grpc 192.0.2.1:1: cannot listen there" in errors
    assert len(errors.splitlines()) == 1
