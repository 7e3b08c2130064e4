"""Where telemetry goes, resolved from command-line options and ``OTEL_EXPORTER_OTLP_*``.

Options come first, then the signal's own variable, then the generic one, then the default. Rules
and units are the OpenTelemetry specification's (protocol/exporter.md, general environment
variables): an empty value is unset, time-outs are milliseconds, a value that cannot be read is
warned about and skipped. The mapping is an argument: this module never looks at the process's own.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from simtraffic.errors import UsageError
from simtraffic.export.address import read_endpoint
from simtraffic.export.headers import Headers, as_header, listed_headers
from simtraffic.export.settings import (
    COMPRESSIONS,
    PROTOCOLS,
    STANDARD_PORTS,
    Compression,
    ExportSettings,
    Protocol,
)
from simtraffic.export.variables import PREFIX, warnings
from simtraffic.signals import SIGNALS

_DEFAULT_TIMEOUT_S = 10.0
_Word = TypeVar("_Word", bound=str)


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What the command line says; None or empty where it is silent."""

    endpoint: str | None = None
    """Base URL: over HTTP the signal's path is appended, as to the generic variable."""
    protocol: str | None = None
    headers: Sequence[str] = field(default=(), repr=False)
    """Each ``NAME=VALUE``, taken literally."""
    insecure: bool | None = None
    certificate: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    compression: str | None = None
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class ResolvedExport:
    """How each signal is sent."""

    signals: dict[str, ExportSettings]
    endpoint_given: bool
    """Whether any option or variable names an endpoint; without, the default port may be probed."""
    warnings: tuple[str, ...] = ()
    """Variables that were skipped because they cannot be read; they name no secret."""


def resolve_export(
    options: ExportOptions, environ: Mapping[str, str], signals: Sequence[str] = SIGNALS
) -> ResolvedExport:
    """The settings of each signal.

    Raises:
        UsageError: An endpoint, header or option is malformed.
    """
    reading = _Reading(options, environ)
    resolved = {signal: reading.settings(signal) for signal in signals}
    found = (*reading.warnings, *warnings(environ, signals))
    return ResolvedExport(resolved, reading.endpoint_given, tuple(dict.fromkeys(found)))


def listens(host: str, port: int, timeout_s: float = 0.25) -> bool:
    """Whether something accepts TCP connections there."""
    try:
        with socket.create_connection((host, port), timeout=timeout_s):
            return True
    except OSError:
        return False


def silence_grpc(environ: MutableMapping[str, str]) -> None:
    """Keep gRPC's native log off standard error unless the user asked for it.

    To be called before ``import grpc``: the native library reads it then and never again.
    """
    environ.setdefault("GRPC_VERBOSITY", "NONE")


class _Reading:
    """One pass over options and variables, gathering warnings."""

    def __init__(self, options: ExportOptions, environ: Mapping[str, str]) -> None:
        self._options = options
        self._environ = environ
        self.warnings: list[str] = []
        self.endpoint_given = False

    def settings(self, signal: str) -> ExportSettings:
        protocol: Protocol = self._word("PROTOCOL", signal, PROTOCOLS, self._options.protocol)
        return ExportSettings(
            endpoint=self._endpoint(signal, protocol),
            protocol=protocol,
            headers=self._headers(signal, protocol),
            timeout_s=self._timeout_s(signal),
            compression=self._compression(signal),
            certificate=self._file("CERTIFICATE", signal, self._options.certificate),
            client_certificate=self._file(
                "CLIENT_CERTIFICATE", signal, self._options.client_certificate
            ),
            client_key=self._file("CLIENT_KEY", signal, self._options.client_key),
        )

    def _variable(self, suffix: str, signal: str) -> tuple[str, str]:
        """Name and value of the first variable that is set; the value is empty when none is."""
        for name in (f"{PREFIX}{signal.upper()}_{suffix}", f"{PREFIX}{suffix}"):
            value = self._environ.get(name, "").strip()
            if value:
                return name, value
        return "", ""

    def _endpoint(self, signal: str, protocol: Protocol) -> str:
        name, value = "--endpoint", self._options.endpoint or ""
        if not value:
            name, value = self._variable("ENDPOINT", signal)
        self.endpoint_given = self.endpoint_given or bool(value)
        own = name == f"{PREFIX}{signal.upper()}_ENDPOINT"
        url = value or f"http://localhost:{STANDARD_PORTS[protocol]}"
        insecure = "://" not in url and self._insecure(signal)
        url = read_endpoint(name or "endpoint", url, protocol, insecure=insecure)
        if protocol == "grpc":
            return url
        parts = urlsplit(url)
        # A signal's own endpoint is used untouched, only an empty path becomes "/".
        path = (parts.path or "/") if own else f"{parts.path.rstrip('/')}/v1/{signal}"
        return parts._replace(path=path).geturl()

    def _insecure(self, signal: str) -> bool:
        if self._options.insecure is not None:
            return self._options.insecure
        name, value = self._variable("INSECURE", signal)
        if value and value.lower() not in ("true", "false"):
            self.warnings.append(f"{name}: neither true nor false, taken as false; found {value!r}")
        return value.lower() == "true"

    def _headers(self, signal: str, protocol: Protocol) -> tuple[tuple[str, str], ...]:
        headers: Headers = {}
        token = self._environ.get("OTEL_AUTH_TOKEN", "").strip()
        if token:
            headers.update([as_header("OTEL_AUTH_TOKEN", "authorization", f"Bearer {token}")])
        name, value = self._variable("HEADERS", signal)
        found, warnings = listed_headers(name, value)
        headers.update(found)
        self.warnings += warnings
        for text in self._options.headers:
            key, equals, content = text.partition("=")
            if not equals:
                raise UsageError("--header: not of the form NAME=VALUE; found no '='")
            headers.update([as_header("--header", key, content, grpc=protocol == "grpc")])
        return tuple(headers.items())

    def _timeout_s(self, signal: str) -> float:
        if self._options.timeout_s is not None:
            if not self._options.timeout_s > 0:
                raise UsageError("--timeout: not above zero; give a duration such as 10s")
            return self._options.timeout_s
        name, value = self._variable("TIMEOUT", signal)
        if value.isascii() and value.isdigit() and int(value) > 0:
            return int(value) / 1000.0
        if value:
            self.warnings.append(
                f"{name}: not a whole number of milliseconds above zero, skipped; found {value!r}"
            )
        return _DEFAULT_TIMEOUT_S

    def _compression(self, signal: str) -> Compression:
        return self._word("COMPRESSION", signal, COMPRESSIONS, self._options.compression)

    def _file(self, suffix: str, signal: str, option: str | None) -> str | None:
        return option or self._variable(suffix, signal)[1] or None

    def _word(
        self, suffix: str, signal: str, known: tuple[_Word, ...], option: str | None
    ) -> _Word:
        """One of the known words; the first of them is the default."""
        for word in known:
            if option == word:
                return word
        if option:
            raise UsageError(
                f"--{suffix.lower()}: unknown; found {option!r}; use one of {', '.join(known)}"
            )
        name, value = self._variable(suffix, signal)
        for word in known:
            if value == word:
                return word
        if value:
            self.warnings.append(
                f"{name}: unknown, {known[0]} is used; found {value!r};"
                f" use one of {', '.join(known)}"
            )
        return known[0]
