"""One transport for all signals, however their settings differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from simtraffic.export.masking import MaskedTransport
from simtraffic.signals import Chunk

if TYPE_CHECKING:
    from simtraffic.export import SendResult, Transport
    from simtraffic.export.settings import ExportSettings


class RoutedTransport:
    """Hands each chunk to the transport of its signal."""

    def __init__(self, transports: Mapping[str, Transport]) -> None:
        self._transports = dict(transports)

    def send(self, chunk: Chunk, timeout_s: float) -> SendResult:
        """Send through the signal's transport."""
        return self._transports[chunk.signal].send(chunk, timeout_s)

    def close(self) -> None:
        """Close every transport once."""
        for transport in {id(each): each for each in self._transports.values()}.values():
            transport.close()


def open_transport(signals: Mapping[str, ExportSettings]) -> Transport:
    """A transport for these signals; signals with equal settings share one.

    No connection is opened before the first chunk.

    Raises:
        UsageError: A certificate or key file cannot be read.
    """
    opened: dict[ExportSettings, Transport] = {}
    for settings in signals.values():
        if settings not in opened:
            opened[settings] = _open(settings)
    if len(opened) == 1:
        return next(iter(opened.values()))
    return RoutedTransport({signal: opened[settings] for signal, settings in signals.items()})


def _open(settings: ExportSettings) -> Transport:
    transport = _bare(settings)
    return MaskedTransport(transport, settings) if settings.headers else transport


def _bare(settings: ExportSettings) -> Transport:
    # Only the library that is needed is loaded.
    if settings.protocol == "grpc":
        from simtraffic.export.grpc import GrpcTransport  # noqa: PLC0415

        return GrpcTransport(settings)
    from simtraffic.export.http import HttpTransport  # noqa: PLC0415
    from simtraffic.export.otlp_json import json_body  # noqa: PLC0415

    return HttpTransport(settings, json_body)
