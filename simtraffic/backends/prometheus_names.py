"""What Prometheus calls a metric.

The rules are those of OpenTelemetry's "Prometheus and OpenMetrics Compatibility", as collector and
Prometheus apply them by default: underscores for dots, the unit as a suffix, ``_total`` for
counters, ``_ratio`` for gauges of unit 1.
"""

from __future__ import annotations

import re

_UNITS = {
    "d": "days",
    "h": "hours",
    "min": "minutes",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
    "By": "bytes",
    "KiBy": "kibibytes",
    "MiBy": "mebibytes",
    "GiBy": "gibibytes",
    "KBy": "kilobytes",
    "MBy": "megabytes",
    "GBy": "gigabytes",
    "Cel": "celsius",
    "Hz": "hertz",
    "%": "percent",
    "1": "",
}
_PER = {"s": "second", "m": "minute", "min": "minute", "h": "hour", "d": "day"}
_ANNOTATION = re.compile(r"\{[^}]*\}")
_NOT_ALLOWED = re.compile(r"[^a-zA-Z0-9]+")


def label_name(key: str) -> str:
    """An attribute's key as a label."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", key)


def prometheus_name(name: str, unit: str, instrument: str) -> str:
    """The family's name; a histogram's series add ``_bucket``, ``_sum`` and ``_count``."""
    words = [word for word in _NOT_ALLOWED.split(name) if word]
    for suffix in _unit_words(unit):
        if suffix not in words:
            words.append(suffix)
    last = {"counter": "total", "gauge": "ratio" if unit == "1" else ""}.get(instrument, "")
    if last:
        words = [word for word in words if word != last] + [last]
    return "_".join(words)


def _unit_words(unit: str) -> list[str]:
    main, _, per = (_ANNOTATION.sub("", part) for part in unit.partition("/"))
    words = [_clean(_UNITS.get(main, main))]
    if per:
        words += ["per", _clean(_PER.get(per, per))]
    return [word for word in words if word]


def _clean(unit: str) -> str:
    return "_".join(word for word in _NOT_ALLOWED.split(unit) if word)
