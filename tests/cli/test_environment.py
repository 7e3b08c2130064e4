"""What the environment changes in a scenario."""

import pytest

from simtraffic.cli.environment import (
    PageAddress,
    overrides,
    page_address,
    require_enabled,
    resource_attributes,
    sent_signals,
    skipped_ports,
)
from simtraffic.cli.options import Changes
from simtraffic.errors import UsageError
from simtraffic.scenario import parse_scenario
from tests.told import RICH

TEMPORALITY = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"


@pytest.mark.parametrize(
    ("environ", "changes"),
    [
        ({}, {}),
        ({"OTEL_SERVICE_NAME": "", "SERVICE_NAME": " "}, {}),
        (
            {"OTEL_SERVICE_NAME": "a", "SERVICE_NAME": "b"},
            {"resource_attributes": {"service.name": "a"}},
        ),
        (
            {"SERVICE_NAME": "b", "SERVICE_VERSION": "2", "ENVIRONMENT": "test"},
            {
                "resource_attributes": {
                    "service.name": "b",
                    "service.version": "2",
                    "deployment.environment.name": "test",
                }
            },
        ),
        (
            {"OTEL_RESOURCE_ATTRIBUTES": "service.version=1,team=x", "SERVICE_VERSION": "2"},
            {"resource_attributes": {"service.version": "1", "team": "x"}},
        ),
        (
            {"OTEL_RESOURCE_ATTRIBUTES": "service.name=c", "OTEL_SERVICE_NAME": "a"},
            {"resource_attributes": {"service.name": "a"}},
        ),
        ({"TRACE_SAMPLING_RATE": "0.25"}, {"sampling": 0.25}),
        ({TEMPORALITY: "DELTA"}, {"temporality": "delta"}),
        ({TEMPORALITY: "LowMemory"}, {"temporality": "delta"}),
        ({TEMPORALITY: "cumulative"}, {"temporality": "cumulative"}),
        ({TEMPORALITY: "both"}, {}),
        ({TEMPORALITY: " "}, {}),
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


@pytest.mark.parametrize(
    ("environ", "left"),
    [
        ({}, ("traces", "logs")),
        ({"OTEL_LOGS_EXPORTER": "None"}, ("traces",)),
        ({"OTEL_LOGS_EXPORTER": "", "OTEL_METRICS_EXPORTER": "none"}, ("traces", "logs")),
        (
            {"OTEL_TRACES_EXPORTER": "none,otlp", "OTEL_LOGS_EXPORTER": "console"},
            ("traces", "logs"),
        ),
    ],
)
def test_a_signal_without_an_exporter_is_left_out(environ, left):
    assert sent_signals(environ, ("traces", "logs")) == left


def test_a_run_without_any_exporter_is_refused():
    environ = {"OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}

    with pytest.raises(UsageError, match="OTEL_TRACES_EXPORTER, OTEL_LOGS_EXPORTER: every signal"):
        sent_signals(environ, ("traces", "logs"))


class TestChanges:
    SCENARIO = parse_scenario(RICH)

    @pytest.mark.parametrize(
        ("option", "environ", "temporality"),
        [
            (None, {}, "cumulative"),
            (None, {TEMPORALITY: "delta"}, "delta"),
            ("Cumulative", {TEMPORALITY: "delta"}, "cumulative"),
            ("lowmemory", {}, "delta"),
        ],
    )
    def test_the_option_wins_over_the_environment_over_the_scenario(
        self, option, environ, temporality
    ):
        changed = Changes(temporality=option).apply(self.SCENARIO, environ)

        assert changed.telemetry.metrics.temporality == temporality

    def test_a_temporality_that_is_none_is_told(self):
        with pytest.raises(UsageError, match="--temporality: unknown; found 'both'"):
            Changes(temporality="both").apply(self.SCENARIO, {})

    def test_signals_that_are_asked_for_are_sent_whatever_the_environment_says(self):
        environ = {"OTEL_LOGS_EXPORTER": "none"}

        left = Changes().apply(self.SCENARIO, environ)
        asked = Changes(signals=["logs"]).apply(self.SCENARIO, environ)

        assert left.telemetry.signals == ("traces", "metrics")
        assert asked.telemetry.signals == ("logs",)
