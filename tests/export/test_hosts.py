"""Which receivers are this machine."""

from __future__ import annotations

import socket

import pytest

from simtraffic.export.hosts import foreign_hosts, is_this_machine
from simtraffic.export.settings import ExportSettings


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "::1", "0.0.0.0"])
def test_loopback_is_this_machine(host: str) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize("host", ["192.0.2.1", "10.255.255.1", "8.8.8.8", "2001:db8::1"])
def test_other_addresses_are_not_even_private_ones(host: str) -> None:
    assert not is_this_machine(host)


def test_a_name_is_not_when_one_of_its_addresses_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(*_args: object, **_options: object) -> list[tuple[object, ...]]:
        kinds = (socket.AF_INET, socket.SOCK_DGRAM, 0, "")
        return [(*kinds, ("127.0.0.1", 0)), (*kinds, ("192.0.2.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    assert not is_this_machine("both.example.com")


def test_a_name_that_nobody_knows_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: object, **_options: object) -> list[object]:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert not is_this_machine("no.such.example")


def test_each_foreign_host_is_named_once_and_sockets_of_files_never() -> None:
    endpoints = ["http://localhost:1", "https://192.0.2.1:4317", "https://192.0.2.1/v1/logs"]

    found = foreign_hosts(map(ExportSettings, [*endpoints, "unix:///run/otel.sock"]))

    assert found == ["192.0.2.1"]
