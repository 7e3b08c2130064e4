"""Where the doors listen is read whole, and refused with the cause."""

from __future__ import annotations

import socket

import pytest

from simtraffic.collector import Collector
from simtraffic.collector.address import Listening
from simtraffic.errors import UsageError

OTHERS = "192.0.2.1"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("127.0.0.1:99999", "its port is above 65535"),
        ("127.0.0.1:99999999999999999999", "its port is above 65535"),
        ("127.0.0.1:-1", "its port is no number"),
        ("127.0.0.1:4_317", "its port is no number"),
        ("127.0.0.1: 4317", "its port is no number"),
        ("127.0.0.1:\uff14\uff13", "its port is no number"),
        ("127.0.0.1:", "its port is empty"),
        ("127.0.0.1", "it has no port"),
        ("localhost", "it has no port"),
        ("[::1]", "it has no port"),
        (":4317", "it has no host"),
        ("4317", "it has no host"),
        ("::1:4317", "an IPv6 address stands without brackets"),
        ("[::g]:4317", "no IPv6 address is in the brackets"),
        ("[]:4317", "no IPv6 address is in the brackets"),
        ("127.0.0.1:1:2", "its host and port cannot be told apart"),
        ("256.0.0.1:1", "its host is neither a name nor an IP address"),
        ("a b:1", "its host is neither a name nor an IP address"),
        ("h\u00f6st:1", "its host is neither a name nor an IP address"),
        ("http://127.0.0.1:4317", "it is a URL"),
        ("unix:/run/otel.sock", "no socket of the file system is listened on"),
    ],
)
def test_an_address_that_is_none_is_refused_before_anything_listens(
    text: str, problem: str
) -> None:
    for doors in ({"grpc": text, "http": None}, {"grpc": None, "http": text}):
        (option,) = (name for name, value in doors.items() if value)
        with pytest.raises(UsageError) as caught, Collector(doors["grpc"], doors["http"]):
            pass
        assert str(caught.value).startswith(f"--{option} {text}: cannot listen there; {problem}")


@pytest.mark.parametrize("faults", [None, []], ids=["door", "relay"])
@pytest.mark.parametrize("option", ["grpc", "http"])
def test_an_address_that_is_taken_or_of_others_is_told_as_that(
    option: str, faults: list[str] | None
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for address, cause in (
            (f"127.0.0.1:{port}", "the port is taken; use another one"),
            (f"{OTHERS}:{port}", "it is no address of this machine"),
            (f"no-such-host.invalid:{port}", "there is no such host name"),
        ):
            with (
                pytest.raises(UsageError) as caught,
                Collector(
                    address if option == "grpc" else None,
                    address if option == "http" else None,
                    faults=faults,
                ),
            ):
                pass
            assert str(caught.value).startswith(f"--{option} {address}: cannot listen there; ")
            assert cause in str(caught.value)


def test_ipv6_is_listened_on_and_told_in_brackets() -> None:
    assert str(Listening.read("--grpc", "[::1]:4317")) == "[::1]:4317"
    if not socket.has_dualstack_ipv6():
        pytest.skip("needs IPv6")
    with Collector("[::1]:0", "[::1]:0") as collector:
        for endpoint in (collector.grpc_endpoint, collector.http_endpoint):
            host, _, port = endpoint.rpartition(":")
            assert host == "http://[::1]"
            socket.create_connection(("::1", int(port)), 5).close()
