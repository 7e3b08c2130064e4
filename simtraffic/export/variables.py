"""Variables of OpenTelemetry's exporters beyond where and how to send.

Which are heeded, and which are warned about because they are set and not heeded. Names, values and
defaults are the OpenTelemetry specification's (protocol/exporter.md, sdk-environment-variables.md,
metrics/sdk_exporters/otlp.md).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from simtraffic.signals import SIGNALS

Temporality = Literal["cumulative", "delta"]

PREFIX = "OTEL_EXPORTER_OTLP_"
TEMPORALITY = f"{PREFIX}METRICS_TEMPORALITY_PREFERENCE"
# ``lowmemory`` differs from ``delta`` in asynchronous counters, of which nothing here is emitted.
TEMPORALITIES: Mapping[str, Temporality] = {
    "cumulative": "cumulative",
    "delta": "delta",
    "lowmemory": "delta",
}
_HISTOGRAMS = f"{PREFIX}METRICS_DEFAULT_HISTOGRAM_AGGREGATION"
_OUR_HISTOGRAMS = "explicit_bucket_histogram"
_SUFFIXES = (
    "ENDPOINT",
    "PROTOCOL",
    "HEADERS",
    "TIMEOUT",
    "COMPRESSION",
    "INSECURE",
    "CERTIFICATE",
    "CLIENT_CERTIFICATE",
    "CLIENT_KEY",
)
_HEEDED = (
    *(f"{PREFIX}{suffix}" for suffix in _SUFFIXES),
    *(f"{PREFIX}{signal.upper()}_{suffix}" for signal in SIGNALS for suffix in _SUFFIXES),
    TEMPORALITY,
)
_NEAR = 0.8


def temporality(environ: Mapping[str, str]) -> Temporality | None:
    """What the environment prefers; None where it is silent or cannot be read."""
    return TEMPORALITIES.get(_value(environ, TEMPORALITY).lower())


def switched_off(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Signals whose exporter is ``none``."""
    return tuple(signal for signal in SIGNALS if _exporters(environ, signal) == ["none"])


def warnings(environ: Mapping[str, str], signals: Sequence[str] = SIGNALS) -> Iterator[str]:
    """What is set and does something else than one may think, a line each; values may be secrets.

    Args:
        environ: The environment.
        signals: Those that are sent.
    """
    yield from _of_preferences(environ)
    for name in sorted(environ):
        known = name in _HEEDED or name == _HISTOGRAMS
        if name.startswith(PREFIX) and not known and _value(environ, name):
            # Without what all have in common, which would make any two alike.
            ends = [each.removeprefix(PREFIX) for each in _HEEDED]
            near = difflib.get_close_matches(name.removeprefix(PREFIX), ends, 1, _NEAR)
            hint = f"; did you mean {PREFIX}{near[0]}?" if near else ""
            yield f"{name}: not supported, skipped{hint}"
    for signal in SIGNALS:
        yield from _of_exporter(environ, signal, is_sent=signal in signals)


def _of_preferences(environ: Mapping[str, str]) -> Iterator[str]:
    preferred = _value(environ, TEMPORALITY)
    if preferred and preferred.lower() not in TEMPORALITIES:
        words = ", ".join(TEMPORALITIES)
        yield f"{TEMPORALITY}: unknown, skipped; found {preferred!r}; use one of {words}"
    histograms = _value(environ, _HISTOGRAMS)
    if histograms and histograms.lower() != _OUR_HISTOGRAMS:
        yield f"{_HISTOGRAMS}: only {_OUR_HISTOGRAMS} is supported, skipped; found {histograms!r}"


def _of_exporter(environ: Mapping[str, str], signal: str, *, is_sent: bool) -> Iterator[str]:
    name, exporters = exporter_variable(signal), _exporters(environ, signal)
    if exporters == ["none"]:
        # Without a word somebody would look for the signal in the collector.
        said = "sent all the same, as something else asks for them" if is_sent else "left out"
        yield f"{name}: found 'none'; {signal} are {said}"
    elif foreign := [word for word in exporters if word != "otlp"]:
        yield f"{name}: only otlp and none are supported, otlp is used; found {', '.join(foreign)}"


def exporter_variable(signal: str) -> str:
    """The variable that names the exporters of a signal."""
    return f"OTEL_{signal.upper()}_EXPORTER"


def _exporters(environ: Mapping[str, str], signal: str) -> list[str]:
    text = _value(environ, exporter_variable(signal)).lower()
    return [word for part in text.split(",") if (word := part.strip())]


def _value(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").strip()
