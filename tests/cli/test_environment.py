"""What the environment changes in a scenario."""

import pytest

from simtraffic.cli.environment import overrides, require_enabled, resource_attributes
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
