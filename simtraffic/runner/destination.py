"""Decides where a run's telemetry goes, opens it, and owns what is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from simtraffic.errors import SimtrafficError, UsageError
from simtraffic.export.address import base_address
from simtraffic.export.connect import open_transport
from simtraffic.export.delivery import Delivery
from simtraffic.export.environment import ExportOptions, listens, resolve_export
from simtraffic.export.file import FileSink
from simtraffic.export.hosts import foreign_hosts
from simtraffic.export.settings import STANDARD_PORTS
from simtraffic.runner.readiness import Readiness, await_receivers
from simtraffic.signals import Form

if TYPE_CHECKING:
    from simtraffic.collector.embedded import EmbeddedCollector
    from simtraffic.export.settings import ExportSettings, Protocol
    from simtraffic.ledger import Ledger
    from simtraffic.runner.options import RunOptions
    from simtraffic.runner.outlets import Outlet
    from simtraffic.runner.stop import StopSignal

NAMES = {"grpc": "OTLP/gRPC", "http/protobuf": "OTLP/HTTP", "http/json": "OTLP/HTTP JSON"}


@dataclass(frozen=True, slots=True)
class Target:
    """Where telemetry goes: decided, and nothing is open or started yet."""

    settings: Mapping[str, ExportSettings] | None
    """How each signal reaches its receiver; None for a file alone, or the built-in collector."""
    built_in: Protocol | None
    """How to speak to the built-in collector; None where others receive."""
    out: str | None
    """A file, alone or beside."""
    why: str
    """Why it is this receiver, where nobody named one."""
    warnings: tuple[str, ...]
    """What of the environment was not understood."""

    @property
    def is_file_only(self) -> bool:
        """Whether nothing is sent to anybody."""
        return self.settings is None and self.built_in is None

    def await_receivers(
        self, wait_ns: int | None, stop: StopSignal, say: Callable[[str], None]
    ) -> Readiness:
        """Whether the receivers are there; the built-in collector will be."""
        if self.settings is None:
            return Readiness()
        return await_receivers(self.settings, wait_ns, stop, say)

    def foreign_hosts(self) -> list[str]:
        """Hosts of receivers that are not this machine."""
        return [] if self.settings is None else foreign_hosts(self.settings.values())


def find_target(options: RunOptions, signals: Sequence[str]) -> Target:
    """Decide where to send these signals.

    Raises:
        UsageError: an endpoint is malformed, or there is none to wait for.
    """
    resolved = resolve_export(options.receiver, options.environ, signals)
    must_listen = options.wait_ns is not None
    if options.out is not None and not resolved.endpoint_given:
        if must_listen:
            raise UsageError(
                "--wait-for-endpoint: there is nothing to wait for; found --out"
                f" {options.out} alone; name a receiver with --endpoint"
            )
        return Target(None, None, options.out, "", resolved.warnings)
    settings: Mapping[str, ExportSettings] | None = resolved.signals
    built_in, why = None, ""
    if not resolved.endpoint_given:
        protocol = resolved.signals[signals[0]].protocol
        port = STANDARD_PORTS[protocol]
        if must_listen:
            # A receiver of others is waited for, so nothing takes its place.
            why = "the standard port, as no endpoint is given"
        elif listens("127.0.0.1", port):
            why = "found listening"
        else:
            settings, built_in = None, protocol
            why = (
                "the built-in collector, as no endpoint is given and nothing listens on port"
                f" {port}"
            )
    return Target(settings, built_in, options.out, why, resolved.warnings)


class Destination:
    """Owns everything that is started or opened for a target, while it is entered.

    Whatever way it is left, nothing of it stays: the built-in collector is stopped, files and
    connections are closed, and what is still held then is counted as given up.
    """

    def __init__(self, target: Target, signals: Sequence[str]) -> None:
        self.target = target
        self.settings = target.settings
        """How each signal reaches its receiver, the built-in collector too once it is started."""
        self.delivery: Delivery | None = None
        self._signals = signals
        self._sink: FileSink | None = None
        self._collector: EmbeddedCollector | None = None

    def __enter__(self) -> Self:
        """Start the built-in collector where it is wanted; nothing else."""
        if self.target.built_in is not None:
            from simtraffic.collector.embedded import EmbeddedCollector  # noqa: PLC0415

            protocol = self.target.built_in
            self._collector = collector = EmbeddedCollector()
            address = collector.grpc_endpoint if protocol == "grpc" else collector.http_endpoint
            receiver = ExportOptions(endpoint=address, protocol=protocol)
            self.settings = resolve_export(receiver, {}, self._signals).signals
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        if self._collector is not None:
            with suppress(SimtrafficError):
                self._collector.stop()

    def open(self, ledger: Ledger, options: RunOptions) -> list[Outlet]:
        """Open the receiver, the file or both.

        Raises:
            UsageError: a certificate cannot be used, the file cannot be written.
        """
        outlets: list[Outlet] = []
        if self.settings is not None:
            self.delivery = open_receiver(self.settings, ledger, options.held_bytes)
            outlets.append(self.delivery)
        if self.target.out is not None:
            # Opened last, so that nothing else fails when there is a file already.
            own = None if self.delivery is not None else ledger
            self._sink = FileSink.open(self.target.out, own, rotate_bytes=options.rotate_bytes)
            outlets.append(self._sink)
        return outlets

    def finish(
        self, ledger: Ledger, drain_s: float = 0.0, turn: Callable[[], None] | None = None
    ) -> dict[str, Any] | None:
        """Deliver what is held, for at most so long, and close everything.

        Args:
            ledger: warned when the built-in collector died.
            drain_s: real seconds.
            turn: called now and then meanwhile.

        Returns:
            What the built-in collector counted; None without one, or if it died: what it had taken
            by then is in the run's own ledger, which must not be lost with it.
        """
        if self.delivery is not None:
            self.delivery.drain(drain_s, turn)
        self._close()
        if self._collector is None:
            return None
        try:
            return self._collector.stop()
        except SimtrafficError as error:
            ledger.warn(str(error))
            return None

    def _close(self) -> None:
        if self.delivery is not None:
            self.delivery.close()
        if self._sink is not None:
            self._sink.close()

    @property
    def endpoint(self) -> str | None:
        """Base address of the first signal's receiver; None for a file alone."""
        if self.settings is None:
            return None
        return base_address(next(iter(self.settings.values())).endpoint)

    @property
    def line(self) -> str:
        """Where the telemetry goes, for people."""
        line = ""
        if self.settings is not None:
            places = dict.fromkeys(
                f"{NAMES[each.protocol]} to {_place(signal, each)}"
                for signal, each in self.settings.items()
            )
            why = f" ({self.target.why})" if self.target.why else ""
            line = " and ".join(places) + why
        if self.target.out is not None:
            where = "standard output" if self.target.out == "-" else self.target.out
            line = " and ".join(part for part in (line, f"OTLP JSON lines to {where}") if part)
        return f"sending {_listed(self._signals)}: {line}"


def open_receiver(
    settings: Mapping[str, ExportSettings], ledger: Ledger, queue_bytes: int
) -> Delivery:
    """The way to the receivers; the transport connects only at its first batch."""
    forms: dict[str, Form] = {
        signal: "json" if each.protocol == "http/json" else "protobuf"
        for signal, each in settings.items()
    }
    return Delivery(
        open_transport(settings),
        ledger,
        queue_bytes=queue_bytes,
        timeouts_s={signal: each.timeout_s for signal, each in settings.items()},
        forms=forms,
        receivers={signal: base_address(each.endpoint) for signal, each in settings.items()},
    )


def _place(signal: str, settings: ExportSettings) -> str:
    """The address as it was given, without a query, which may hold a secret."""
    base = base_address(settings.endpoint)
    if settings.protocol == "grpc":
        return base
    path = urlsplit(settings.endpoint).path
    return base + path.removesuffix(f"/v1/{signal}").rstrip("/")


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
