from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from simtraffic.export import Outcome
from simtraffic.export.connect import open_transport
from simtraffic.export.settings import ExportSettings
from simtraffic.signals import Chunk

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
    assert transport.send(Chunk.of("logs", b"", 0), 20.0).outcome is Outcome.ACCEPTED
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


@pytest.mark.long
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


@pytest.mark.long
def test_faults_are_met_and_counted() -> None:
    process = start("--announce", "--json", "--fault", "kind=partial share=0%")
    assert process.stdout is not None
    send_one(json.loads(process.stdout.readline())["grpc"])

    said, errors = process.communicate(timeout=60)

    assert (process.returncode, errors) == (0, "")
    assert json.loads(said)["on_purpose"] == [{"fault": "kind=partial share=0%", "requests": 1}]


def test_wrong_faults_are_wrong_usage_a_line_each() -> None:
    process = start("--fault", "kind=hnag", "--fault", "status=503 shaer=1%", "--max-bytes", "1KB")

    said, errors = process.communicate(timeout=60)

    assert (process.returncode, said) == (2, "")
    lines = [line for line in errors.splitlines() if line]
    assert len(lines) == 2
    assert "did you mean hang?" in lines[0]
    assert "did you mean share?" in lines[1]


def test_a_size_that_is_none_is_wrong_usage() -> None:
    process = start("--max-bytes", "much")

    said, errors = process.communicate(timeout=60)

    assert (process.returncode, said) == (2, "")
    assert "--max-bytes: " in errors


@pytest.mark.long
def test_a_file_that_cannot_be_written_any_more_is_told_and_ends_with_4() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    process = start("--announce", "--out", "/dev/full")
    assert process.stdout is not None
    send_one(json.loads(process.stdout.readline())["grpc"])

    said, errors = process.communicate(timeout=60)

    assert process.returncode == 4
    assert said.startswith("received 0 spans")
    assert len(errors.splitlines()) == 1
    assert "--out /dev/full: cannot be written; No space left on device" in errors


@pytest.mark.long
def test_requests_that_are_refused_are_told() -> None:
    process = start("--announce")
    assert process.stdout is not None
    where = json.loads(process.stdout.readline())["http"]
    connection = http.client.HTTPConnection(where.removeprefix("http://"), timeout=20)
    connection.request("GET", "/v1/traces")
    assert connection.getresponse().status == 405
    connection.close()

    said, _ = process.communicate(timeout=60)

    assert said.splitlines()[1] == "  1 requests refused: 405 only POST is served here"
