"""One truth, three views: exchanges in, chunks of spans, data points and log records out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope

from simtraffic._version import __version__
from simtraffic.conventions.frames import Framer, integers_of, ordered
from simtraffic.metrics.aggregation import Aggregator
from simtraffic.metrics.running import MetricSettings
from simtraffic.metrics.series import Instrument
from simtraffic.metrics.standing import Standing
from simtraffic.otlp.collections import MetricStream
from simtraffic.otlp.encoder import Encoder, Scratch
from simtraffic.otlp.requests import MAX_REQUEST_BYTES, Envelope, Packer, resource_message
from simtraffic.otlp.shapes import Shapes
from simtraffic.signals import Chunk, Form

if TYPE_CHECKING:
    from simtraffic.conventions.context import Context, Plan
    from simtraffic.conventions.frames import Frame
    from simtraffic.conventions.model import Convention
    from simtraffic.otlp.imperfect import Imperfect
    from simtraffic.simulation.tables import Exchanges

SCOPE = InstrumentationScope(name="simtraffic", version=__version__)
TABLES = ("request", "operation", "attempt")


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """How a run is told."""

    resources: Sequence[Mapping[str, object]]
    """Attributes of each instance's resource."""
    shard: str
    """Such as ``1/1``; the resource of a shard's metrics carries it when there are several."""
    shard_index: int
    shard_count: int
    signals: frozenset[str]
    interval_ns: int
    is_delta: bool
    exemplars: bool
    sampling: float
    arrivals_end_ns: int
    """End of the last stage, nanoseconds since the start of the run."""


class Telemetry:
    """Tells the exchanges of a run as the conventions have it.

    The first convention that tells operations leads: it names their spans, sets kind and status;
    the others add their attributes. Metrics and log records of all are told.
    """

    def __init__(
        self,
        conventions: Sequence[Convention],
        context: Context,
        settings: TelemetrySettings,
        plan: Plan,
        forms: Sequence[Form] = ("protobuf",),
        imperfect: Imperfect | None = None,
    ) -> None:
        """``forms`` are the encodings wanted of :meth:`records`."""
        self.settings = settings
        self.imperfect = imperfect
        self._counted_form = forms[0]
        self._is_warming_up = False
        tellers = [c for c in conventions if "operation" in c.spans]
        context = replace(context, tells_operations=bool(tellers))
        self.framer = Framer(conventions, context, sampling=settings.sampling < 1)
        shapes = {
            kind: Shapes(self.framer.books[kind], conventions, context, settings.signals)
            for kind in TABLES
        }
        integers = {kind: integers_of(conventions, kind) for kind in TABLES}
        self.scratch = Scratch()
        schema_url = (tellers or conventions)[0].schema_url
        envelopes = [
            Envelope(resource_message(attributes), SCOPE, schema_url)
            for attributes in settings.resources
        ]
        self._encoders = {
            form: Encoder(shapes, context, integers, form, self.scratch) for form in forms
        }
        self._packers = {form: Packer(envelopes, form=form) for form in forms}
        self._specs = [m for c in conventions for m in c.metrics if "metrics" in settings.signals]
        self.aggregator = Aggregator(
            [spec for spec in self._specs if not spec.stands],
            self.framer.books,
            instances=len(settings.resources),
            interval_ns=settings.interval_ns,
            exemplars=settings.exemplars and "traces" in settings.signals,
        )
        extra = {"simtraffic.shard": settings.shard} if settings.shard_count > 1 else {}
        self.metrics = MetricStream(
            self.aggregator,
            [
                Envelope(resource_message({**attributes, **extra}), SCOPE, schema_url)
                for attributes in settings.resources
            ],
            MetricSettings(
                context.start_unix_ns,
                settings.interval_ns,
                settings.is_delta,
                settings.exemplars,
                settings.arrivals_end_ns,
                settings.shard_index,
                settings.shard_count,
            ),
            [Standing(Instrument.of(s), context, plan) for s in self._specs if s.stands],
            imperfect,
        )

    def frames(self, exchanges: Exchanges) -> list[Frame]:
        """The tables made ready: requests, operations, attempts."""
        return self.framer.frames(exchanges)

    def ordered(self, frames: Sequence[Frame]) -> list[Frame]:
        """The same rows in the order in which measuring and encoding need not sort them again."""
        count, interval_ns = len(self.settings.resources), self.settings.interval_ns
        return [ordered(frame, count, interval_ns) for frame in frames]

    def measure(self, frames: Sequence[Frame]) -> None:
        """Take the measurements of these rows. Every row once, in any order."""
        for frame in frames:
            self.aggregator.add(frame)

    def records(self, frames: Sequence[Frame], form: Form = "protobuf") -> Iterator[Chunk]:
        """Spans and log records of these rows, in chunks ready to be sent."""
        if self.imperfect is not None:
            yield from self._imperfect_records(self.imperfect, frames, form)
            return
        encoder, packer = self._encoders[form], self._packers[form]
        rows = [encoder.prepare(frame) for frame in frames if len(frame)]
        for signal in ("traces", "logs"):
            # One signal at a time, so that both write into the same, smaller buffer.
            self.scratch.reset()
            pieces = [piece for part in rows for piece in encoder.encode(part, signal)]
            yield from packer.pack(signal, pieces)

    def _imperfect_records(
        self, imperfect: Imperfect, frames: Sequence[Frame], form: Form
    ) -> Iterator[Chunk]:
        """The same with what is wrong on purpose: log records are of all rows, spans of some."""
        encoder, packer = self._encoders[form], self._packers[form]
        count = form == self._counted_form and not self._is_warming_up

        def packed(signal: str, frames: Sequence[Frame], filler_bytes: int = 0) -> Iterator[Chunk]:
            self.scratch.reset()
            rows = [encoder.prepare(imperfect.skewed(frame)) for frame in frames if len(frame)]
            pieces = [p for part in rows for p in encoder.encode(part, signal, filler_bytes)]
            yield from packer.pack(signal, pieces)

        if "traces" in self.settings.signals:
            split = [imperfect.spans(frame, count=count) for frame in frames if len(frame)]
            yield from packed("traces", [usual for usual, _ in split])
            # However many are large, they fill no more memory than one request may.
            step = max(MAX_REQUEST_BYTES // max(imperfect.filler_bytes, 1), 1)
            for _, large in split:
                for first in range(0, len(large), step):
                    part = large.take(slice(first, first + step))
                    yield from packed("traces", [part], imperfect.filler_bytes)
        yield from packed("logs", frames)

    def warm_up(self, frames: Sequence[Frame], form: Form = "protobuf") -> None:
        """Build the templates of these rows before their time is measured."""
        self._is_warming_up = True
        for _ in self.records(frames, form):
            pass
        self._is_warming_up = False

    def collect(self, at_ns: int) -> Iterator[Chunk]:
        """The next metric collection, at this time of the run, as protobuf."""
        if not self._specs:
            self.aggregator.first += 1
            return iter(())
        return self.metrics.collect(at_ns)
