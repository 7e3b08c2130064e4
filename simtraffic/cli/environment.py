"""What environment variables change in a scenario, by the OpenTelemetry specification's rules.

An empty value is an unset one. ``SERVICE_NAME``, ``SERVICE_VERSION`` and ``ENVIRONMENT`` are
aliases that count only where no OpenTelemetry name says the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from simtraffic.errors import UsageError
from simtraffic.export import variables

_ALIASES = {
    "service.name": "SERVICE_NAME",
    "service.version": "SERVICE_VERSION",
    "deployment.environment.name": "ENVIRONMENT",
}
# The name of OpenTelemetry first, then the alias.
_PORTS = ("OTEL_EXPORTER_PROMETHEUS_PORT", "PROMETHEUS_PORT")
_HOST = "OTEL_EXPORTER_PROMETHEUS_HOST"


@dataclass(frozen=True, slots=True)
class PageAddress:
    """Where a run's own page listens."""

    named: str
    """The option or variable that asks for it, for errors."""
    host: str
    port: int
    """0 takes a free one."""


def overrides(environ: Mapping[str, str]) -> dict[str, Any]:
    """Keywords of `with_overrides` that the environment sets.

    Raises:
        UsageError: a variable cannot be read.
    """
    found: dict[str, Any] = {}
    attributes = resource_attributes(_value(environ, "OTEL_RESOURCE_ATTRIBUTES"))
    for key, alias in _ALIASES.items():
        value = _value(environ, alias)
        if value:
            attributes.setdefault(key, value)
    name = _value(environ, "OTEL_SERVICE_NAME")
    if name:
        attributes["service.name"] = name
    if attributes:
        found["resource_attributes"] = attributes
    share = _value(environ, "TRACE_SAMPLING_RATE")
    if share:
        found["sampling"] = _share(share)
    temporality = variables.temporality(environ)
    if temporality:
        found["temporality"] = temporality
    return found


def sent_signals(environ: Mapping[str, str], signals: Sequence[str]) -> tuple[str, ...]:
    """Those of a scenario's signals whose exporter the environment does not switch off.

    Raises:
        UsageError: none is left; a run that sends nothing must not look passed.
    """
    off = variables.switched_off(environ)
    left = tuple(signal for signal in signals if signal not in off)
    if not left:
        names = ", ".join(variables.exporter_variable(signal) for signal in signals)
        raise UsageError(
            f"{names}: every signal is switched off; found 'none';"
            " unset one, or name signals with --signals"
        )
    return left


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


def page_address(
    port: str | None, host: str | None, environ: Mapping[str, str]
) -> PageAddress | None:
    """Where a page of the run's own is asked for; None when nobody asks for one.

    Raises:
        UsageError: the port is none, or a host is named without one.
    """
    named, text = "--prometheus-port", port
    if text is None:
        named = next((name for name in _PORTS if _port_text(environ, name)), "")
        text = _port_text(environ, named)
    if not (text or named == "--prometheus-port"):
        if host:
            raise UsageError(
                f"--prometheus-host: nothing listens without a port; found {host!r};"
                " name one with --prometheus-port"
            )
        return None
    if not (text.isascii() and text.isdigit() and int(text) <= 65_535):
        raise UsageError(
            f"{named}: not a port; found {text!r}; write 1 to 65535, or 0 for a free one"
        )
    return PageAddress(named, host or _value(environ, _HOST) or "127.0.0.1", int(text))


def skipped_ports(environ: Mapping[str, str]) -> list[str]:
    """A warning for each variable of the page that is set and means something else."""
    return [
        f"{name}: the address of a Kubernetes service, skipped; found {value!r}"
        for name in _PORTS
        if (value := _value(environ, name)) and not _port_text(environ, name)
    ]


def _port_text(environ: Mapping[str, str], name: str) -> str:
    """What is set, unless Kubernetes put it there, as it does for a service ``prometheus``."""
    value = _value(environ, name)
    return "" if value.startswith(("tcp://", "udp://", "sctp://")) else value


def _value(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").strip()


def _share(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise UsageError(
            f"TRACE_SAMPLING_RATE: not a share; found {text!r}; write 0 to 1"
        ) from error
