"""What environment variables change in a scenario, by the OpenTelemetry specification's rules.

An empty value is an unset one. ``SERVICE_NAME``, ``SERVICE_VERSION`` and ``ENVIRONMENT`` are
aliases that count only where no OpenTelemetry name says the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from simtraffic.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALIASES = {
    "service_name": ("SERVICE_NAME", "service.name"),
    "service_version": ("SERVICE_VERSION", "service.version"),
    "environment": ("ENVIRONMENT", "deployment.environment.name"),
}
_PORT = "PROMETHEUS_PORT"


def overrides(environ: Mapping[str, str]) -> dict[str, Any]:
    """Keywords of `with_overrides` that the environment sets.

    Raises:
        UsageError: a variable cannot be read.
    """
    found: dict[str, Any] = {}
    attributes = resource_attributes(_value(environ, "OTEL_RESOURCE_ATTRIBUTES"))
    if attributes:
        found["resource_attributes"] = attributes
    for keyword, (alias, key) in _ALIASES.items():
        value = _value(environ, alias)
        if value and key not in attributes:
            found[keyword] = value
    name = _value(environ, "OTEL_SERVICE_NAME")
    if name:
        found["service_name"] = name
    share = _value(environ, "TRACE_SAMPLING_RATE")
    if share:
        found["sampling"] = _share(share)
    return found


def resource_attributes(text: str) -> dict[str, str]:
    """``OTEL_RESOURCE_ATTRIBUTES``: ``key=value`` with commas between, percent-encoded.

    Raises:
        UsageError: a part is no pair.
    """
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, sign, value = part.partition("=")
        if not sign or not key.strip():
            raise UsageError(
                f"OTEL_RESOURCE_ATTRIBUTES: not a pair; found {part!r}; write key=value,key=value"
            )
        found[unquote(key.strip())] = unquote(value.strip())
    return found


def require_enabled(environ: Mapping[str, str]) -> None:
    """Refuse to run where the environment says that no telemetry may leave.

    Raises:
        UsageError: ``OTEL_SDK_DISABLED`` is true; a run that sends nothing must not look passed.
    """
    if _value(environ, "OTEL_SDK_DISABLED").lower() == "true":
        raise UsageError(
            "OTEL_SDK_DISABLED: telemetry is switched off; found 'true';"
            " unset it to run, or use simtraffic plan"
        )


def page_port(option: str | None, environ: Mapping[str, str]) -> tuple[str, int] | None:
    """Who asks for a page of the run's own, and on which port; None when nobody does.

    Raises:
        UsageError: it is no port.
    """
    named, text = "--prometheus-port", option
    if text is None:
        named, text = _PORT, _value(environ, _PORT)
        if not text or is_service_link(text):
            return None
    if not (text.isascii() and text.isdigit() and int(text) <= 65_535):
        raise UsageError(
            f"{named}: not a port; found {text!r}; write 1 to 65535, or 0 for a free one"
        )
    return named, int(text)


def is_service_link(text: str) -> bool:
    """Whether Kubernetes put this into the variable, as it does for a service ``prometheus``."""
    return text.startswith(("tcp://", "udp://", "sctp://"))


def skipped_port(environ: Mapping[str, str]) -> str | None:
    """A warning when the variable for the page is set and means something else."""
    text = _value(environ, _PORT)
    if not is_service_link(text):
        return None
    return f"{_PORT}: the address of a Kubernetes service, skipped; found {text!r}"


def _value(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").strip()


def _share(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise UsageError(
            f"TRACE_SAMPLING_RATE: not a share; found {text!r}; write 0 to 1"
        ) from error
