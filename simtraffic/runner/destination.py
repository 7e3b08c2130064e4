"""Decides where a run's telemetry goes, and opens it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from simtraffic.errors import SimtrafficError, UsageError
from simtraffic.export.address import base_address
from simtraffic.export.connect import open_transport
from simtraffic.export.delivery import Delivery
from simtraffic.export.environment import ExportOptions, listens, resolve_export
from simtraffic.export.file import FileSink
from simtraffic.export.hosts import foreign_hosts
from simtraffic.export.settings import STANDARD_PORTS
from simtraffic.runner.outlets import FileOutlet, Outlet, ReceiverOutlet
from simtraffic.runner.readiness import Readiness, await_receivers
from simtraffic.signals import Form

if TYPE_CHECKING:
    from simtraffic.collector.embedded import EmbeddedCollector
    from simtraffic.export.settings import ExportSettings
    from simtraffic.ledger import Ledger
    from simtraffic.runner.stop import StopSignal

NAMES = {"grpc": "OTLP/gRPC", "http/protobuf": "OTLP/HTTP", "http/json": "OTLP/HTTP JSON"}


@dataclass
class Destination:
    """Open outlets and what has to be closed after the run."""

    outlets: list[Outlet]
    delivery: Delivery | None
    sink: FileSink | None
    collector: EmbeddedCollector | None

    def finish(
        self, drain_s: float, turn: Callable[[], None] | None = None
    ) -> dict[str, Any] | None:
        """Deliver what is held, close everything; the built-in collector's counts.

        Meanwhile ``turn`` is called now and then.
        """
        if self.delivery is not None:
            self.delivery.drain(drain_s, turn)
            self.delivery.close()
        if self.sink is not None:
            self.sink.close()
        return stopped(self.collector, self.delivery.ledger if self.delivery is not None else None)

    def abandon(self) -> None:
        """Close everything without waiting; what is held is counted as given up."""
        if self.delivery is not None:
            self.delivery.close()
        if self.sink is not None:
            self.sink.close()
        stopped(self.collector)


def stopped(
    collector: EmbeddedCollector | None, ledger: Ledger | None = None
) -> dict[str, Any] | None:
    """The built-in collector's counts; None where there is none, or it died.

    What it had taken by then is in the run's own ledger, which must not be lost with it.
    """
    if collector is None:
        return None
    try:
        return collector.stop()
    except SimtrafficError as error:
        if ledger is not None:
            ledger.warn(str(error))
        return None


@dataclass(frozen=True, slots=True)
class Target:
    """Where telemetry goes, found but not opened: by which way, and what was started for it."""

    settings: dict[str, ExportSettings] | None
    """How each signal reaches its receiver; None for a file alone."""
    collector: EmbeddedCollector | None
    line: str
    """Where the telemetry goes, for people."""
    warnings: tuple[str, ...]
    """What of the environment was not understood."""

    @property
    def endpoint(self) -> str | None:
        """Base address of the first signal's receiver."""
        if self.settings is None:
            return None
        return base_address(next(iter(self.settings.values())).endpoint)

    def await_receivers(
        self, wait_ns: int | None, stop: StopSignal, note: Callable[[str], None]
    ) -> Readiness:
        """Whether the receivers are there; the built-in collector is."""
        if self.settings is None or self.collector is not None:
            return Readiness()
        return await_receivers(self.settings, wait_ns, stop, note)

    def foreign_hosts(self) -> list[str]:
        """Hosts of receivers that are not this machine."""
        return [] if self.settings is None else foreign_hosts(self.settings.values())


def find_target(
    options: ExportOptions,
    environ: Mapping[str, str],
    out: str | None,
    signals: Sequence[str],
    *,
    must_listen: bool = False,
) -> Target:
    """Decide where to send, and start the built-in collector when it is that.

    Args:
        options: what is said of the receiver.
        environ: environment variables to heed.
        out: a file.
        signals: those that are sent.
        must_listen: a receiver of others is waited for, so nothing takes its place.

    Raises:
        UsageError: an endpoint is malformed, or there is none to wait for.
    """
    resolved = resolve_export(options, environ, signals)
    warnings = resolved.warnings
    collector: EmbeddedCollector | None = None
    line = ""
    to_receiver = resolved.endpoint_given or out is None
    if must_listen and not to_receiver:
        raise UsageError(
            f"--wait-for-endpoint: there is nothing to wait for; found --out {out} alone;"
            " name a receiver with --endpoint"
        )
    if to_receiver and not resolved.endpoint_given:
        protocol = resolved.signals[signals[0]].protocol
        if must_listen:
            line = "the standard port, as no endpoint is given"
        elif listens("127.0.0.1", STANDARD_PORTS[protocol]):
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
    if to_receiver:
        places = dict.fromkeys(
            f"{NAMES[each.protocol]} to {_place(signal, each)}"
            for signal, each in resolved.signals.items()
        )
        line = " and ".join(places) + (f" ({line})" if line else "")
    if out is not None:
        where = "standard output" if out == "-" else out
        line = " and ".join(part for part in (line, f"OTLP JSON lines to {where}") if part)
    return Target(
        resolved.signals if to_receiver else None,
        collector,
        line=f"sending {_listed(signals)}: {line}",
        warnings=warnings,
    )


def open_receiver(
    settings: Mapping[str, ExportSettings], ledger: Ledger, queue_bytes: int
) -> ReceiverOutlet:
    """The way to the receivers; the transport connects only at its first batch."""
    delivery = Delivery(
        open_transport(settings),
        ledger,
        queue_bytes=queue_bytes,
        timeouts_s={signal: each.timeout_s for signal, each in settings.items()},
        receivers={signal: base_address(each.endpoint) for signal, each in settings.items()},
    )
    forms: dict[str, Form] = {
        signal: "json" if each.protocol == "http/json" else "protobuf"
        for signal, each in settings.items()
    }
    return ReceiverOutlet(delivery, forms)


def open_destination(
    target: Target,
    ledger: Ledger,
    *,
    out: str | None,
    queue_bytes: int,
    rotate_bytes: int | None = None,
) -> Destination:
    """Open the receiver, the file or both.

    Raises:
        UsageError: a certificate cannot be used, the file cannot be written.
    """
    outlets: list[Outlet] = []
    delivery = sink = None
    if target.settings is not None:
        outlet = open_receiver(target.settings, ledger, queue_bytes)
        delivery = outlet.delivery
        outlets.append(outlet)
    if out is not None:
        # Opened last, so that nothing else fails when there is a file already.
        sink = FileSink.open(
            out, None if delivery is not None else ledger, rotate_bytes=rotate_bytes
        )
        outlets.append(FileOutlet(sink))
    return Destination(outlets, delivery, sink, target.collector)


def _place(signal: str, settings: ExportSettings) -> str:
    """The address as it was given, without a query, which may hold a secret."""
    base = base_address(settings.endpoint)
    if settings.protocol == "grpc":
        return base
    path = urlsplit(settings.endpoint).path
    return base + path.removesuffix(f"/v1/{signal}").rstrip("/")


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
