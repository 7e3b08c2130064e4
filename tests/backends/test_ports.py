"""Ports for programs that are started in a moment."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from simtraffic.backends import ports
from simtraffic.backends.ports import HIGHEST, HOST, LOWEST, free_ports, listens
from simtraffic.errors import SimtrafficError

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_they_differ_and_are_free():
    found = free_ports(20)
    assert len(set(found)) == 20
    assert not any(map(listens, found))


@pytest.mark.skipif(not _RANGE.exists(), reason="only Linux tells its range in a file")
def test_no_outgoing_connection_is_given_one():
    lowest_outgoing = int(_RANGE.read_text().split()[0])
    assert all(LOWEST <= port <= HIGHEST < lowest_outgoing for port in free_ports(20))


def test_no_port_is_given_twice_to_whoever_looks_at_the_same_time(monkeypatch):
    (port,) = free_ports(1)
    monkeypatch.setattr(ports, "LOWEST", port)
    monkeypatch.setattr(ports, "HIGHEST", port)
    with pytest.raises(SimtrafficError, match=f"no free port between {port} and {port}"):
        free_ports(1)
    other = (
        "from simtraffic.backends import ports\n"
        f"ports.LOWEST = ports.HIGHEST = {port}\n"
        "ports.free_ports(1)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", other], capture_output=True, text=True, check=False
    )
    assert f"no free port between {port}" in ended.stderr


def test_one_that_is_taken_is_passed_over(monkeypatch):
    with socket.create_server((HOST, 0)) as server:
        taken = server.getsockname()[1]
        monkeypatch.setattr(ports, "LOWEST", taken)
        monkeypatch.setattr(ports, "HIGHEST", taken)
        with pytest.raises(SimtrafficError, match="no free port"):
            free_ports(1)
