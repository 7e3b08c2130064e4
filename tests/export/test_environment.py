from __future__ import annotations

import socket
from typing import Any

import pytest

from simtraffic.errors import UsageError
from simtraffic.export.environment import (
    ExportOptions,
    ResolvedExport,
    listens,
    resolve_export,
    silence_grpc,
)
from simtraffic.export.settings import ExportSettings

BASE = "OTEL_EXPORTER_OTLP_"


def resolve(environ: dict[str, str] | None = None, **options: object) -> ResolvedExport:
    return resolve_export(ExportOptions(**options), environ or {})  # type: ignore[arg-type]


def traces(environ: dict[str, str] | None = None, **options: object) -> ExportSettings:
    return resolve(environ, **options).signals["traces"]


def test_the_default_is_grpc_at_the_standard_port_of_this_machine() -> None:
    resolved = resolve()

    assert resolved.signals["logs"] == ExportSettings("http://localhost:4317")
    assert not resolved.endpoint_given
    assert resolved.warnings == ()


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
def test_over_http_the_default_is_the_other_port_with_the_path_of_the_signal(
    protocol: str,
) -> None:
    assert resolve(protocol=protocol).signals["metrics"].endpoint == (
        "http://localhost:4318/v1/metrics"
    )


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("http://host:4318", "http://host:4318/v1/traces"),
        ("http://host:4318/", "http://host:4318/v1/traces"),
        ("https://host/otlp", "https://host/otlp/v1/traces"),
        ("https://host/otlp/?tenant=a", "https://host/otlp/v1/traces?tenant=a"),
    ],
)
def test_the_path_of_the_signal_is_appended_to_a_base_endpoint(url: str, endpoint: str) -> None:
    environ = {f"{BASE}PROTOCOL": "http/protobuf"}

    assert traces({**environ, f"{BASE}ENDPOINT": url}).endpoint == endpoint
    assert traces(environ, endpoint=url).endpoint == endpoint


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [("http://host:1/x", "http://host:1/x"), ("http://host:1", "http://host:1/")],
)
def test_the_own_endpoint_of_a_signal_is_used_untouched(url: str, endpoint: str) -> None:
    environ = {
        f"{BASE}PROTOCOL": "http/protobuf",
        f"{BASE}ENDPOINT": "http://other",
        f"{BASE}TRACES_ENDPOINT": url,
    }

    resolved = resolve(environ)

    assert resolved.signals["traces"].endpoint == endpoint
    assert resolved.signals["logs"].endpoint == "http://other/v1/logs"
    assert resolved.endpoint_given


def test_an_option_wins_over_the_own_variable_which_wins_over_the_generic_one() -> None:
    environ = {f"{BASE}COMPRESSION": "gzip", f"{BASE}TRACES_COMPRESSION": "none"}

    assert traces({f"{BASE}COMPRESSION": "gzip"}).compression == "gzip"
    assert traces(environ).compression == "none"
    assert traces(environ, compression="gzip").compression == "gzip"


def test_an_empty_variable_is_unset() -> None:
    assert not resolve({f"{BASE}ENDPOINT": " "}).endpoint_given


@pytest.mark.parametrize(
    ("environ", "endpoint"),
    [
        ({}, "https://host:4317"),
        ({f"{BASE}INSECURE": "true"}, "http://host:4317"),
        ({f"{BASE}INSECURE": "TRUE"}, "http://host:4317"),
        ({f"{BASE}INSECURE": "1"}, "https://host:4317"),
        ({f"{BASE}INSECURE": "true", f"{BASE}TRACES_INSECURE": "false"}, "https://host:4317"),
    ],
)
def test_without_a_scheme_grpc_is_secure_unless_told_otherwise(
    environ: dict[str, str], endpoint: str
) -> None:
    assert traces({**environ, f"{BASE}ENDPOINT": "host:4317"}).endpoint == endpoint


def test_the_scheme_wins_over_insecure() -> None:
    assert traces({f"{BASE}INSECURE": "true"}, endpoint="https://host:1").secure
    assert not traces(endpoint="http://host:1", insecure=False).secure
    assert not traces(endpoint="host:1", insecure=True).secure


def test_a_timeout_is_milliseconds() -> None:
    assert traces({f"{BASE}TIMEOUT": "2500"}).timeout_s == 2.5
    assert traces({f"{BASE}TIMEOUT": "2500"}, timeout_s=1.5).timeout_s == 1.5


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TIMEOUT", "10s"),
        ("TIMEOUT", "-1"),
        ("TIMEOUT", "0"),
        ("PROTOCOL", "carrier-pigeon"),
        ("COMPRESSION", "zstd"),
        ("HEADERS", "no-equals-sign"),
        ("HEADERS", "bad name=x"),
    ],
)
def test_a_variable_that_cannot_be_read_is_warned_about_and_skipped(
    variable: str, value: str
) -> None:
    resolved = resolve({BASE + variable: value})

    assert resolved.signals == resolve().signals
    assert len(resolved.warnings) == 1
    assert resolved.warnings[0].startswith(BASE + variable)


def test_an_unreadable_insecure_is_warned_about_when_it_matters() -> None:
    resolved = resolve({f"{BASE}INSECURE": "yes"}, endpoint="host:1")

    assert resolved.warnings == (
        f"{BASE}INSECURE: neither true nor false, taken as false; found 'yes'",
    )


def test_headers_are_decoded_and_lowered() -> None:
    settings = traces({f"{BASE}HEADERS": "Api-Key=a%20b%3D , x-tenant = 7,,"})

    assert settings.headers == (("api-key", "a b="), ("x-tenant", "7"))


def test_own_headers_replace_the_generic_ones_and_options_win_key_by_key() -> None:
    environ = {f"{BASE}HEADERS": "a=1,b=2", f"{BASE}TRACES_HEADERS": "c=3,d=4"}

    settings = traces(environ, headers=["D=%20x=y"])

    assert dict(settings.headers) == {"c": "3", "d": "%20x=y"}


def test_the_token_alias_becomes_a_bearer_header_unless_the_otel_name_says_otherwise() -> None:
    token = {"OTEL_AUTH_TOKEN": "abc"}

    assert traces(token).headers == (("authorization", "Bearer abc"),)
    assert traces({**token, f"{BASE}HEADERS": "Authorization=Basic%20x"}).headers == (
        ("authorization", "Basic x"),
    )


def test_secrets_are_in_no_repr_and_no_message() -> None:
    options = ExportOptions(headers=["authorization=hunter2"])

    assert "hunter2" not in repr(options)
    assert "hunter2" not in repr(resolve_export(options, {}))
    for header in ("bad name=hunter2", "hunter2", "x=hunter2\n€"):
        with pytest.raises(UsageError) as caught:
            resolve(headers=[header])
        assert "hunter2" not in str(caught.value)
    environ = {f"{BASE}HEADERS": "hunter2,bad name=hunter2,x=hunter2%0A"}
    assert "hunter2" not in str(resolve(environ).warnings)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://",
        "ftp://host:1",
        "http://host:port",
        "http://host:99999",
        "http://ho st:1",
        "http://[::1",
        "http://user:secret@host:1",
    ],
)
def test_a_malformed_endpoint_is_a_fault_of_the_command_line(endpoint: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(endpoint=endpoint)

    assert str(caught.value).startswith("--endpoint: ")
    with pytest.raises(UsageError, match=f"{BASE}LOGS_ENDPOINT: "):
        resolve({f"{BASE}LOGS_ENDPOINT": endpoint})


def test_over_http_an_endpoint_needs_its_scheme() -> None:
    with pytest.raises(UsageError, match="--endpoint: not a URL"):
        resolve(endpoint="localhost:4318", protocol="http/protobuf")


@pytest.mark.parametrize(
    "options", [{"protocol": "http"}, {"compression": "zstd"}, {"timeout_s": 0.0}]
)
def test_an_option_that_is_unknown_is_a_fault(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        resolve(**options)


@pytest.mark.parametrize("header", ["grpc-timeout=1S", "trace-bin=AA", "x!=1"])
def test_over_grpc_some_header_names_cannot_be_sent(header: str) -> None:
    with pytest.raises(UsageError):
        resolve(headers=[header])


def test_certificates_come_from_option_or_variable() -> None:
    environ = {
        f"{BASE}CERTIFICATE": "ca.pem",
        f"{BASE}CLIENT_CERTIFICATE": "cert.pem",
        f"{BASE}TRACES_CLIENT_KEY": "key.pem",
    }

    settings = traces(environ, certificate="mine.pem")

    assert (settings.certificate, settings.client_certificate, settings.client_key) == (
        "mine.pem",
        "cert.pem",
        "key.pem",
    )


def test_listening_is_noticed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert listens("127.0.0.1", port)
    assert not listens("127.0.0.1", port)


def test_grpc_stays_silent_unless_the_user_wants_its_log() -> None:
    silent: dict[str, str] = {}
    wanted = {"GRPC_VERBOSITY": "DEBUG"}

    silence_grpc(silent)
    silence_grpc(wanted)

    assert silent == {"GRPC_VERBOSITY": "NONE"}
    assert wanted == {"GRPC_VERBOSITY": "DEBUG"}


@pytest.mark.parametrize(
    ("endpoint", "loopback"),
    [
        ("http://localhost:1", True),
        ("http://127.0.0.2:1", True),
        ("http://[::1]:1", True),
        ("http://example.com", False),
    ],
)
def test_this_machine_is_recognised(endpoint: str, loopback: bool) -> None:
    assert ExportSettings(endpoint).loopback is loopback
