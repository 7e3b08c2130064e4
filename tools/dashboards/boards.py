"""The boards, in the order in which they are listed, and those to start from.

A query asks for the recorded `llm:*` series where there is one: they hold for gen_ai and for llm,
in the same words. What llm alone tells is asked under its own name.
"""

from __future__ import annotations

from tools.dashboards.failures import ERRORS, SLO, USERS
from tools.dashboards.model import (
    MODEL,
    RATE,
    RAW,
    RAW_INSTANCE,
    SERVICE,
    Board,
    Panel,
    Query,
    query,
    stat,
)
from tools.dashboards.pipeline import PIPELINE, TRUTH
from tools.dashboards.traffic import COST, LATENCY
from tools.rules import bounds_of, thresholds

ALL_VARIABLES = ("service", "environment", "provider", "model", "run")
REQUESTS = "http_server_request_duration_seconds"
RUNS = "simtraffic_run_id"

OVERVIEW = Board(
    "simtraffic-overview",
    "LLM overview",
    "Is the service well: requests, failures, speed, money. Start here, then open another board.",
    (
        stat(
            "Requests",
            "Requests a second over the last minute.",
            "reqps",
            f"sum(llm:requests:rate1m{{{SERVICE}}})",
            width=6,
            runbooks=("LLMServiceAbsent", "LLMTrafficLow"),
        ),
        stat(
            "Failed requests",
            "Share answered with 429 or 5xx. Red: open Errors and retries.",
            "percentunit",
            f"sum(llm:requests_failed:rate1m{{{SERVICE}}}) / sum(llm:requests:rate1m{{{SERVICE}}})",
            "LLMErrorShareHigh",
            width=6,
        ),
        stat(
            "First token, p95",
            "The slowest model's. Red: open Latency and streaming.",
            "s",
            f"max(llm:first_token_seconds:p95_5m{{{SERVICE}}})",
            "LLMFirstTokenSlow",
            width=6,
        ),
        stat(
            "Spending an hour",
            "US dollars an hour at the pace of the last minute.",
            "currencyUSD",
            f"3600 * sum(llm:cost_usd:rate1m{{{SERVICE}}})",
            "LLMHourlyCostHigh",
            width=6,
        ),
        stat(
            "Waiting",
            "Requests that wait for a provider's capacity.",
            "short",
            f"sum(llm_queue_depth_ratio{{{RAW}}})",
            "LLMQueueDeep",
            width=6,
        ),
        stat(
            "Budget left",
            "Of three days' error budget, the objective that has least. Below 0: open SLO and error budget.",
            "percentunit",
            f"min(slo:error_budget_left:ratio3d{{{SERVICE}}})",
            width=6,
            bound=0.0,
            below=True,
            serious=True,
        ),
        stat(
            "Alerts firing",
            "All but the dead man's switch; Simulation truth shows which and when.",
            "short",
            'count(ALERTS{alertstate="firing",alertname!="DeadMan"}) or vector(0)',
            width=6,
            bound=1.0,
            serious=True,
            ground=True,
        ),
        stat(
            "Runs shown",
            "Runs of simtraffic whose telemetry is in the time shown. With more than one choose a run above; recorded series add runs up.",
            "short",
            f"count(group by ({RUNS}) (last_over_time({REQUESTS}_count{{{RAW}}}[$__range])))",
            width=6,
            bound=2.0,
            present=True,
        ),
        Panel(
            "Requests by status",
            "What callers got. 429 and 5xx are failures of ours.",
            "reqps",
            query(
                f"sum by (http_response_status_code) (rate({REQUESTS}_count{{{RAW_INSTANCE}}}[{RATE}]))",
                "{{http_response_status_code}}",
            ),
            stacked=True,
        ),
        Panel(
            "Failed share",
            "Of all requests, and of the operations at each provider. A provider may fail while requests do not: that is the fallback.",
            "percentunit",
            (
                Query(f"llm:error_share:rate5m{{{SERVICE}}}", "requests of {{service_name}}"),
                Query(f"llm:provider_error_share:rate1m{{{SERVICE}}}", "{{provider}}"),
            ),
            alert="LLMErrorShareHigh",
        ),
        Panel(
            "Request duration",
            "From the caller's view; the last bucket ends at a minute. Points are exemplars: click one for its trace.",
            "s",
            tuple(
                Query(
                    f"histogram_quantile({q}, sum by (le) (rate({REQUESTS}_bucket{{{RAW_INSTANCE}}}[{RATE}])))",
                    f"p{round(q * 100)}",
                )
                for q in (0.5, 0.95, 0.99)
            ),
            exemplars=True,
        ),
        Panel(
            "Operations by provider",
            "Calls of the service to each provider.",
            "reqps",
            query(f"sum by (provider) (llm:operations:rate1m{{{SERVICE}}})", "{{provider}}"),
            stacked=True,
        ),
        Panel(
            "Memory of the instances",
            "Average over five minutes, one instance on top of the other."
            f" Each may use {thresholds()['LLMMemoryHigh'] / 1e9:g} GB before its alert waits.",
            "bytes",
            query(f'llm:memory_bytes:avg5m{{{SERVICE},instance=~"$instance"}}', "{{instance}}"),
            stacked=True,
            runbooks=("LLMMemoryHigh",),
        ),
        Panel(
            "Open calls by provider",
            "HTTP calls that have no answer yet. A slow provider holds more of them.",
            "short",
            query(
                f"sum by (provider) (llm_connections_active_ratio{{{RAW_INSTANCE}}})",
                "{{provider}}",
            ),
            stacked=True,
        ),
    ),
    ("service", "environment", "run", "instance"),
)

PROVIDERS = Board(
    "simtraffic-providers",
    "Providers and models",
    "Which provider or model is used, slow, failing or dear. Compare before you shift traffic.",
    (
        Panel(
            "Failed operations by provider, one minute",
            "Red line: the alert's bound. One provider alone is its outage, all at once are ours.",
            "percentunit",
            query(
                f'llm:provider_error_share:rate1m{{{SERVICE},provider=~"$provider"}}',
                "{{provider}}",
            ),
            alert="LLMProviderErrorShareHigh",
        ),
        Panel(
            "Failed operations by model, five minutes",
            "One model of a provider alone: it is overloaded or withdrawn.",
            "percentunit",
            query(f"llm:model_error_share:rate5m{{{MODEL}}}", "{{provider}}/{{model}}"),
        ),
        Panel(
            "Operations by model",
            "Where the traffic goes.",
            "reqps",
            query(
                f"sum by (provider, model) (llm:operations:rate1m{{{MODEL}}})",
                "{{provider}}/{{model}}",
            ),
            stacked=True,
        ),
        Panel(
            "Duration p95 by model",
            f"What a model takes follows from its tier. {bounds_of('LLMDurationP95High', 's')}",
            "s",
            query(f"llm:duration_seconds:p95_5m{{{MODEL}}}", "{{provider}}/{{model}}"),
            alert="LLMDurationP95High",
        ),
        Panel(
            "Turned away by rate limits",
            "Operations a second that were given up after all retries.",
            "reqps",
            query(f"sum by (provider) (llm:rate_limited:rate1m{{{MODEL}}})", "{{provider}}"),
            alert="LLMRateLimited",
        ),
        Panel(
            "Calls to providers by status",
            "Attempts a second, with those that a retry cured.",
            "reqps",
            query(
                f"sum by (server_address, http_response_status_code) (rate(http_client_request_duration_seconds_count{{{RAW}}}[{RATE}]))",
                "{{server_address}} {{http_response_status_code}}",
            ),
            stacked=True,
        ),
        Panel(
            "Share of traffic",
            "Of the operations of the last minute.",
            "percentunit",
            query(
                f"sort_desc(sum by (provider, model) (llm:operations:rate1m{{{MODEL}}}) / on () group_left () sum(llm:operations:rate1m{{{MODEL}}}))",
                "{{provider}}/{{model}}",
            ),
            "bargauge",
        ),
        Panel(
            "Cost per thousand operations",
            "What a switch of model would change.",
            "currencyUSD",
            query(
                f"1000 * sum by (provider, model) (llm:cost_usd:rate5m{{{MODEL}}}) / sum by (provider, model) (llm:operations:rate5m{{{MODEL}}} > 0)",
                "{{provider}}/{{model}}",
            ),
            "bargauge",
        ),
    ),
    ALL_VARIABLES,
)

BOARDS = (OVERVIEW, PROVIDERS, LATENCY, COST, ERRORS, USERS, SLO, PIPELINE, TRUTH)
