"""The boards, in the order of their links.

A query asks for the recorded `llm:*` series where there is one: they hold for gen_ai and for llm,
in the same words. What llm alone tells is asked under its own name.
"""

from __future__ import annotations

from tools.dashboards.model import MODEL, RATE, SERVICE, Board, Panel, Query, query, stat
from tools.dashboards.pipeline import PIPELINE, TRUTH

ALL_VARIABLES = ("service", "environment", "provider", "model")
REQUESTS = "http_server_request_duration_seconds"

OVERVIEW = Board(
    "simtraffic-overview",
    "LLM overview",
    "Is the service well: requests, failures, speed, money. Start here, then follow a link.",
    (
        stat(
            "Requests",
            "Requests a second over the last minute.",
            "reqps",
            f"sum(llm:requests:rate1m{{{SERVICE}}})",
        ),
        stat(
            "Failed requests",
            "Share answered with 429 or 5xx. Red: open Errors and retries.",
            "percentunit",
            f"sum(llm:requests_failed:rate1m{{{SERVICE}}}) / sum(llm:requests:rate1m{{{SERVICE}}})",
            "LLMErrorShareHigh",
        ),
        stat(
            "First token, p95",
            "The slowest model's. Red: open Latency and streaming.",
            "s",
            f"max(llm:first_token_seconds:p95_5m{{{SERVICE}}})",
            "LLMFirstTokenSlow",
        ),
        stat(
            "Spending",
            "US dollars an hour at the present rate.",
            "currencyUSD",
            f"3600 * sum(llm:cost_usd:rate5m{{{SERVICE}}})",
            "LLMHourlyCostHigh",
        ),
        stat(
            "Waiting",
            "Requests that wait for a provider's capacity.",
            "short",
            f"sum(llm_queue_depth_ratio{{{SERVICE}}})",
            "LLMQueueDeep",
        ),
        stat(
            "Alerts firing",
            "All but the dead man's switch.",
            "short",
            'count(ALERTS{alertstate="firing",alertname!="DeadMan"}) or vector(0)',
        ),
        Panel(
            "Requests by status",
            "What callers got. 429 and 5xx are failures of ours.",
            "reqps",
            query(
                f"sum by (http_response_status_code) (rate({REQUESTS}_count{{{SERVICE}}}[{RATE}]))",
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
            "From the caller's view. Points are exemplars: click one for its trace.",
            "s",
            tuple(
                Query(
                    f"histogram_quantile({q}, sum by (le) (rate({REQUESTS}_bucket{{{SERVICE}}}[{RATE}])))",
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
            "Memory by instance",
            "Average over five minutes.",
            "bytes",
            query(f"llm:memory_bytes:avg5m{{{SERVICE}}}", "{{instance}}"),
            alert="LLMMemoryHigh",
        ),
        Panel(
            "Open calls by provider",
            "HTTP calls that have no answer yet. A slow provider holds more of them.",
            "short",
            query(f"sum by (provider) (llm_connections_active_ratio{{{SERVICE}}})", "{{provider}}"),
            stacked=True,
        ),
    ),
    runbooks=(
        "LLMServiceAbsent",
        "LLMErrorShareHigh",
        "LLMQueueDeep",
        "LLMTrafficLow",
        "LLMMemoryHigh",
    ),
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
                f"sum by (provider, model) (llm:operations:rate5m{{{MODEL}}})",
                "{{provider}}/{{model}}",
            ),
            stacked=True,
        ),
        Panel(
            "Duration p95 by model",
            "Reasoning models are slow by nature.",
            "s",
            query(f"llm:duration_seconds:p95_5m{{{MODEL}}}", "{{provider}}/{{model}}"),
            alert="LLMDurationP95High",
        ),
        Panel(
            "Turned away by rate limits",
            "Operations a second that were given up after all retries.",
            "reqps",
            query(f"sum by (provider) (llm:rate_limited:rate5m{{{MODEL}}})", "{{provider}}"),
            alert="LLMRateLimited",
        ),
        Panel(
            "Calls to providers by status",
            "Attempts, with those that a retry cured.",
            "reqps",
            query(
                f"sum by (server_address, http_response_status_code) (rate(http_client_request_duration_seconds_count{{{SERVICE}}}[{RATE}]))",
                "{{server_address}} {{http_response_status_code}}",
            ),
            stacked=True,
        ),
        Panel(
            "Share of traffic",
            "Operations a second, over the last minute.",
            "reqps",
            query(
                f"sort_desc(sum by (provider, model) (llm:operations:rate1m{{{MODEL}}}))",
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
    ("LLMProviderErrorShareHigh", "LLMRateLimited"),
)

LATENCY = Board(
    "simtraffic-latency",
    "Latency and streaming",
    "Where the time goes: waiting for capacity, for the first token, for the rest.",
    (
        Panel(
            "First token by model, p95",
            "What a reader waits for.",
            "s",
            query(f"llm:first_token_seconds:p95_5m{{{MODEL}}}", "{{provider}}/{{model}}"),
            alert="LLMFirstTokenSlow",
        ),
        Panel(
            "Tokens a second by model",
            "The pace of a stream; below the line readers notice.",
            "short",
            query(f"llm:tokens_per_second:avg5m{{{MODEL}}}", "{{provider}}/{{model}}"),
            alert="LLMTokensPerSecondLow",
            below=True,
        ),
        Panel(
            "Duration p50, p95 and p99",
            "All models together. Points are exemplars: click one for its trace.",
            "s",
            tuple(
                Query(
                    f"histogram_quantile({q}, sum by (le) (rate(gen_ai_client_operation_duration_seconds_bucket{{{SERVICE}}}[{RATE}])))",
                    f"p{round(q * 100)}",
                )
                for q in (0.5, 0.95, 0.99)
            ),
            exemplars=True,
        ),
        Panel(
            "Duration p99 by model",
            "The tail: retries and time-outs live here.",
            "s",
            query(f"llm:duration_seconds:p99_5m{{{MODEL}}}", "{{provider}}/{{model}}"),
            alert="LLMDurationP99High",
        ),
        Panel(
            "Durations",
            "How many operations took how long; a second band is a second kind of request, or retries.",
            "s",
            query(
                f"sum by (le) (increase(gen_ai_client_operation_duration_seconds_bucket{{{SERVICE}}}[{RATE}]))",
                "{{le}}",
            ),
            "heatmap",
        ),
        Panel(
            "Time to first chunk",
            "Streamed operations by how long their first chunk took.",
            "s",
            query(
                f"sum by (le) (increase(gen_ai_client_operation_time_to_first_chunk_seconds_bucket{{{SERVICE}}}[{RATE}]))",
                "{{le}}",
            ),
            "heatmap",
        ),
        Panel(
            "Time between tokens, p95",
            "Of the llm convention, by model.",
            "ms",
            query(
                f"histogram_quantile(0.95, sum by (le, provider, model) (rate(llm_latency_inter_token_milliseconds_bucket{{{MODEL}}}[{RATE}])))",
                "{{provider}}/{{model}}",
            ),
            exemplars=True,
        ),
        Panel(
            "Waiting for capacity",
            "Requests in the queue by priority.",
            "short",
            query(f"sum by (priority) (llm_queue_depth_ratio{{{SERVICE}}})", "{{priority}}"),
            alert="LLMQueueDeep",
            stacked=True,
        ),
        Panel(
            "Calls to providers, p95",
            "One attempt, without retries.",
            "ms",
            query(
                f'histogram_quantile(0.95, sum by (le, provider) (rate(llm_latency_provider_api_milliseconds_bucket{{{SERVICE},provider=~"$provider"}}[{RATE}])))',
                "{{provider}}",
            ),
            exemplars=True,
        ),
        Panel(
            "Whole requests, p95",
            "With fallbacks, by provider of the last operation.",
            "ms",
            query(
                f"histogram_quantile(0.95, sum by (le, provider) (rate(llm_latency_e2e_milliseconds_bucket{{{MODEL}}}[{RATE}])))",
                "{{provider}}",
            ),
            exemplars=True,
        ),
    ),
    ALL_VARIABLES,
    ("LLMFirstTokenSlow", "LLMTokensPerSecondLow", "LLMDurationP95High", "LLMDurationP99High"),
)

COST = Board(
    "simtraffic-cost",
    "Tokens and cost",
    "What is read and written, and what it costs. Cost and cache are told by the llm convention alone.",
    (
        stat(
            "Spending",
            "US dollars an hour at the present rate.",
            "currencyUSD",
            f"3600 * sum(llm:cost_usd:rate5m{{{MODEL}}})",
            "LLMHourlyCostHigh",
        ),
        stat(
            "In the time shown",
            "US dollars.",
            "currencyUSD",
            f'sum(increase(llm_cost_USD_total{{{MODEL},cost_component="total"}}[$__range]))',
        ),
        stat(
            "Per request",
            "US dollars, mean over five minutes.",
            "currencyUSD",
            f"sum(llm:cost_usd:rate5m{{{SERVICE}}}) / sum(llm:requests:rate5m{{{SERVICE}}})",
        ),
        stat("Tokens read", "A second.", "short", f"sum(llm:input_tokens:rate5m{{{MODEL}}})"),
        stat("Tokens written", "A second.", "short", f"sum(llm:output_tokens:rate5m{{{MODEL}}})"),
        stat(
            "Cache misses",
            "Share of operations that found nothing of their prompt cached.",
            "percentunit",
            f"max(llm:cache_miss_share:rate5m{{{SERVICE}}})",
            "LLMCacheMissesHigh",
        ),
        Panel(
            "Spending by model",
            "US dollars an hour.",
            "currencyUSD",
            query(
                f"3600 * sum by (provider, model) (llm:cost_usd:rate5m{{{MODEL}}})",
                "{{provider}}/{{model}}",
            ),
            stacked=True,
        ),
        Panel(
            "Prompt and completion",
            "US dollars an hour: reading is cheap, writing is not.",
            "currencyUSD",
            query(
                f'3600 * sum by (cost_component) (rate(llm_cost_USD_total{{{MODEL},cost_component!="total"}}[{RATE}]))',
                "{{cost_component}}",
            ),
            stacked=True,
        ),
        Panel(
            "Tokens read by model",
            "A second.",
            "short",
            query(
                f"sum by (provider, model) (llm:input_tokens:rate5m{{{MODEL}}})",
                "{{provider}}/{{model}}",
            ),
            stacked=True,
        ),
        Panel(
            "Tokens written by model",
            "A second.",
            "short",
            query(
                f"sum by (provider, model) (llm:output_tokens:rate5m{{{MODEL}}})",
                "{{provider}}/{{model}}",
            ),
            stacked=True,
        ),
        Panel(
            "Tokens of an operation",
            "Half, and 95 of a hundred, have fewer.",
            "short",
            tuple(
                Query(
                    f"histogram_quantile({q}, sum by (le) (rate(llm_tokens_per_request_bucket{{{MODEL}}}[{RATE}])))",
                    f"p{round(q * 100)}",
                )
                for q in (0.5, 0.95)
            ),
            exemplars=True,
        ),
        Panel(
            "Cache",
            "Operations a second that found a part of their prompt cached, and those that did not.",
            "ops",
            (
                Query(f"sum(rate(llm_cache_hits_total{{{SERVICE}}}[{RATE}]))", "hits"),
                Query(f"sum(rate(llm_cache_misses_total{{{SERVICE}}}[{RATE}]))", "misses"),
            ),
            stacked=True,
        ),
        Panel(
            "Cost of an operation, p95",
            "By model.",
            "currencyUSD",
            query(
                f"histogram_quantile(0.95, sum by (le, provider, model) (rate(llm_cost_per_request_USD_bucket{{{MODEL}}}[{RATE}])))",
                "{{provider}}/{{model}}",
            ),
        ),
        Panel(
            "Hourly rate as services tell it",
            "The service's own gauge; it should agree with the first panel.",
            "currencyUSD",
            query(
                f'sum by (provider) (llm_cost_hourly_rate_USD_per_hour{{{SERVICE},provider=~"$provider"}})',
                "{{provider}}",
            ),
            stacked=True,
        ),
    ),
    ALL_VARIABLES,
    ("LLMCostSpike", "LLMHourlyCostHigh", "LLMCacheMissesHigh"),
)

ERRORS = Board(
    "simtraffic-errors",
    "Errors and retries",
    "What fails, why, and what retries and fallbacks make of it.",
    (
        Panel(
            "Failed requests",
            "Share of requests that ended with 429 or 5xx.",
            "percentunit",
            query(f"llm:error_share:rate5m{{{SERVICE}}}", "{{service_name}}"),
            alert="LLMErrorShareHigh",
        ),
        Panel(
            "Failed operations by kind",
            "After all retries, in gen_ai's words.",
            "ops",
            query(
                f'sum by (error_type) (rate(gen_ai_client_operation_duration_seconds_count{{{SERVICE},error_type!=""}}[{RATE}]))',
                "{{error_type}}",
            ),
            stacked=True,
        ),
        Panel(
            "Failed operations by model",
            "A second.",
            "ops",
            query(
                f"sum by (provider, model) (llm:operations_failed:rate5m{{{MODEL}}})",
                "{{provider}}/{{model}}",
            ),
            stacked=True,
        ),
        Panel(
            "Rate limits",
            "Operations a second that were given up.",
            "ops",
            query(f"sum by (provider) (llm:rate_limited:rate5m{{{MODEL}}})", "{{provider}}"),
            alert="LLMRateLimited",
        ),
        Panel(
            "Attempts per operation",
            "1 means that nothing is tried again; retries are load on a provider in trouble.",
            "short",
            query(
                f"sum(rate(http_client_request_duration_seconds_count{{{SERVICE}}}[5m])) / sum(llm:operations:rate5m{{{SERVICE}}})",
                "attempts",
            ),
        ),
        Panel(
            "Failed attempts by answer",
            "Calls to providers that failed, cured by a retry or not.",
            "reqps",
            query(
                f'sum by (error_type) (rate(http_client_request_duration_seconds_count{{{SERVICE},error_type!=""}}[{RATE}]))',
                "{{error_type}}",
            ),
            stacked=True,
        ),
        Panel(
            "Errors by kind and code",
            "Since the start of the series, of the llm convention.",
            "short",
            query(
                f"sort_desc(sum by (provider, model, error_type, error_code) (increase(llm_requests_errors_total{{{MODEL}}}[$__range])))"
            ),
            "table",
        ),
        Panel(
            "Failures in the log",
            "Records of failed operations; the id leads to the trace.",
            "short",
            query('{service_name=~"$service"} | json | level="error"'),
            "logs",
        ),
    ),
    ALL_VARIABLES,
    ("LLMErrorShareHigh", "LLMProviderErrorShareHigh", "LLMRateLimited"),
)

USERS = Board(
    "simtraffic-users",
    "Users and features",
    "Who uses what. Told by the llm convention alone.",
    (
        stat(
            "Users waiting",
            "Open requests; a user with two counts twice.",
            "short",
            f"sum(llm_users_active_ratio{{{SERVICE}}})",
        ),
        stat("Requests", "A second.", "reqps", f"sum(llm:requests:rate1m{{{SERVICE}}})"),
        Panel(
            "Requests by feature",
            "A feature is a flow of the scenario.",
            "reqps",
            query(
                f"sum by (feature) (rate(llm_features_usage_total{{{SERVICE}}}[{RATE}]))",
                "{{feature}}",
            ),
            width=16,
            height=8,
            stacked=True,
        ),
        Panel(
            "Use of features",
            "Requests in the time shown.",
            "short",
            query(
                f"sort_desc(sum by (feature) (increase(llm_features_usage_total{{{SERVICE}}}[$__range])))",
                "{{feature}}",
            ),
            "bargauge",
        ),
        Panel(
            "Users waiting",
            "By service.",
            "short",
            query(
                f"sum by (service_name) (llm_users_active_ratio{{{SERVICE}}})", "{{service_name}}"
            ),
        ),
        Panel(
            "Length of conversations",
            "Messages up to and with a request; longer ones cost more, as all before is read again.",
            "short",
            tuple(
                Query(
                    f"histogram_quantile({q}, sum by (le) (rate(llm_conversation_length_messages_bucket{{{SERVICE}}}[{RATE}])))",
                    f"p{round(q * 100)}",
                )
                for q in (0.5, 0.95)
            ),
        ),
        Panel(
            "Requests by route",
            "Of the service's own interface.",
            "reqps",
            query(
                f"sum by (http_route) (rate({REQUESTS}_count{{{SERVICE}}}[{RATE}]))",
                "{{http_route}}",
            ),
            stacked=True,
        ),
    ),
    runbooks=("LLMTrafficLow",),
)

SLO = Board(
    "simtraffic-slo",
    "SLO and error budget",
    "Whether the objectives of config/slo hold, and how quickly their budgets are used.",
    (
        Panel(
            "Budget left",
            "Of three days' worth; below 0 more was spent than there was.",
            "percentunit",
            query(f"slo:error_budget_left:ratio3d{{{SERVICE}}}", "{{slo}} of {{service_name}}"),
        ),
        Panel(
            "Burn rate",
            "1 is the even pace: the budget lasts exactly its 30 days.",
            "short",
            query(f"slo:burn_rate:rate1h{{{SERVICE}}}", "{{slo}} of {{service_name}}"),
        ),
        Panel(
            "Availability: share of bad events",
            "The page fires when the hour and the five minutes are over the line.",
            "percentunit",
            tuple(
                Query(
                    f'slo:error_ratio:rate{w}{{{SERVICE},slo="availability"}}',
                    f"{w}, {{{{service_name}}}}",
                )
                for w in ("5m", "1h", "6h", "3d")
            ),
            alert="LLMAvailabilityBudgetBurn",
        ),
        Panel(
            "First token: share of late ones",
            "The page fires when the hour and the five minutes are over the line.",
            "percentunit",
            tuple(
                Query(
                    f'slo:error_ratio:rate{w}{{{SERVICE},slo="first-token"}}',
                    f"{w}, {{{{service_name}}}}",
                )
                for w in ("5m", "1h", "6h", "3d")
            ),
            alert="LLMFirstTokenBudgetBurn",
        ),
    ),
    runbooks=("LLMAvailabilityBudgetBurn", "LLMFirstTokenBudgetBurn"),
)

BOARDS = (OVERVIEW, PROVIDERS, LATENCY, COST, ERRORS, USERS, SLO, PIPELINE, TRUTH)
