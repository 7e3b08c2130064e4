"""The built-in collector: a real OTLP receiver that validates, counts and answers for what came.

Names are loaded when they are first used, as gRPC and the message classes take a while.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simtraffic.collector.counts import CollectorCounts
    from simtraffic.collector.embedded import EmbeddedCollector
    from simtraffic.collector.server import Collector

__all__ = ["Collector", "CollectorCounts", "EmbeddedCollector"]

_HOMES = {"Collector": "server", "CollectorCounts": "counts", "EmbeddedCollector": "embedded"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
