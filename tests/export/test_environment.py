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


MALFORMED = [
    "http:/127.0.0.1:4317",
    "http//127.0.0.1:4317",
    "http:127.0.0.1:4317",
    "HTTPS:/collector",
    "http:4317",
    "http",
    "https:",
    "://host:1",
    "//host:1",
    ":4317",
    "/v1/traces",
    "http://",
    "http:///v1/traces",
    "http://:4317",
    "ftp://host:1",
    "grpc://host:4317",
    "http://host:",
    "http://127.0.0.1:",
    "host:",
    "http://host:port",
    "http://host:43a17",
    "http://host:-1",
    "http://host:+4317",
    "http://host:4_317",
    "http://host:0",
    "http://host:65536",
    "http://host:99999",
    "http://host:99999999999999999999999",
    "http://host:1:2",
    "http://ho st:1",
    " http://host:1",
    "http://host:1\n",
    "http://host\t:1",
    "http://host:1/\x00",
    "http://h\u00f6st:1",
    "http://host:\uff14\uff13",
    "http://host:1/p\u00e4th",
    "http://::1:4317",
    "::1",
    "[::1",
    "http://[::1",
    "http://[::1:4317",
    "http://[::1]4317",
    "http://[::g]:1",
    "http://[]:1",
    "http://256.1.1.1:1",
    "http://1.2.3.4.5:1",
    "http://a..b:1",
    "http://-host:1",
    "http://ho%st:1",
    "http://host\\path:1",
    "http://<host>:1",
    "http://${HOST}:4317",
    "http://" + "a" * 64 + ":1",
    "http://" + "a." * 127 + "a:1",
    "http://user:secret@host:1",
    "user:secret@host:port",
    "unix:",
    "unix:///",
    "unix://host/path",
    "unix:/" + "a" * 108,
]


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf", "http/json"])
@pytest.mark.parametrize("insecure", [False, True])
@pytest.mark.parametrize("endpoint", MALFORMED)
def test_a_malformed_endpoint_is_a_fault_of_the_command_line(
    endpoint: str, protocol: str, insecure: bool
) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(endpoint=endpoint, protocol=protocol, insecure=insecure)

    said = str(caught.value)
    assert said.startswith("--endpoint: not a URL, ")
    assert said.isprintable()
    assert "secret" not in said


@pytest.mark.parametrize("endpoint", MALFORMED)
@pytest.mark.parametrize("name", ["ENDPOINT", "LOGS_ENDPOINT"])
def test_a_malformed_endpoint_is_a_fault_of_its_variable(endpoint: str, name: str) -> None:
    # A variable's value is trimmed, as the specification has it.
    if endpoint != endpoint.strip():
        endpoint = f"{endpoint.strip()} x"
    with pytest.raises(UsageError, match=f"^{BASE}{name}: not a URL, "):
        resolve({BASE + name: endpoint})


@pytest.mark.parametrize(
    ("endpoint", "told"),
    [
        ("http:/127.0.0.1:4317", "half a scheme"),
        ("http//127.0.0.1:4317", "half a scheme"),
        ("http://127.0.0.1:", "port is empty"),
        ("http://127.0.0.1:0", "port is not from 1 to 65535"),
        ("http://:4317", "no host"),
        ("http://::1:4317", "without brackets"),
        ("http://h\u00f6st:1", "beyond ASCII"),
        ("http://ho st:1", "such as a space"),
        ("ftp://host:1", "neither http nor https"),
    ],
)
def test_what_is_wrong_with_an_endpoint_is_named(endpoint: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        resolve(endpoint=endpoint)


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
def test_a_socket_of_the_file_system_is_for_grpc_alone(protocol: str) -> None:
    assert traces(endpoint="unix:///run/otel.sock").endpoint == "unix:///run/otel.sock"
    with pytest.raises(UsageError, match="for gRPC alone"):
        resolve(endpoint="unix:///run/otel.sock", protocol=protocol)


@pytest.mark.parametrize(
    ("given", "endpoint"),
    [
        ("http://127.0.0.1:4317", "http://127.0.0.1:4317"),
        ("HTTP://Collector.example.:65535", "http://Collector.example.:65535"),
        ("https://otel_collector-1:443/any?x=1", "https://otel_collector-1:443/any?x=1"),
        ("http://collector", "http://collector"),
        ("http://[::1]:4317", "http://[::1]:4317"),
        ("http://[fe80::1%25eth0]:4317", "http://[fe80::1%25eth0]:4317"),
        ("[::1]:4317", "https://[::1]:4317"),
        ("collector", "https://collector"),
        ("unix:relative.sock", "unix:relative.sock"),
    ],
)
def test_what_is_an_address_goes_through(given: str, endpoint: str) -> None:
    assert traces(endpoint=given).endpoint == endpoint


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
@pytest.mark.parametrize(
    ("given", "endpoint"),
    [
        ("127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("localhost:4318", "http://localhost:4318/v1/traces"),
        ("[::1]:4318", "http://[::1]:4318/v1/traces"),
        ("collector/otlp", "http://collector/otlp/v1/traces"),
    ],
)
def test_over_http_insecure_means_no_tls_for_an_endpoint_without_a_scheme_too(
    protocol: str, given: str, endpoint: str
) -> None:
    assert traces(endpoint=given, protocol=protocol, insecure=True).endpoint == endpoint
    environ = {f"{BASE}INSECURE": "true", f"{BASE}PROTOCOL": protocol, f"{BASE}ENDPOINT": given}
    assert traces(environ).endpoint == endpoint


def test_over_http_an_endpoint_needs_its_scheme() -> None:
    with pytest.raises(UsageError, match=r"--endpoint: not a URL, it has no scheme.*--insecure"):
        resolve(endpoint="localhost:4318", protocol="http/protobuf")


def test_a_variable_that_is_set_and_not_heeded_is_named_once_and_its_value_never() -> None:
    resolved = resolve(
        {
            f"{BASE}SPAN_INSECURE": "hunter2",
            f"{BASE}TRACE_ENDPOINT": "http://hunter2",
            f"{BASE}PROFILES_ENDPOINT": "hunter2",
            f"{BASE}METRICS_DEFAULT_HISTOGRAM_AGGREGATION": "base2_exponential_bucket_histogram",
            f"{BASE}RETRIES": " ",
        }
    )

    assert [line.partition(":")[0] for line in resolved.warnings] == [
        f"{BASE}METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        f"{BASE}PROFILES_ENDPOINT",
        f"{BASE}SPAN_INSECURE",
        f"{BASE}TRACE_ENDPOINT",
    ]
    assert resolved.warnings[-1].endswith(f"did you mean {BASE}TRACES_ENDPOINT?")
    assert "hunter2" not in str(resolved.warnings)


def test_no_variable_that_is_heeded_is_warned_about() -> None:
    values = {
        "ENDPOINT": "http://host:1",
        "PROTOCOL": "grpc",
        "HEADERS": "a=b",
        "TIMEOUT": "1",
        "COMPRESSION": "gzip",
        "INSECURE": "true",
        "CERTIFICATE": "ca.pem",
        "CLIENT_CERTIFICATE": "c.pem",
        "CLIENT_KEY": "k.pem",
    }
    environ = {
        f"{BASE}{signal}{suffix}": value
        for signal in ("", "TRACES_", "METRICS_", "LOGS_")
        for suffix, value in values.items()
    }
    environ[f"{BASE}METRICS_TEMPORALITY_PREFERENCE"] = "LowMemory"
    environ[f"{BASE}METRICS_DEFAULT_HISTOGRAM_AGGREGATION"] = "explicit_bucket_histogram"
    environ |= {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": " "}

    assert resolve(environ).warnings == ()


def test_a_temporality_that_nobody_knows_is_warned_about() -> None:
    (line,) = resolve({f"{BASE}METRICS_TEMPORALITY_PREFERENCE": "both"}).warnings

    assert line.startswith(f"{BASE}METRICS_TEMPORALITY_PREFERENCE: unknown, skipped; found 'both'")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("console", "otlp is used; found console"),
        ("otlp,zipkin, jaeger", "otlp is used; found zipkin, jaeger"),
        ("none", "found 'none'; logs are left out"),
    ],
)
def test_other_exporters_are_warned_about(value: str, told: str) -> None:
    environ = {"OTEL_LOGS_EXPORTER": value}

    (line,) = resolve_export(ExportOptions(), environ, ("traces", "metrics")).warnings

    assert line.startswith("OTEL_LOGS_EXPORTER: ")
    assert line.endswith(told)


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
