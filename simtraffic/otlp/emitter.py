"""One truth, three views: exchanges in, chunks of spans, data points and log records out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope

from simtraffic._version import __version__
from simtraffic.conventions.frames import shape_books
from simtraffic.conventions.needs import integers_of
from simtraffic.metrics.aggregation import Aggregator
from simtraffic.otlp.collections import MetricStream
from simtraffic.otlp.encoder import Encoder, Scratch
from simtraffic.otlp.records import TemplateBook
from simtraffic.otlp.requests import MAX_REQUEST_BYTES, Envelope, Packer, resource_message
from simtraffic.signals import Chunk, Form

if TYPE_CHECKING:
    from simtraffic.conventions.context import Context
    from simtraffic.conventions.frames import Frame
    from simtraffic.conventions.model import Convention
    from simtraffic.otlp.imperfect import Imperfect
    from simtraffic.scenario import Telemetry
    from simtraffic.schedule import Shard
    from simtraffic.simulation.forecast import Forecast
    from simtraffic.simulation.tables import Exchanges

SCOPE = InstrumentationScope(name="simtraffic", version=__version__)


class Emitter:
    """Emits the exchanges of a run as the conventions have it.

    The first convention with spans of operations leads: it names them, sets kind and status; the
    others add their attributes. Metrics and log records of all are emitted.

    Attributes:
        aggregator: What was measured and not collected yet.
        metrics: The collections.
        imperfect: What is wrong on purpose; None when nothing is.
    """

    def __init__(
        self,
        conventions: Sequence[Convention],
        context: Context,
        forecast: Forecast,
        settings: Telemetry,
        *,
        resources: Sequence[Mapping[str, object]],
        shard: Shard,
        forms: Sequence[Form] = ("protobuf",),
        imperfect: Imperfect | None = None,
    ) -> None:
        """Nothing emitted yet.

        Args:
            conventions: Of the run, the leading one first.
            context: Constants of the run.
            forecast: What is known of every moment of it.
            settings: As the scenario has them.
            resources: Attributes of each instance's resource.
            shard: Whose share this is; the resources of its metrics name it when there are several.
            forms: Encodings wanted of :meth:`records`.
            imperfect: What is wrong on purpose.
        """
        self.imperfect = imperfect
        self._signals = frozenset(settings.signals)
        leading = [c for c in conventions if "operation" in c.spans]
        context = replace(context, has_operation_spans=bool(leading))
        self._books = shape_books(conventions, context, sampling=settings.sampling < 1)
        self._scratch = Scratch()
        self._encoders = self._made_encoders(conventions, context, forms)
        schema_url = (leading or conventions)[0].schema_url
        self._packers = {
            form: Packer(_envelopes(resources, schema_url), form=form) for form in forms
        }
        self.aggregator = Aggregator(
            [m for c in conventions for m in c.metrics if "metrics" in self._signals],
            self._books,
            context,
            forecast,
            settings.metrics,
            shard,
            exemplars=settings.metrics.exemplars and "traces" in self._signals,
        )
        of_shard = {"simtraffic.shard": str(shard)} if shard.count > 1 else {}
        self.metrics = MetricStream(
            self.aggregator,
            _envelopes([{**each, **of_shard} for each in resources], schema_url),
            context.start_unix_ns,
            imperfect,
        )

    def _made_encoders(
        self, conventions: Sequence[Convention], context: Context, forms: Sequence[Form]
    ) -> dict[Form, Encoder]:
        """An encoder for each form; all have their templates and their buffer in common."""
        templates = {
            kind: TemplateBook(book, conventions, context, self._signals)
            for kind, book in self._books.items()
        }
        integers = {kind: integers_of(conventions, kind) for kind in self._books}
        return {
            form: Encoder(
                templates=templates,
                context=context,
                integers=integers,
                form=form,
                scratch=self._scratch,
            )
            for form in forms
        }

    def frames(self, exchanges: Exchanges) -> list[Frame]:
        """The tables made ready: requests, operations, attempts."""
        return [book.frame(exchanges) for book in self._books.values()]

    def ordered(self, frames: Sequence[Frame]) -> list[Frame]:
        """The same rows in the order in which measuring and encoding need not sort them again."""
        instances, interval_ns = self.aggregator.instances, self.aggregator.interval_ns
        return [frame.in_order(instances, interval_ns) for frame in frames]

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
            self._scratch.reset()
            pieces = [piece for part in rows for piece in encoder.encode(part, signal)]
            yield from packer.pack(signal, pieces)

    def _imperfect_records(
        self, imperfect: Imperfect, frames: Sequence[Frame], form: Form
    ) -> Iterator[Chunk]:
        """The same with what is wrong on purpose: log records are of all rows, spans of some."""
        encoder, packer = self._encoders[form], self._packers[form]

        def packed(signal: str, frames: Sequence[Frame], filler_bytes: int = 0) -> Iterator[Chunk]:
            self._scratch.reset()
            rows = [encoder.prepare(imperfect.skewed(frame)) for frame in frames if len(frame)]
            pieces = [p for part in rows for p in encoder.encode(part, signal, filler_bytes)]
            yield from packer.pack(signal, pieces)

        if "traces" in self._signals:
            split = [imperfect.spans(frame) for frame in frames if len(frame)]
            yield from packed("traces", [usual for usual, _ in split])
            # However many are large, they fill no more memory than one request may.
            step = max(MAX_REQUEST_BYTES // max(imperfect.filler_bytes, 1), 1)
            for _, large in split:
                for first in range(0, len(large), step):
                    part = large.take(slice(first, first + step))
                    yield from packed("traces", [part], imperfect.filler_bytes)
        yield from packed("logs", frames)

    def book(self, frames: Sequence[Frame]) -> None:
        """Count what is wrong on purpose in rows whose records were handed over, in any forms."""
        if self.imperfect is not None and "traces" in self._signals:
            for frame in frames:
                self.imperfect.book(frame)

    def warm_up(self, frames: Sequence[Frame], form: Form = "protobuf") -> None:
        """Build the templates of these rows before their time is measured."""
        for _ in self.records(frames, form):
            pass

    def collect(self, at_ns: int) -> Iterator[Chunk]:
        """The next metric collection, at this time of the run, as protobuf."""
        return self.metrics.collect(at_ns)


def _envelopes(resources: Sequence[Mapping[str, object]], schema_url: str) -> list[Envelope]:
    return [Envelope(resource_message(attributes), SCOPE, schema_url) for attributes in resources]
