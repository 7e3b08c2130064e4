"""Boards on the way that telemetry takes, and on what was planned against what arrived."""

from __future__ import annotations

from tools.dashboards.model import RATE, RAW, Board, Panel, Query, State, query, stat


def by_signal(count: str, by: str) -> tuple[Query, ...]:
    """Rates of one of the collector's counts by signal; there are series only after an item."""
    return query(f"sum by (signal, {by}) (otelcol:{count}:rate5m)", f"{{{{signal}}}} {{{{{by}}}}}")


PIPELINE = Board(
    "simtraffic-pipeline",
    "Collector and pipeline",
    "Whether telemetry gets through: what comes in, waits, leaves and is lost.",
    (
        stat(
            "Collectors up",
            "Whose own metrics Prometheus reaches.",
            "short",
            'sum(up{job="otel-collector"})',
            runbooks=("CollectorAbsent", "DeadMan"),
        ),
        stat(
            "In",
            "Items a second, all signals.",
            "short",
            "sum(otelcol:receiver_accepted:rate5m)",
        ),
        stat(
            "Out",
            "Items a second, all exporters; two take the metrics.",
            "short",
            "sum(otelcol:exporter_sent:rate5m)",
        ),
        stat(
            "Fullest queue",
            "Share of its places that are taken.",
            "percentunit",
            "max(sum by (exporter) (otelcol_exporter_queue_size) / sum by (exporter) (otelcol_exporter_queue_capacity))",
            "CollectorQueueFull",
        ),
        stat("Memory", "Of the collector's process.", "bytes", "sum(otelcol_process_memory_rss)"),
        stat(
            "Series",
            "In Prometheus' head: what cardinality costs.",
            "short",
            "sum(prometheus_tsdb_head_series)",
        ),
        Panel(
            "Accepted",
            "Items a second, by receiver and transport.",
            "ops",
            by_signal("receiver_accepted", "transport"),
            stacked=True,
            runbooks=("TelemetryMissing",),
        ),
        Panel(
            "Refused and failed at the door",
            "Senders were told so and try again; simtraffic counts it as rejected or failed.",
            "ops",
            by_signal("receiver_refused", "transport"),
            stacked=True,
            runbooks=("CollectorRefusing",),
        ),
        Panel(
            "Sent",
            "Items a second, by exporter.",
            "ops",
            by_signal("exporter_sent", "exporter"),
            stacked=True,
        ),
        Panel(
            "Given up by exporters",
            "Lost after every retry, or refused for good. Senders do not hear of it.",
            "ops",
            by_signal("exporter_send_failed", "exporter"),
            stacked=True,
            runbooks=("CollectorSendFailing",),
        ),
        Panel(
            "Queues",
            "Share of the places that are taken; a full queue drops.",
            "percentunit",
            query(
                "sum by (exporter) (otelcol_exporter_queue_size) / sum by (exporter) (otelcol_exporter_queue_capacity)",
                "{{exporter}}",
            ),
            alert="CollectorQueueFull",
            runbooks=("CollectorDropping",),
        ),
        Panel(
            "Answers of Prometheus' OTLP receiver",
            "By status; 4xx refuses a request as a whole.",
            "reqps",
            query(
                f'sum by (code) (rate(prometheus_http_requests_total{{handler="/api/v1/otlp/v1/metrics"}}[{RATE}]))',
                "{{code}}",
            ),
            stacked=True,
            runbooks=("PrometheusRejectsSamples",),
        ),
        Panel(
            "Samples stored",
            "A second, by Prometheus.",
            "ops",
            query(
                f"sum by (type) (rate(prometheus_tsdb_head_samples_appended_total[{RATE}]))",
                "{{type}}",
            ),
        ),
        Panel(
            "CPU of the collector",
            "Cores.",
            "short",
            query(f"sum by (instance) (rate(otelcol_process_cpu_seconds[{RATE}]))", "{{instance}}"),
        ),
    ),
    (),
)

SEEN = f"http_server_request_duration_seconds_count{{{RAW}}}"
DUE = f"simtraffic_requests_due_total{{{RAW}}}"

TRUTH = Board(
    "simtraffic-truth",
    "Simulation truth",
    "What simtraffic planned against what the stack shows. For scenarios with the convention simtraffic.",
    (
        stat("Planned so far", "Requests that were due.", "short", f"sum({DUE})"),
        stat(
            "Seen so far",
            "Requests whose durations Prometheus holds; those still open are not.",
            "short",
            f"sum({SEEN})",
        ),
        stat(
            "Still open or lost",
            "Falls to 0 when the run has ended; what stays was lost on the way.",
            "short",
            f"sum({DUE}) - sum({SEEN})",
        ),
        stat(
            "Spans accepted",
            "By the collector, of all senders.",
            "short",
            "sum(otelcol_receiver_accepted_spans)",
        ),
        stat(
            "Spans stored",
            "Sent on to the trace store; equal to the one before when nothing is lost.",
            "short",
            'sum(otelcol_exporter_sent_spans{exporter="otlp_grpc/jaeger"})',
        ),
        stat(
            "Log records stored",
            "Sent on to the log store.",
            "short",
            "sum(otelcol_exporter_sent_log_records)",
        ),
        Panel(
            "Arrivals: planned and seen",
            "The curve of the scenario, the arrivals drawn from it, and the requests that Prometheus saw end. They part while requests take long.",
            "reqps",
            (
                Query(f"sum(simtraffic_arrival_rate_per_second{{{RAW}}})", "planned rate"),
                Query(f"sum(rate({DUE}[{RATE}]))", "due"),
                Query(f"sum(rate({SEEN}[{RATE}]))", "seen"),
            ),
            width=24,
        ),
        Panel(
            "Due by flow",
            "A second.",
            "reqps",
            query(f"sum by (simtraffic_flow) (rate({DUE}[{RATE}]))", "{{simtraffic_flow}}"),
            stacked=True,
        ),
        Panel(
            "One truth",
            "Operations by the metrics of each convention; the lines lie on each other.",
            "ops",
            (
                Query(
                    f"sum(rate(gen_ai_client_operation_duration_seconds_count{{{RAW}}}[{RATE}]))",
                    "gen_ai",
                ),
                Query(f"sum(rate(llm_requests_total{{{RAW}}}[{RATE}]))", "llm"),
            ),
        ),
        Panel(
            "Incidents",
            "When each was planned to last.",
            "short",
            query(
                f"max by (simtraffic_incident) (simtraffic_incident_active{{{RAW}}})",
                "{{simtraffic_incident}}",
            ),
            "state-timeline",
            width=24,
            height=6,
            states=(State(0, "none", "transparent"), State(1, "lasts", "orange")),
        ),
        Panel(
            "Alerts",
            "What was pending and what fired, when; compare with the incidents above.",
            "short",
            query(
                "max by (alertname, severity, provider, model)"
                ' (2 * ALERTS{alertstate="firing",alertname!="DeadMan"}'
                ' or ALERTS{alertstate="pending",alertname!="DeadMan"})',
                "{{alertname}} {{severity}} {{provider}} {{model}}",
            ),
            "state-timeline",
            width=24,
            height=10,
            states=(State(1, "pending", "yellow"), State(2, "firing", "red")),
        ),
    ),
)
