"""Where the telemetry of a run goes: a receiver, a file, both, and the ledger that counts it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from simtraffic.clock import unix_ns
from simtraffic.export import Batch
from simtraffic.export.otlp_json import json_body
from simtraffic.export.splitting import cut_between_records
from simtraffic.runner.cap import Meter
from simtraffic.signals import SIGNALS, Chunk, Form

if TYPE_CHECKING:
    from simtraffic.clock import Flag
    from simtraffic.export.delivery import Delivery
    from simtraffic.export.file import FileSink
    from simtraffic.ledger import Ledger
    from simtraffic.runner.cap import Cap


class Outlet(Protocol):
    """Takes chunks, those of a signal in one form."""

    def form(self, signal: str) -> Form:
        """``protobuf`` or ``json``: how spans and log records are wanted."""
        ...

    def submit(self, chunk: Chunk, *, block: bool, stop: Flag) -> None:
        """Take a chunk; with ``block`` wait for room rather than drop."""
        ...

    @property
    def fatal(self) -> str | None:
        """Why nothing more can be delivered, in one line."""
        ...


class ReceiverOutlet:
    """A receiver behind a bounded delivery."""

    def __init__(self, delivery: Delivery, forms: Mapping[str, Form]) -> None:
        """``forms`` is what the delivery's transport takes, by signal."""
        self.delivery = delivery
        self._forms = forms

    def form(self, signal: str) -> Form:
        """As the protocol of the signal has it."""
        return self._forms[signal]

    def submit(self, chunk: Chunk, *, block: bool, stop: Flag) -> None:
        """Hand over to the delivery."""
        # Points come as protobuf; if JSON is wanted, the delivery's own threads turn them into it.
        form: Form = "protobuf" if chunk.signal == "metrics" else self._forms[chunk.signal]
        batch = Batch(chunk.signal, chunk.payload, chunk.count, chunk.proto_bytes, form)
        self.delivery.submit(batch, block=block, stop=stop)

    @property
    def fatal(self) -> str | None:
        """Such as a refused credential."""
        return self.delivery.fatal


MAX_LINE_BYTES = 1_000_000
"""Of a file. The Collector's file receiver cuts a line of more than 1 MiB in two (its setting
``max_log_size``), and can read neither part."""


class FileOutlet:
    """A file of OTLP JSON lines, none longer than a reader takes unless one record alone is."""

    def __init__(self, sink: FileSink) -> None:
        """Over an open sink."""
        self.sink = sink

    def form(self, signal: str) -> Form:  # noqa: ARG002 - the same for all
        """JSON."""
        return "json"

    def submit(self, chunk: Chunk, *, block: bool, stop: Flag) -> None:  # noqa: ARG002
        """Write it as one line, or as several."""
        form: Form = "protobuf" if chunk.signal == "metrics" else "json"
        self._write(Batch(chunk.signal, chunk.payload, chunk.count, chunk.proto_bytes, form))

    def _write(self, batch: Batch) -> None:
        line = json_body(batch)
        if len(line) > MAX_LINE_BYTES and batch.count > 1:
            # Of the part that fits, as parts differ in how long their JSON is.
            target = len(batch.payload) * MAX_LINE_BYTES // len(line) * 9 // 10
            parts = cut_between_records(batch, target)
            if len(parts) > 1:
                for part in parts:
                    self._write(part)
                return
        self.sink.submit(batch.signal, line, batch.count, batch.proto_bytes or len(batch.payload))

    @property
    def fatal(self) -> str | None:
        """Such as a full disk."""
        return self.sink.fatal


class Outlets:
    """All outlets of a run; what is generated is booked once, whoever takes it."""

    def __init__(
        self,
        outlets: Sequence[Outlet],
        ledger: Ledger,
        stop: Flag,
        signals: Sequence[str] = SIGNALS,
        cap: Cap | None = None,
    ) -> None:
        """With at least one outlet; the ledger belongs to the first."""
        self._meter = Meter(cap) if cap else None
        self._capped: str | None = None
        self._outlets = outlets
        self._ledger = ledger
        self._stop = stop
        wanted = [outlet.form(signal) for outlet in outlets for signal in signals]
        self.forms = tuple(dict.fromkeys(wanted))

    @property
    def fatal(self) -> str | None:
        """Why nothing more can be delivered to one of them, or may be."""
        return self._capped or next((each.fatal for each in self._outlets if each.fatal), None)

    def records(self, chunk: Chunk, form: Form, *, block: bool) -> None:
        """Spans or log records in this form."""
        if form == self._outlets[0].form(chunk.signal):
            self._ledger.add_generated(chunk.signal, chunk.count)
            if self._is_capped(chunk):
                return
        for outlet in self._outlets:
            if outlet.form(chunk.signal) == form:
                outlet.submit(chunk, block=block, stop=self._stop)

    def points(self, chunk: Chunk, *, block: bool) -> None:
        """Data points, which come as protobuf and are turned into each outlet's form."""
        self._ledger.add_generated(chunk.signal, chunk.count)
        if self._is_capped(chunk):
            return
        for outlet in self._outlets:
            outlet.submit(chunk, block=block, stop=self._stop)

    def _is_capped(self, chunk: Chunk) -> bool:
        """Whether a chunk is beyond what may be sent; it is given up and counted then."""
        if self._meter is None:
            return False
        reason = self._meter.refuses(chunk.signal, chunk.count, chunk.proto_bytes)
        if reason is None:
            return False
        self._capped = self._capped or reason
        self._ledger.drop(chunk.signal, chunk.count, reason, unix_ns())
        return True
