"""Boards on what fails, for whom, and whether that is too much.

A query asks for the recorded `llm:*` series where there is one: they hold for gen_ai and for llm,
in the same words. What llm alone tells is asked under its own name.
"""

from __future__ import annotations

from tools.dashboards.model import (
    MODEL,
    RATE,
    RAW,
    RAW_MODEL,
    SERVICE,
    Board,
    Panel,
    Query,
    query,
    stat,
)

ALL_VARIABLES = ("service", "environment", "provider", "model", "run")
REQUESTS = "http_server_request_duration_seconds"

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
                f'sum by (error_type) (rate(gen_ai_client_operation_duration_seconds_count{{{RAW},error_type!=""}}[{RATE}]))',
                "{{error_type}}",
            ),
            stacked=True,
        ),
        Panel(
            "Failed operations by model",
            "A second, over the last minute.",
            "ops",
            query(
                f"sum by (provider, model) (llm:operations_failed:rate1m{{{MODEL}}})",
                "{{provider}}/{{model}}",
            ),
            stacked=True,
        ),
        Panel(
            "Rate limits",
            "Operations a second that were given up, over the last minute.",
            "ops",
            query(f"sum by (provider) (llm:rate_limited:rate1m{{{MODEL}}})", "{{provider}}"),
            alert="LLMRateLimited",
            runbooks=("LLMProviderErrorShareHigh",),
        ),
        Panel(
            "Attempts per operation",
            "1 means that nothing is tried again; retries are load on a provider in trouble.",
            "short",
            query(
                f"sum(rate(http_client_request_duration_seconds_count{{{RAW}}}[5m])) / sum(llm:operations:rate5m{{{SERVICE}}})",
                "attempts",
            ),
        ),
        Panel(
            "Failed attempts by answer",
            "Calls to providers that failed, cured by a retry or not.",
            "reqps",
            query(
                f'sum by (error_type) (rate(http_client_request_duration_seconds_count{{{RAW},error_type!=""}}[{RATE}]))',
                "{{error_type}}",
            ),
            stacked=True,
        ),
        Panel(
            "Errors by kind and code",
            "In the time shown, of the llm convention.",
            "short",
            query(
                f"sort_desc(round(sum by (provider, model, error_type, error_code) (increase(llm_requests_errors_total{{{RAW_MODEL}}}[$__range]))) > 0)"
            ),
            "table",
            columns=(
                ("provider", "Provider"),
                ("model", "Model"),
                ("error_type", "Kind"),
                ("error_code", "Code"),
                ("Value", "Errors"),
            ),
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
            f"sum(llm_users_active_ratio{{{RAW}}})",
            width=6,
        ),
        stat(
            "Requests",
            "A second, over the last minute.",
            "reqps",
            f"sum(llm:requests:rate1m{{{SERVICE}}})",
            width=6,
        ),
        stat(
            "Features in use",
            "Those with a request in the time shown.",
            "short",
            f"count(sum by (feature) (increase(llm_features_usage_total{{{RAW}}}[$__range])) > 0)",
            width=6,
            present=True,
        ),
        stat(
            "Messages in a conversation, p50",
            "Up to and with a request.",
            "short",
            f"histogram_quantile(0.5, sum by (le) (rate(llm_conversation_length_messages_bucket{{{RAW}}}[{RATE}])))",
            width=6,
        ),
        Panel(
            "Requests by feature",
            "A feature is a flow of the scenario.",
            "reqps",
            query(
                f"sum by (feature) (rate(llm_features_usage_total{{{RAW}}}[{RATE}]))",
                "{{feature}}",
            ),
            stacked=True,
        ),
        Panel(
            "Use of features",
            "Requests in the time shown.",
            "short",
            query(
                f"sort_desc(sum by (feature) (increase(llm_features_usage_total{{{RAW}}}[$__range])))",
                "{{feature}}",
            ),
            "bargauge",
        ),
        Panel(
            "Users waiting, by service",
            "Open requests; a user with two counts twice.",
            "short",
            query(f"sum by (service_name) (llm_users_active_ratio{{{RAW}}})", "{{service_name}}"),
        ),
        Panel(
            "Length of conversations",
            "Messages up to and with a request; longer ones cost more, as all before is read again.",
            "short",
            tuple(
                Query(
                    f"histogram_quantile({q}, sum by (le) (rate(llm_conversation_length_messages_bucket{{{RAW}}}[{RATE}])))",
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
                f"sum by (http_route) (rate({REQUESTS}_count{{{RAW}}}[{RATE}]))",
                "{{http_route}}",
            ),
            width=24,
            stacked=True,
        ),
    ),
)

SLO = Board(
    "simtraffic-slo",
    "SLO and error budget",
    "Whether the objectives of config/slo hold, and how quickly their budgets are used.",
    (
        Panel(
            "Budget left",
            "Of three days' worth, of the traffic in them; below 0 more was spent than there was. Logarithmic below -100 %.",
            "percentunit",
            query(f"slo:error_budget_left:ratio3d{{{SERVICE}}}", "{{slo}} of {{service_name}}"),
            bound=0.0,
            below=True,
            serious=True,
            negative=True,
            wide=True,
        ),
        Panel(
            "Burn rate",
            "1 is the even pace: the budget lasts exactly its 30 days. Logarithmic above it.",
            "short",
            query(f"slo:burn_rate:rate1h{{{SERVICE}}}", "{{slo}} of {{service_name}}"),
            bound=1.0,
            wide=True,
            runbooks=("LLMAvailabilityBudgetBurn", "LLMFirstTokenBudgetBurn"),
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
    ("service", "environment"),
)
