"""What a look at a receiver finds, whatever listens there."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, get_args

import pytest

from simtraffic.clock import monotonic
from simtraffic.collector import Collector
from simtraffic.errors import UsageError
from simtraffic.export.look import FINE, Finding, look
from simtraffic.export.settings import ExportSettings, Protocol
from tests.export.doors import SETTINGS, answers, door, free_port, hangs_up, says
from tests.export.guarded import Authority, grpc_receiver, http_receiver

if TYPE_CHECKING:
    from pathlib import Path

PROTOCOLS = get_args(Protocol)
OVER_HTTP = ("http/protobuf", "http/json")
# A machine that is busy is not slow in what is tested here.
PATIENCE_S = 5.0


def at(endpoint: str, protocol: Protocol = "grpc", **files: Any) -> ExportSettings:
    path = "" if protocol == "grpc" else "/v1/traces"
    return ExportSettings(endpoint + path, protocol, **files)


def found(settings: ExportSettings, patience_s: float = PATIENCE_S) -> Finding:
    return look({"traces": settings}, patience_s)["traces"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as started:
        yield started


def endpoint_of(collector: Collector, protocol: Protocol) -> str:
    return collector.grpc_endpoint if protocol == "grpc" else collector.http_endpoint


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_receiver_is_fine_and_has_counted_nothing(
    collector: Collector, protocol: Protocol
) -> None:
    assert found(at(endpoint_of(collector, protocol), protocol)) == FINE

    counts = collector.counts()
    assert (counts.requests, counts.refused, counts.faults) == (0, {}, {})


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_where_nothing_listens_it_is_told_with_the_address(protocol: Protocol) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"

    finding = found(at(endpoint, protocol))

    assert finding == Finding(
        f"nothing answers at {endpoint}: connection refused; is a collector running there?",
        is_sure=True,
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_host_that_nobody_knows_is_told(protocol: Protocol) -> None:
    finding = found(at("http://no-such-host.invalid:4317", protocol))

    assert finding.is_sure
    assert "no-such-host.invalid" in finding.sentence
    assert "host name" in finding.sentence


def test_sockets_of_the_file_system_and_ipv6_are_looked_at(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        assert "connection refused" in found(ExportSettings(f"unix:{tmp_path}/s")).sentence
        assert "no such socket" in found(ExportSettings(f"unix://{tmp_path}/other")).sentence
        server.listen()
        assert found(ExportSettings(f"unix:{tmp_path}/s"), 0.5) == FINE
    try:
        six = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("needs IPv6")
    with six:
        endpoint = f"http://[::1]:{six.getsockname()[1]}"
        assert found(ExportSettings(endpoint), 0.5) == FINE
    assert f"nothing answers at {endpoint}: " in found(ExportSettings(endpoint)).sentence


def test_grpc_to_the_http_port_is_wrong_and_no_waiting_cures_it(collector: Collector) -> None:
    finding = found(at(collector.http_endpoint, "grpc"))

    assert (finding.is_sure, finding.may_pass) == (True, False)
    assert "speaks HTTP/1.1 there, not gRPC; use --protocol http/protobuf" in finding.sentence
    assert finding.sentence.startswith(collector.http_endpoint)


@pytest.mark.parametrize("protocol", OVER_HTTP)
def test_http_to_the_grpc_port_is_wrong_and_no_waiting_cures_it(
    collector: Collector, protocol: Protocol
) -> None:
    finding = found(at(collector.grpc_endpoint, protocol))

    assert (finding.is_sure, finding.may_pass) == (True, False)
    assert "speaks gRPC there, not HTTP/1.1; use --protocol grpc" in finding.sentence


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("words", "first"),
    [
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", True),
        (b"-ERR unknown command\r\n", False),
        (b"220 mail.example ESMTP\r\n", True),
        (b"J\x00\x00\x00\x0a8.0.36\x00", True),
        (b"no\r\n", False),
    ],
    ids=["ssh", "redis", "smtp", "mysql", "short"],
)
def test_what_is_no_otlp_at_all_is_told_in_its_own_words(
    protocol: Protocol, words: bytes, first: bool
) -> None:
    with door(says(words, first=first)) as there:
        finding = found(at(there.endpoint, protocol))

    assert (finding.is_sure, finding.may_pass) == (True, False)
    assert "no OTLP receiver, it says" in finding.sentence
    assert finding.sentence.isprintable()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_listens_and_is_slow_to_answer_is_fine(protocol: Protocol) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        began = monotonic()
        finding = found(at(f"http://127.0.0.1:{mute.getsockname()[1]}", protocol), 0.5)

    assert finding == FINE
    assert monotonic() - began < PATIENCE_S


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_closes_every_connection_is_in_doubt(protocol: Protocol) -> None:
    """It may be about to start: no reason to refuse a run, but to wait where that is asked for."""
    with door(hangs_up) as there:
        finding = found(at(there.endpoint, protocol))

    assert (finding.is_sure, finding.may_pass) == (False, True)
    assert "closed at once" in finding.sentence


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_hangs_up_on_one_protocol_and_speaks_the_other_is_told(protocol: Protocol) -> None:
    """As a server of gRPC does to a client of HTTP/1.1 whose reset overtakes its answer."""

    def serve(connection: socket.socket) -> None:
        is_grpc = connection.recv(65536).startswith(b"PRI")
        if is_grpc == (protocol == "grpc"):
            hangs_up(connection)
        else:
            connection.sendall(SETTINGS if is_grpc else b"HTTP/1.1 200 OK\r\n\r\n")

    with door(serve) as there:
        finding = found(at(there.endpoint, protocol))

    assert (finding.is_sure, finding.may_pass) == (True, False)
    assert "use --protocol" in finding.sentence


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tls_that_works_is_fine(protocol: Protocol, authority: Authority) -> None:
    with secure(protocol, authority) as port:
        settings = at(f"https://localhost:{port}", protocol, certificate=authority.certificate)
        assert found(settings) == FINE


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_certificate_that_nobody_vouches_for_is_told(
    protocol: Protocol, authority: Authority, stranger: Authority
) -> None:
    with secure(protocol, authority) as port:
        settings = at(f"https://localhost:{port}", protocol, certificate=stranger.certificate)
        finding = found(settings)

    assert (finding.is_sure, finding.may_pass) == (True, False)
    assert "certificate does not verify" in finding.sentence
    assert "--certificate" in finding.sentence


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_certificate_of_another_host_is_told_as_that(
    protocol: Protocol, authority: Authority, host: str
) -> None:
    held = authority.other_host if host == "localhost" else authority.host
    with secure(protocol, authority, held) as port:
        settings = at(f"https://{host}:{port}", protocol, certificate=authority.certificate)
        finding = found(settings)

    assert finding.is_sure
    assert "not for this host name; use a name that is in it" in finding.sentence


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tls_to_a_port_without_it_is_told(collector: Collector, protocol: Protocol) -> None:
    endpoint = endpoint_of(collector, protocol).replace("http://", "https://")

    finding = found(at(endpoint, protocol))

    assert (finding.is_sure, finding.may_pass) == (True, False)
    assert "does not speak TLS there; write http://" in finding.sentence


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_tls_to_a_port_that_wants_it_is_told(protocol: Protocol, authority: Authority) -> None:
    with secure(protocol, authority) as port:
        finding = found(at(f"http://localhost:{port}", protocol))

    assert (finding.is_sure, finding.may_pass) == (True, False)
    assert "wants TLS there; write https://" in finding.sentence


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_client_certificate_that_is_asked_for_and_not_given_is_told_or_in_doubt(
    protocol: Protocol, authority: Authority
) -> None:
    with secure(protocol, authority, mutual=True) as port:
        endpoint = f"https://localhost:{port}"
        bare = found(at(endpoint, protocol, certificate=authority.certificate))
        shown = found(
            at(
                endpoint,
                protocol,
                certificate=authority.certificate,
                client_certificate=authority.client_certificate,
                client_key=authority.client_key,
            )
        )

    assert bare != FINE
    assert shown == FINE


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_certificate_file_that_is_none_is_wrong_usage(protocol: Protocol, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with door(says(b"")) as there:
        endpoint = there.endpoint.replace("http://", "https://")
        settings = at(endpoint, protocol, certificate=str(tmp_path / "ca.pem"))
        with pytest.raises(UsageError, match="cannot be used for TLS"):
            found(settings)


@pytest.mark.parametrize("protocol", OVER_HTTP)
@pytest.mark.parametrize(
    "status", ["404 Not Found", "405 Method Not Allowed", "501 No Such Method"]
)
def test_a_web_server_that_knows_no_such_path_is_no_receiver(
    protocol: Protocol, status: str
) -> None:
    with door(answers(status)) as there:
        finding = found(at(there.endpoint, protocol))

    assert (finding.is_sure, finding.is_unknown_signal) == (True, True)
    assert f"HTTP {status[:3]}: " in finding.sentence
    assert f"asked was {there.endpoint}/v1/traces; " in finding.sentence


def test_a_path_that_was_appended_twice_is_told_with_the_cure() -> None:
    with door(answers("404 Not Found")) as there:
        finding = found(ExportSettings(f"{there.endpoint}/v1/traces/v1/traces", "http/protobuf"))

    assert f"{there.endpoint}/v1/traces/v1/traces" in finding.sentence
    assert "leave /v1/traces out of the endpoint" in finding.sentence


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        ("405 Method Not Allowed", "allow: POST\r\n", ""),
        ("405 Method Not Allowed", "", "405 method not allowed, supported: [POST]"),
        ("204 No Content", "", ""),
        ("401 Unauthorized", "", ""),
        ("503 Service Unavailable", "", ""),
        ("308 Permanent Redirect", "location: /elsewhere\r\n", ""),
    ],
)
def test_a_server_that_may_take_telemetry_is_not_asked_twice(
    status: str, headers: str, body: str
) -> None:
    heard: list[bytes] = []
    with door(answers(status, headers, body, heard)) as there:
        assert found(at(there.endpoint, "http/protobuf")) == FINE

    assert [request.split()[0] for request in heard] == [b"OPTIONS"]


def test_credentials_are_shown_where_a_run_would_show_them_and_never_without_need() -> None:
    secret = "tr0ub4dor-and-3"
    headers = (("authorization", f"Bearer {secret}"),)
    heard: list[bytes] = []
    with door(answers("404 Not Found", body=f"who is {secret}?", heard=heard)) as there:
        settings = at(there.endpoint, "http/protobuf", headers=headers)
        finding = found(settings)

    assert [secret.encode() in request for request in heard] == [False, True]
    assert secret not in finding.sentence


def test_what_takes_a_request_without_telemetry_is_fine_whatever_it_says_to_options() -> None:
    """Routers that know a path for POST alone say 404 to everything else."""

    def serve(connection: socket.socket) -> None:
        asked = connection.recv(65536).split()[0]
        status = "200 OK" if asked == b"POST" else "404 Not Found"
        connection.sendall(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n".encode())

    with door(serve) as there:
        assert found(at(there.endpoint, "http/protobuf")) == FINE


def test_receivers_are_looked_at_side_by_side() -> None:
    """All of them have to be there before the first is answered."""
    together = threading.Barrier(3)

    def serve(connection: socket.socket) -> None:
        together.wait(PATIENCE_S)
        connection.sendall(SETTINGS)

    with door(serve) as one, door(serve) as two, door(serve) as three:
        signals = {"traces": at(one.endpoint), "metrics": at(two.endpoint)}
        findings = look({**signals, "logs": at(three.endpoint)}, PATIENCE_S)

    assert list(findings.values()) == [FINE] * 3
    assert together.n_waiting == 0
    assert not together.broken


def test_a_proxy_is_looked_at_in_place_of_what_is_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    proxy = f"127.0.0.1:{free_port()}"
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, f"http://user:hunter2@{proxy}")
    for protocol in PROTOCOLS:
        finding = found(at("http://collector.invalid:4317", protocol))
        assert f"nothing answers at the proxy http://{proxy}: " in finding.sentence
        assert "hunter2" not in finding.sentence
        assert finding.is_sure

    with door(hangs_up, int(proxy.rpartition(":")[2])):
        assert found(at("http://collector.invalid:4317")) == FINE


def test_a_proxy_is_not_looked_at_for_whom_it_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, collector: Collector
) -> None:
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("no_proxy", "elsewhere, .invalid")

    for protocol in PROTOCOLS:
        assert found(at(endpoint_of(collector, protocol), protocol)) == FINE
        spared = found(at("http://collector.invalid:4317", protocol))
        assert spared.sentence.startswith("nothing answers at http://collector.invalid:4317")


def secure(
    protocol: Protocol, authority: Authority, held: Any = None, *, mutual: bool = False
) -> Any:
    """A receiver behind TLS."""
    held = held or authority.host
    if protocol == "grpc":
        return grpc_receiver(authority.server_credentials(held, mutual=mutual))
    return http_receiver(authority.server_context(held, mutual=mutual))
