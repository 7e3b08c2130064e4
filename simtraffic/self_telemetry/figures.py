"""The figures of the page, in the words of Prometheus.

Names follow its conventions: base units, ``_total`` on what only grows, no label without a bound.
Counts are of all runs of the process, gauges of the one under way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from simtraffic.ledger import SignalCounts
    from simtraffic.result.snapshot import Snapshot
    from simtraffic.result.watcher import Subject
    from simtraffic.self_telemetry.totals import Totals

_SETTLED = ("accepted", "rejected", "failed", "dropped")
_REQUESTS = {
    "planned": "Requests that the schedule asked for, drawn a little ahead of their time.",
    "generated": "Requests that were simulated and told.",
    "skipped": "Requests never told; known when the run is over.",
}
# Metric, field of the ledger, meaning.
_BY_SIGNAL = (
    (
        "simtraffic_items_generated",
        "generated",
        "Spans, data points or log records that were made.",
    ),
    ("simtraffic_export_requests", "requests", "Export calls, further tries included."),
    ("simtraffic_export_retries", "retries", "Export calls that were further tries."),
    (
        "simtraffic_export_bytes",
        "bytes",
        "OTLP protobuf before compression, each batch once however often it was tried.",
    ),
    (
        "simtraffic_export_possible_duplicates",
        "possible_duplicates",
        "Items sent again after an answer was lost.",
    ),
)


class Figures(Collector):
    """Every figure there is, read anew whenever somebody asks."""

    def __init__(self, totals: Totals) -> None:
        self._totals = totals
        # Its own, so that nothing of the process is added.
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def page(self, accept: str) -> tuple[bytes, str]:
        """All of them in the form that is asked for, and its content type."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def collect(self) -> Iterator[Metric]:
        """Every family as it stands now."""
        total = self._totals.ledger()
        for name, meaning in _REQUESTS.items():
            yield CounterMetricFamily(
                f"simtraffic_requests_{name}", meaning, value=getattr(total, name)
            )
        yield from _signals(total.signals)
        subject = self._totals.subject
        if subject is not None:
            yield from _run(subject)
            yield from _state(self._totals.snapshot)


def _signals(signals: Mapping[str, SignalCounts]) -> Iterator[Metric]:
    for name, part, meaning in _BY_SIGNAL:
        family = CounterMetricFamily(name, meaning, labels=["signal"])
        for signal, entry in signals.items():
            family.add_metric([signal], getattr(entry, part))
        yield family
    settled = CounterMetricFamily(
        "simtraffic_items_settled",
        "Items by what became of them; together they come up to those that were generated.",
        labels=["signal", "outcome"],
    )
    for signal, entry in signals.items():
        for outcome in _SETTLED:
            settled.add_metric([signal, outcome], getattr(entry, outcome))
    yield settled


def _run(subject: Subject) -> Iterator[Metric]:
    yield InfoMetricFamily(
        "simtraffic_run",
        "The run under way, or the last one.",
        value={
            "run_id": subject.run_id,
            "scenario": subject.scenario,
            "seed": str(subject.seed),
            "shard": subject.shard,
        },
    )
    if subject.queued_bytes is not None:
        yield from _gauges(
            ("simtraffic_queue_bytes", "Telemetry not sent yet.", subject.queued_bytes()),
            ("simtraffic_queue_limit_bytes", "Bound on it.", subject.queue_bytes),
        )


def _state(snapshot: Snapshot | None) -> Iterable[Metric]:
    if snapshot is None:
        return ()
    return _gauges(
        (
            "simtraffic_target_requests_per_second",
            "Requests a simulated second that the schedule asks for now, all shards together.",
            snapshot.asked_rate,
        ),
        (
            "simtraffic_run_elapsed_seconds",
            "How far the arrivals have come, in simulated time.",
            snapshot.elapsed_ns / 1e9,
        ),
        (
            "simtraffic_run_duration_seconds",
            "How far they will go, in simulated time.",
            snapshot.duration_ns / 1e9,
        ),
        (
            "simtraffic_lateness_p99_seconds",
            "How late telemetry was handed over in this run, 99th percentile.",
            _seconds(snapshot.lateness_p99_ms),
        ),
        (
            "simtraffic_lateness_max_seconds",
            "How late telemetry was handed over in this run, at worst.",
            _seconds(snapshot.lateness_max_ms),
        ),
        (
            "simtraffic_loop_p99_seconds",
            "How long a turn of the generating loop took in this run, 99th percentile.",
            _seconds(snapshot.loop_p99_ms),
        ),
    )


def _gauges(*rows: tuple[str, str, float | None]) -> Iterator[Metric]:
    """One gauge a row; none where there is no value."""
    for name, meaning, value in rows:
        if value is not None:
            yield GaugeMetricFamily(name, meaning, value=value)


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1e3
