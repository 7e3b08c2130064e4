"""The page's figures, and a trace of the run, pushed by the ordinary OpenTelemetry SDK.

They go to an endpoint of their own as the telemetry of a service ``simtraffic``, so that nobody
takes them for what is generated. One definition serves both: what the page shows is what is sent.
"""

from __future__ import annotations

import logging
import os
from functools import partial
from typing import TYPE_CHECKING, Self

from simtraffic._version import __version__
from simtraffic.errors import UsageError
from simtraffic.export.address import read_endpoint
from simtraffic.export.environment import silence_grpc
from simtraffic.ledger import Ledger
from simtraffic.result.snapshot import Snapshot
from simtraffic.result.watcher import Subject, Watcher
from simtraffic.self_telemetry.figures import Figures
from simtraffic.self_telemetry.totals import Totals

# The native library reads its verbosity while it is imported, and never again.
silence_grpc(os.environ)

from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter  # noqa: E402
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: E402
from opentelemetry.metrics import Observation  # noqa: E402
from opentelemetry.sdk.metrics import MeterProvider  # noqa: E402
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: E402
from opentelemetry.sdk.resources import Resource  # noqa: E402
from opentelemetry.sdk.trace import TracerProvider  # noqa: E402
from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: E402
from opentelemetry.trace import set_span_in_context  # noqa: E402

if TYPE_CHECKING:
    from types import TracebackType

    from opentelemetry.metrics import CallbackOptions
    from opentelemetry.trace import Span

EVERY_MS = 10_000
# A receiver that is away must not hold up the end of a run.
_TIMEOUT_S = 2
_CLOSE_MS = 3_000
_UNITS = {"seconds": "s", "bytes": "By"}


class Push(Watcher):
    """Sends the figures every ten seconds and at the end, and a span for each run and stage.

    Args:
        endpoint: of a receiver of OTLP over gRPC, ``http://HOST:PORT`` or ``https://``.

    Raises:
        UsageError: the endpoint is none.
    """

    def __init__(self, endpoint: str) -> None:
        if not endpoint.startswith(("http://", "https://")):
            raise UsageError(
                f"--self-telemetry: not a URL; found {endpoint!r}; write http://HOST:4317"
            )
        endpoint = read_endpoint("--self-telemetry", endpoint, "grpc")
        # It writes its troubles into a log that nobody asked for.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self.line = f"telling of itself to {endpoint}"
        self._totals = Totals()
        self._figures = Figures(self._totals)
        resource = Resource.create(
            {
                "service.name": "simtraffic",
                "service.version": __version__,
                "service.instance.id": str(os.getpid()),
            }
        )
        options = {
            "endpoint": endpoint,
            "insecure": endpoint.startswith("http://"),
            "timeout": _TIMEOUT_S,
        }
        self._meters = MeterProvider(
            [
                PeriodicExportingMetricReader(
                    OTLPMetricExporter(**options),  # type: ignore[arg-type]
                    export_interval_millis=EVERY_MS,
                    export_timeout_millis=1000 * _TIMEOUT_S,
                )
            ],
            resource=resource,
            shutdown_on_exit=False,
        )
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._traces.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(**options)))  # type: ignore[arg-type]
        self._tracer = self._traces.get_tracer("simtraffic", __version__)
        self._run: Span | None = None
        self._stage: tuple[str, Span] | None = None
        self._watch_figures()

    def begin(self, subject: Subject) -> None:
        """A run starts; its counts are added to those of the runs before it."""
        self._totals.begin(subject)
        self._run = self._tracer.start_span(
            "run",
            attributes={
                "simtraffic.run_id": subject.run_id,
                "simtraffic.scenario": subject.scenario,
                "simtraffic.seed": subject.seed,
                "simtraffic.shard": subject.shard,
            },
        )

    def see(self, snapshot: Snapshot) -> None:
        """The run goes on, and this is how it stands."""
        self._totals.snapshot = snapshot
        name = "drain" if snapshot.draining else snapshot.stage
        if self._run is not None and name and (self._stage is None or self._stage[0] != name):
            self._end_stage()
            context = set_span_in_context(self._run)
            self._stage = (name, self._tracer.start_span(f"stage {name}", context))

    def end(self) -> None:
        """The run is over; its counts stay."""
        self._end_stage()
        if self._run is not None:
            signals = self._totals.ledger().signals.values()
            for part in ("accepted", "rejected", "failed", "dropped"):
                together = sum(getattr(entry, part) for entry in signals)
                self._run.set_attribute(f"simtraffic.items.{part}", together)
            self._run.end()
            self._run = None

    def close(self) -> None:
        """Send what is left, for a few seconds at most."""
        self._meters.shutdown(_CLOSE_MS)
        self._traces.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _end_stage(self) -> None:
        if self._stage is not None:
            self._stage[1].end()
            self._stage = None

    def _watch_figures(self) -> None:
        """An observable instrument for each family of the page."""
        meter = self._meters.get_meter("simtraffic", __version__)
        for family in Figures(_example()).collect():
            name = family.name.removeprefix("simtraffic_")
            ending = name.rpartition("_")[2]
            unit = _UNITS.get(ending, "1")
            # Seconds are said by the unit; bytes are what is counted.
            dotted = "simtraffic." + name.removesuffix("_seconds")
            make = {
                "counter": meter.create_observable_counter,
                "gauge": meter.create_observable_gauge,
            }.get(family.type)
            if make is not None:
                make(
                    dotted.replace("_", ".", 2),
                    callbacks=[partial(self._observed, family.name)],
                    unit=unit,
                    description=family.documentation,
                )

    def _observed(self, name: str, _options: CallbackOptions) -> list[Observation]:
        """One family of the figures, as it stands now."""
        return [
            Observation(sample.value, sample.labels)
            for family in self._figures.collect()
            if family.name == name
            for sample in family.samples
        ]


def _example() -> Totals:
    """Totals with every figure that there is."""
    totals = Totals()
    totals.begin(
        Subject(
            run_id="",
            scenario="",
            seed=0,
            shard="1/1",
            ledger=Ledger(),
            queued_bytes=lambda: 0,
            drain_s=0,
            is_timed=True,
        )
    )
    totals.snapshot = Snapshot(
        elapsed_ns=0,
        duration_ns=1,
        asked_rate=0.0,
        reached_rate=0.0,
        requests=0,
        failed=0,
        spans_per_second=0.0,
        lateness_p99_ms=0.0,
        lateness_max_ms=0.0,
        loop_p99_ms=0.0,
    )
    return totals
