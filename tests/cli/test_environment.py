"""What the environment changes in a scenario."""

import pytest

from simtraffic.cli.environment import (
    PageAddress,
    overrides,
    page_address,
    require_enabled,
    resource_attributes,
    skipped_ports,
)
from simtraffic.errors import UsageError


@pytest.mark.parametrize(
    ("environ", "changes"),
    [
        ({}, {}),
        ({"OTEL_SERVICE_NAME": "", "SERVICE_NAME": " "}, {}),
        ({"OTEL_SERVICE_NAME": "a", "SERVICE_NAME": "b"}, {"service_name": "a"}),
        (
            {"SERVICE_NAME": "b", "SERVICE_VERSION": "2", "ENVIRONMENT": "test"},
            {"service_name": "b", "service_version": "2", "environment": "test"},
        ),
        (
            {"OTEL_RESOURCE_ATTRIBUTES": "service.version=1,team=x", "SERVICE_VERSION": "2"},
            {"resource_attributes": {"service.version": "1", "team": "x"}},
        ),
        (
            {"OTEL_RESOURCE_ATTRIBUTES": "service.name=c", "OTEL_SERVICE_NAME": "a"},
            {"resource_attributes": {"service.name": "c"}, "service_name": "a"},
        ),
        ({"TRACE_SAMPLING_RATE": "0.25"}, {"sampling": 0.25}),
    ],
)
def test_names_of_opentelemetry_win_over_aliases(environ, changes):
    assert overrides(environ) == changes


def test_attributes_are_percent_decoded():
    assert resource_attributes(" a=b%2Cc , d=e=f ,") == {"a": "b,c", "d": "e=f"}


@pytest.mark.parametrize(
    "environ",
    [{"OTEL_RESOURCE_ATTRIBUTES": "team"}, {"TRACE_SAMPLING_RATE": "a lot"}],
    ids=str,
)
def test_what_cannot_be_read_is_told_with_its_name(environ):
    (name,) = environ

    with pytest.raises(UsageError, match=name):
        overrides(environ)


def test_a_switched_off_sdk_refuses_to_run():
    require_enabled({"OTEL_SDK_DISABLED": "false"})
    with pytest.raises(UsageError, match="OTEL_SDK_DISABLED"):
        require_enabled({"OTEL_SDK_DISABLED": "TRUE"})


OTEL_PORT = "OTEL_EXPORTER_PROMETHEUS_PORT"
SERVICE_LINK = "tcp://10.0.0.1:9090"


@pytest.mark.parametrize(
    ("port", "host", "environ", "address"),
    [
        (None, None, {}, None),
        (None, None, {"PROMETHEUS_PORT": " ", "OTEL_EXPORTER_PROMETHEUS_HOST": "::"}, None),
        ("0", None, {OTEL_PORT: "1"}, ("--prometheus-port", "127.0.0.1", 0)),
        (None, None, {OTEL_PORT: "1", "PROMETHEUS_PORT": "2"}, (OTEL_PORT, "127.0.0.1", 1)),
        (
            None,
            None,
            {"PROMETHEUS_PORT": "2", "OTEL_EXPORTER_PROMETHEUS_HOST": "::"},
            ("PROMETHEUS_PORT", "::", 2),
        ),
        (
            None,
            "::1",
            {OTEL_PORT: "3", "OTEL_EXPORTER_PROMETHEUS_HOST": "::"},
            (OTEL_PORT, "::1", 3),
        ),
        (None, None, {"PROMETHEUS_PORT": SERVICE_LINK}, None),
    ],
)
def test_a_page_is_where_the_option_then_opentelemetry_then_the_alias_say(
    port, host, environ, address
):
    found = page_address(port, host, environ)

    assert found == (PageAddress(*address) if address else None)


@pytest.mark.parametrize("port", ["", "65536", "-1", "http", "٣"])
def test_a_port_that_is_none_is_told(port):
    with pytest.raises(UsageError, match="--prometheus-port: not a port"):
        page_address(port, None, {})


def test_a_host_without_a_port_is_told():
    with pytest.raises(UsageError, match="--prometheus-host: nothing listens without a port"):
        page_address(None, "0.0.0.0", {"PROMETHEUS_PORT": SERVICE_LINK})


def test_what_kubernetes_put_into_the_variable_is_skipped_and_told():
    (line,) = skipped_ports({"PROMETHEUS_PORT": SERVICE_LINK, OTEL_PORT: "1"})

    assert line.startswith("PROMETHEUS_PORT: ")
    assert SERVICE_LINK in line
