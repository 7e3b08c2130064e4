"""Boards on where time and money go.

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
    Row,
    query,
    stat,
)
from tools.rules import bounds_of

ALL_VARIABLES = ("service", "environment", "provider", "model", "run")

LATENCY = Board(
    "simtraffic-latency",
    "Latency and streaming",
    "Where the time goes: waiting for capacity, for the first token, for the rest.",
    (
        Panel(
            "First token by model, p95",
            f"What a reader waits for. {bounds_of('LLMFirstTokenSlow', 's')}",
            "s",
            query(f"llm:first_token_seconds:p95_5m{{{MODEL}}}", "{{provider}}/{{model}}"),
            alert="LLMFirstTokenSlow",
        ),
        Panel(
            "Tokens a second by model",
            f"The pace of a stream. {bounds_of('LLMTokensPerSecondLow', '')}",
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
                    f"histogram_quantile({q}, sum by (le) (rate(gen_ai_client_operation_duration_seconds_bucket{{{RAW}}}[{RATE}])))",
                    f"p{round(q * 100)}",
                )
                for q in (0.5, 0.95, 0.99)
            ),
            exemplars=True,
            runbooks=("LLMDurationP95High",),
        ),
        Panel(
            "Duration p99 by model",
            f"The tail: retries and time-outs live here. {bounds_of('LLMDurationP99High', 's')}",
            "s",
            query(f"llm:duration_seconds:p99_5m{{{MODEL}}}", "{{provider}}/{{model}}"),
            alert="LLMDurationP99High",
        ),
        Panel(
            "Durations",
            "How many operations took how long; a second band is a second kind of request, or retries.",
            "s",
            query(
                f"sum by (le) (increase(gen_ai_client_operation_duration_seconds_bucket{{{RAW}}}[{RATE}]))",
                "{{le}}",
            ),
            "heatmap",
        ),
        Panel(
            "Time to first chunk",
            "Streamed operations by how long their first chunk took.",
            "s",
            query(
                f"sum by (le) (increase(gen_ai_client_operation_time_to_first_chunk_seconds_bucket{{{RAW}}}[{RATE}]))",
                "{{le}}",
            ),
            "heatmap",
        ),
        Row(
            "As the llm convention tells it",
            (
                Panel(
                    "Time between tokens, p95",
                    "Of the llm convention, by model.",
                    "ms",
                    query(
                        f"histogram_quantile(0.95, sum by (le, provider, model) (rate(llm_latency_inter_token_milliseconds_bucket{{{RAW_MODEL}}}[{RATE}])))",
                        "{{provider}}/{{model}}",
                    ),
                    exemplars=True,
                ),
                Panel(
                    "Waiting for capacity",
                    "Requests in the queue by priority.",
                    "short",
                    query(f"sum by (priority) (llm_queue_depth_ratio{{{RAW}}})", "{{priority}}"),
                    alert="LLMQueueDeep",
                    stacked=True,
                ),
                Panel(
                    "Calls to providers, p95",
                    "One attempt, without retries.",
                    "ms",
                    query(
                        f'histogram_quantile(0.95, sum by (le, provider) (rate(llm_latency_provider_api_milliseconds_bucket{{{RAW},provider=~"$provider"}}[{RATE}])))',
                        "{{provider}}",
                    ),
                    exemplars=True,
                ),
                Panel(
                    "Whole requests, p95",
                    "With fallbacks, by provider of the last operation.",
                    "ms",
                    query(
                        f"histogram_quantile(0.95, sum by (le, provider) (rate(llm_latency_e2e_milliseconds_bucket{{{RAW_MODEL}}}[{RATE}])))",
                        "{{provider}}",
                    ),
                    exemplars=True,
                ),
            ),
            closed=True,
        ),
    ),
    ALL_VARIABLES,
)

COST = Board(
    "simtraffic-cost",
    "Tokens and cost",
    "What is read and written, and what it costs. Cost and cache are told by the llm convention alone.",
    (
        stat(
            "Spending an hour",
            "US dollars an hour at the pace of the last minute.",
            "currencyUSD",
            f"3600 * sum(llm:cost_usd:rate1m{{{MODEL}}})",
            "LLMHourlyCostHigh",
            runbooks=("LLMCostSpike",),
        ),
        stat(
            "Spent in the time shown",
            "US dollars.",
            "currencyUSD",
            f'sum(increase(llm_cost_USD_total{{{RAW_MODEL},cost_component="total"}}[$__range]))',
            present=True,
        ),
        stat(
            "Cost of a request",
            "US dollars, mean over five minutes.",
            "currencyUSD",
            f"sum(llm:cost_usd:rate5m{{{SERVICE}}}) / sum(llm:requests:rate5m{{{SERVICE}}})",
        ),
        stat(
            "Tokens read a second",
            "Over the last minute.",
            "short",
            f"sum(llm:input_tokens:rate1m{{{MODEL}}})",
        ),
        stat(
            "Tokens written a second",
            "Over the last minute.",
            "short",
            f"sum(llm:output_tokens:rate1m{{{MODEL}}})",
        ),
        stat(
            "Cache misses",
            "Share of operations that found nothing of their prompt cached.",
            "percentunit",
            f"max(llm:cache_miss_share:rate5m{{{SERVICE}}})",
            "LLMCacheMissesHigh",
        ),
        Panel(
            "Spending by model, an hour",
            "US dollars an hour.",
            "currencyUSD",
            query(
                f"3600 * sum by (provider, model) (llm:cost_usd:rate1m{{{MODEL}}})",
                "{{provider}}/{{model}}",
            ),
            stacked=True,
        ),
        Panel(
            "Prompt and completion, an hour",
            "US dollars an hour: reading is cheap, writing is not.",
            "currencyUSD",
            query(
                f'3600 * sum by (cost_component) (rate(llm_cost_USD_total{{{RAW_MODEL},cost_component!="total"}}[{RATE}]))',
                "{{cost_component}}",
            ),
            stacked=True,
        ),
        Panel(
            "Tokens read a second, by model",
            "Over the last minute.",
            "short",
            query(
                f"sum by (provider, model) (llm:input_tokens:rate1m{{{MODEL}}})",
                "{{provider}}/{{model}}",
            ),
            stacked=True,
        ),
        Panel(
            "Tokens written a second, by model",
            "Over the last minute.",
            "short",
            query(
                f"sum by (provider, model) (llm:output_tokens:rate1m{{{MODEL}}})",
                "{{provider}}/{{model}}",
            ),
            stacked=True,
        ),
        Row(
            "In detail",
            (
                Panel(
                    "Tokens of an operation",
                    "Half, and 95 of a hundred, have fewer.",
                    "short",
                    tuple(
                        Query(
                            f"histogram_quantile({q}, sum by (le) (rate(llm_tokens_per_request_bucket{{{RAW_MODEL}}}[{RATE}])))",
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
                        Query(f"sum(rate(llm_cache_hits_total{{{RAW}}}[{RATE}]))", "hits"),
                        Query(f"sum(rate(llm_cache_misses_total{{{RAW}}}[{RATE}]))", "misses"),
                    ),
                    stacked=True,
                ),
                Panel(
                    "Cost of an operation, p95",
                    "By model.",
                    "currencyUSD",
                    query(
                        f"histogram_quantile(0.95, sum by (le, provider, model) (rate(llm_cost_per_request_USD_bucket{{{RAW_MODEL}}}[{RATE}])))",
                        "{{provider}}/{{model}}",
                    ),
                ),
                Panel(
                    "Hourly rate as services tell it",
                    "The service's own gauge; it should agree with the first panel.",
                    "currencyUSD",
                    query(
                        f'sum by (provider) (llm_cost_hourly_rate_USD_per_hour{{{RAW},provider=~"$provider"}})',
                        "{{provider}}",
                    ),
                    stacked=True,
                ),
            ),
            closed=True,
        ),
    ),
    ALL_VARIABLES,
)
