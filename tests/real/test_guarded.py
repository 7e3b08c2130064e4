"""Behind the locks and limits of a real OpenTelemetry Collector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from simtraffic import load_scenario, run
from simtraffic.export.environment import ExportOptions
from simtraffic.runner import RunOptions
from tests.export.guarded import Authority
from tests.real.programs import otelcol
from tests.real.telemetry import counts, items_in

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

TOKEN = "let-me-in-please"


def attempt(scenario: Path, address: str, protocol: str, **options: Any) -> Any:
    settings = ExportOptions(endpoint=address, protocol=protocol, **options)
    return run(load_scenario(scenario), RunOptions(receiver=settings, speed=20))


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf", "http/json"])
def test_a_client_certificate_lets_in_and_none_ends_the_run_at_once(
    scenario: Path, tmp_path: Path, protocol: str
) -> None:
    authority = Authority(tmp_path)
    tls = (
        f"tls: {{cert_file: {authority.host_certificate}, key_file: {authority.host_key},"
        f" client_ca_file: {authority.certificate}}}"
    )
    with otelcol(tmp_path, of_grpc=tls, of_http=tls) as door:
        address = door.endpoint(protocol).replace("http://127.0.0.1", "https://localhost")
        let_in = attempt(
            scenario,
            address,
            protocol,
            certificate=authority.certificate,
            client_certificate=authority.client_certificate,
            client_key=authority.client_key,
        )
        kept_out = attempt(scenario, address, protocol, certificate=authority.certificate)
        door.stop()

    assert let_in.passed, let_in.reasons
    assert kept_out.exit_code == 4
    assert "the receiver refuses the TLS handshake" in " ".join(kept_out.reasons)
    received = counts(items_in(*door.received))
    assert received == {signal: each.accepted for signal, each in let_in.signals.items()}


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf", "http/json"])
def test_a_bearer_token_lets_in_and_another_ends_the_run_at_once(
    scenario: Path, tmp_path: Path, protocol: str
) -> None:
    locked = "auth: {authenticator: bearertokenauth}"
    with otelcol(
        tmp_path,
        of_grpc=locked,
        of_http=locked,
        extensions=f"bearertokenauth: {{token: {TOKEN}}}",
    ) as door:
        address = door.endpoint(protocol)
        right = [f"authorization=Bearer {TOKEN}"]
        let_in = attempt(scenario, address, protocol, headers=right)
        kept_out = attempt(scenario, address, protocol, headers=["authorization=Bearer wrong-one"])
        door.stop()

    assert let_in.passed, let_in.reasons
    assert kept_out.exit_code == 4
    received = counts(items_in(*door.received))
    assert received == {signal: each.accepted for signal, each in let_in.signals.items()}


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf", "http/json"])
def test_what_is_over_its_limit_arrives_in_parts(
    scenario: Path, tmp_path: Path, protocol: str, compression: str
) -> None:
    # The least that gRPC can be told is 1 MiB; all at once, the run makes larger batches.
    with otelcol(
        tmp_path, of_grpc="max_recv_msg_size_mib: 1", of_http="max_request_body_size: 150000"
    ) as door:
        settings = ExportOptions(
            endpoint=door.endpoint(protocol), protocol=protocol, compression=compression
        )
        result = run(
            load_scenario(scenario),
            RunOptions(receiver=settings, speed="max", duration_ns=60_000_000_000),
        )
        door.stop()

    assert result.passed, result.reasons
    received = counts(items_in(*door.received))
    assert received == {signal: each.generated for signal, each in result.signals.items()}
    assert result.signals["traces"].retries > 0


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf", "http/json"])
def test_a_collector_that_is_out_of_memory_is_told_with_its_own_words(
    scenario: Path, tmp_path: Path, protocol: str
) -> None:
    """It holds more than two megabytes from the start, so its memory limiter refuses everything."""
    with otelcol(tmp_path, limit_mib=2) as door:
        result = run(
            load_scenario(scenario),
            RunOptions(
                receiver=ExportOptions(endpoint=door.endpoint(protocol), protocol=protocol),
                speed=20,
                drain_ns=2_000_000_000,
            ),
        )
        door.stop()

    assert result.exit_code == 4
    assert counts(items_in(*(path for path in door.received if path.exists()))) == {
        signal: each.accepted for signal, each in result.signals.items()
    }
    for each in result.signals.values():
        assert each.generated == each.accepted + each.rejected + each.failed + each.dropped
        # Refused for now, not for good: it is tried again until the drain is over.
        assert (each.accepted, each.rejected) == (0, 0)
        assert each.failed > 0
    assert result.signals["traces"].retries > 0
    assert any("memory" in loss.reason for loss in result.losses)
