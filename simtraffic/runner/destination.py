"""Decides where a run's telemetry goes, and opens it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from simtraffic.export.connect import open_transport
from simtraffic.export.delivery import DEFAULT_QUEUE_BYTES, Delivery
from simtraffic.export.environment import ExportOptions, listens, resolve_export
from simtraffic.export.file import FileSink
from simtraffic.export.settings import STANDARD_PORTS
from simtraffic.runner.outlets import FileOutlet, Outlet, ReceiverOutlet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simtraffic.collector.embedded import EmbeddedCollector
    from simtraffic.export import Form
    from simtraffic.ledger import Ledger

NAMES = {"grpc": "OTLP/gRPC", "http/protobuf": "OTLP/HTTP", "http/json": "OTLP/HTTP JSON"}


@dataclass
class Destination:
    """Open outlets and what has to be closed after the run."""

    outlets: list[Outlet]
    delivery: Delivery | None
    sink: FileSink | None
    collector: EmbeddedCollector | None
    endpoint: str | None
    """Base address of the receiver; None for a file alone."""
    line: str
    """Where the telemetry goes, for people."""
    warnings: tuple[str, ...]
    """What of the environment was not understood."""

    def finish(self, drain_s: float) -> dict[str, Any] | None:
        """Deliver what is held, close everything; the built-in collector's counts."""
        if self.delivery is not None:
            self.delivery.drain(drain_s)
            self.delivery.close()
        if self.sink is not None:
            self.sink.close()
        return self.collector.stop() if self.collector is not None else None

    def abandon(self) -> None:
        """Close everything without waiting; what is held is counted as given up."""
        if self.delivery is not None:
            self.delivery.close()
        if self.sink is not None:
            self.sink.close()
        if self.collector is not None:
            self.collector.stop()


def open_destination(
    ledger: Ledger,
    *,
    options: ExportOptions,
    environ: Mapping[str, str],
    out: str | None,
    signals: Sequence[str],
    queue_bytes: int | None,
) -> Destination:
    """Open the receiver, the file or both.

    Raises:
        UsageError: an endpoint is malformed, the file cannot be written.
    """
    resolved = resolve_export(options, environ, signals)
    warnings = resolved.warnings
    collector: EmbeddedCollector | None = None
    line = ""
    to_receiver = resolved.endpoint_given or out is None
    if to_receiver and not resolved.endpoint_given:
        protocol = resolved.signals[signals[0]].protocol
        if listens("127.0.0.1", STANDARD_PORTS[protocol]):
            line = "found listening"
        else:
            from simtraffic.collector.embedded import EmbeddedCollector  # noqa: PLC0415

            collector = EmbeddedCollector()
            grpc = protocol == "grpc"
            address = collector.grpc_endpoint if grpc else collector.http_endpoint
            options = ExportOptions(endpoint=address, protocol=protocol)
            resolved = resolve_export(options, {}, signals)
            line = (
                "the built-in collector, as no endpoint is given and nothing listens on port "
                + str(STANDARD_PORTS[protocol])
            )
    # The file is opened last, and the receiver's transport connects only at its first batch.
    outlets: list[Outlet] = []
    delivery = sink = None
    endpoint = None
    if to_receiver:
        settings = resolved.signals[signals[0]]
        endpoint = base_address(settings.endpoint)
        transport = open_transport(resolved.signals)
        delivery = Delivery(
            transport,
            ledger,
            queue_bytes=queue_bytes or DEFAULT_QUEUE_BYTES,
            timeouts_s={signal: each.timeout_s for signal, each in resolved.signals.items()},
            receivers={s: base_address(each.endpoint) for s, each in resolved.signals.items()},
        )
        forms: dict[str, Form] = {
            signal: "json" if each.protocol == "http/json" else "protobuf"
            for signal, each in resolved.signals.items()
        }
        outlets.append(ReceiverOutlet(delivery, forms))
        places = dict.fromkeys(
            f"{NAMES[each.protocol]} to {base_address(each.endpoint)}"
            for each in resolved.signals.values()
        )
        line = " and ".join(places) + (f" ({line})" if line else "")
    if out is not None:
        sink = FileSink.open(out, None if to_receiver else ledger)
        outlets.append(FileOutlet(sink))
        where = "standard output" if out == "-" else out
        line = " and ".join(part for part in (line, f"OTLP JSON lines to {where}") if part)
    return Destination(
        *(outlets, delivery, sink, collector, endpoint),
        line=f"sending {_listed(signals)}: {line}",
        warnings=warnings,
    )


def base_address(endpoint: str) -> str:
    """Scheme, host and port of an endpoint, which hold no secret; of a socket its path."""
    parts = urlsplit(endpoint)
    if parts.scheme == "unix":
        return endpoint
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
