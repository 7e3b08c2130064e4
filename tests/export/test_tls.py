"""Both doors behind real TLS: what is taken, what is refused, and in which words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, get_args

import pytest

from simtraffic.export import Outcome, SendResult
from simtraffic.export.connect import open_transport
from simtraffic.export.settings import ExportSettings, Protocol
from simtraffic.export.tls import tls_refusal
from simtraffic.signals import Chunk
from tests.export.guarded import Authority, grpc_receiver, http_receiver

if TYPE_CHECKING:
    import trustme

PROTOCOLS = get_args(Protocol)
BATCH = Chunk.of("traces", b"", 1)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"))


@contextmanager
def receiver(
    protocol: Protocol,
    authority: Authority | None = None,
    held: trustme.LeafCert | None = None,
    *,
    mutual: bool = False,
) -> Iterator[int]:
    if authority is None:
        opened = grpc_receiver() if protocol == "grpc" else http_receiver()
    elif protocol == "grpc":
        opened = grpc_receiver(authority.server_credentials(held or authority.host, mutual=mutual))
    else:
        opened = http_receiver(authority.server_context(held or authority.host, mutual=mutual))
    with opened as port:
        yield port


def send(port: int, protocol: Protocol, scheme: str = "https", **files: Any) -> SendResult:
    path = "" if protocol == "grpc" else "/v1/traces"
    settings = ExportSettings(f"{scheme}://localhost:{port}{path}", protocol, **files)
    transport = open_transport({"traces": settings})
    try:
        return transport.send(BATCH, 10.0)
    finally:
        transport.close()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_private_authority_is_trusted_when_it_is_named(
    protocol: Protocol, authority: Authority
) -> None:
    with receiver(protocol, authority) as port:
        result = send(port, protocol, certificate=authority.certificate)

    assert result == SendResult(Outcome.ACCEPTED)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_client_certificate_opens_a_receiver_that_asks_for_one(
    protocol: Protocol, authority: Authority
) -> None:
    with receiver(protocol, authority, mutual=True) as port:
        result = send(
            port,
            protocol,
            certificate=authority.certificate,
            client_certificate=authority.client_certificate,
            client_key=authority.client_key,
        )

    assert result == SendResult(Outcome.ACCEPTED)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("trusts", ["another authority", "the system"])
def test_an_unknown_authority_is_refused_for_good(
    protocol: Protocol, trusts: str, authority: Authority, stranger: Authority
) -> None:
    certificate = stranger.certificate if trusts == "another authority" else None

    with receiver(protocol, authority) as port:
        result = send(port, protocol, certificate=certificate)

    assert result.outcome is Outcome.REFUSED
    assert "does not verify: unable to get local issuer certificate" in result.message
    assert "--certificate" in result.message


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("held", "why"), [("expired", "expired"), ("other_host", "host")])
def test_a_certificate_that_is_expired_or_not_for_this_host_is_refused_for_good(
    protocol: Protocol, held: str, why: str, authority: Authority
) -> None:
    with receiver(protocol, authority, getattr(authority, held)) as port:
        result = send(port, protocol, certificate=authority.certificate)

    assert result.outcome is Outcome.REFUSED
    assert "certificate does not verify" in result.message
    assert why in result.message.lower()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tls_to_a_port_without_it_is_refused_for_good(
    protocol: Protocol, authority: Authority
) -> None:
    with receiver(protocol) as port:
        result = send(port, protocol, certificate=authority.certificate)

    assert (result.outcome, result.message) == (
        Outcome.REFUSED,
        "the receiver does not speak TLS there; write http:// or name its TLS port",
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain_text_to_a_tls_port_says_what_may_be_wrong(
    protocol: Protocol, authority: Authority
) -> None:
    with receiver(protocol, authority) as port:
        result = send(port, protocol, scheme="http")

    # A crashing receiver looks the same, so it is tried again.
    assert result.outcome is Outcome.RETRY
    assert "closes every connection at once; does it want TLS (https://)" in result.message


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_missing_client_certificate_is_named(protocol: Protocol, authority: Authority) -> None:
    with receiver(protocol, authority, mutual=True) as port:
        result = send(port, protocol, certificate=authority.certificate)

    # The C core as a server closes without an alert; real collectors say more (tests/real).
    expected = Outcome.RETRY if protocol == "grpc" else Outcome.REFUSED
    assert result.outcome is expected
    assert "client certificate" in result.message or "--client-certificate" in result.message


@pytest.mark.parametrize("protocol", PROTOCOLS[1:])
def test_a_client_certificate_of_a_stranger_is_refused_for_good(
    protocol: Protocol, authority: Authority, stranger: Authority
) -> None:
    with receiver(protocol, authority, mutual=True) as port:
        result = send(
            port,
            protocol,
            certificate=authority.certificate,
            client_certificate=stranger.client_certificate,
            client_key=stranger.client_key,
        )

    assert result.outcome is Outcome.REFUSED
    assert "refuses the TLS handshake: unknown ca" in result.message


@pytest.mark.parametrize("secure", [True, False])
def test_the_http_port_is_told_from_the_grpc_port(secure: bool, authority: Authority) -> None:
    with receiver("http/protobuf", authority if secure else None) as port:
        to_http = send(
            port, "grpc", "https" if secure else "http", certificate=authority.certificate
        )
    with receiver("grpc") as port:
        to_grpc = send(port, "http/protobuf", "http")

    assert "gRPC" in to_http.message
    assert "HTTP" in to_http.message
    assert to_grpc.message == "what listens there does not speak HTTP/1.1; is it the gRPC port?"


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        # Of Go's servers, as the C core and HTTP tell it.
        ("failed to connect to all; Unwrap failed (TSI_DATA_CORRUPTED)", "--client-certificate"),
        ("Client sent an HTTP request to an HTTPS server.", "https://"),
        ("[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert (_ssl.c:1)", "--client-key"),
    ],
)
def test_words_of_other_programs_are_understood(words: str, cure: str) -> None:
    assert cure in str(tls_refusal(words))


@pytest.mark.parametrize(
    "words", ["Connection refused", "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF", "Unwrap failed", ""]
)
def test_other_trouble_is_none_of_tls(words: str) -> None:
    assert tls_refusal(words) is None


def test_ipv6_over_grpc() -> None:
    with grpc_receiver(address="[::1]:0") as port:
        transport = open_transport({"traces": ExportSettings(f"http://[::1]:{port}")})
        result = transport.send(BATCH, 10.0)
        transport.close()

    assert result == SendResult(Outcome.ACCEPTED)


@pytest.mark.parametrize("form", ["unix://{}", "unix:{}"])
def test_a_unix_socket_over_grpc(form: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    place = form.format(tmp_path_factory.mktemp("s") / "s")
    with grpc_receiver(address=place):
        transport = open_transport({"traces": ExportSettings(place)})
        result = transport.send(BATCH, 10.0)
        transport.close()

    assert result == SendResult(Outcome.ACCEPTED)
