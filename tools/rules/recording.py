"""Recording rules that tell both conventions in one set of words, `llm:*`.

The rules of the two conventions say the same about other names, so they are made here from one
table. Where a service tells both, what gen_ai says counts: one problem is one alert.
"""

from __future__ import annotations

from dataclasses import dataclass

from simtraffic.catalog.read import load_catalog

SERVICE = "service_name, deployment_environment_name"
MODEL = f"{SERVICE}, provider, model"
WINDOWS = ("1m", "5m")
GEN_AI = "gen_ai_client_operation_duration_seconds_count"

# gen_ai's names of providers, where they are not the ones that llm has.
_PROVIDERS = {
    "gcp.gemini": "google",
    "mistral_ai": "mistral",
    "x_ai": "xai",
    "moonshot_ai": "moonshot",
}


TIERS = ("mid", "large", "reasoning")
"""Tiers of the catalogue that are slow by nature: alerts have a bound for each.

Models of other tiers, and those that the catalogue does not know, have no label ``tier``.
"""


@dataclass(frozen=True, slots=True)
class Source:
    """A series of one convention: selector and how to reach the unit of the recorded one."""

    gen_ai: str
    llm: str


RATES = {
    "operations": Source(GEN_AI, "llm_requests_total"),
    "operations_failed": Source(
        f'{GEN_AI}{{error_type!=""}}', 'llm_requests_total{status="error"}'
    ),
    "rate_limited": Source(
        f'{GEN_AI}{{error_type="rate_limit_exceeded"}}',
        'llm_requests_errors_total{error_type="rate_limit"}',
    ),
    "timed_out": Source(
        f'{GEN_AI}{{error_type="timeout"}}', 'llm_requests_errors_total{error_type="timeout"}'
    ),
}
QUANTILES = {
    "duration_seconds": Source(
        "gen_ai_client_operation_duration_seconds_bucket",
        "llm_requests_duration_milliseconds_bucket",
    ),
    "first_token_seconds": Source(
        "gen_ai_client_operation_time_to_first_chunk_seconds_bucket",
        "llm_latency_ttft_milliseconds_bucket",
    ),
}


def renamed(expression: str) -> str:
    """A vector with gen_ai's labels as one with ``provider`` and ``model``."""
    made = f'label_replace({expression}, "provider", "$1", "gen_ai_provider_name", "(.+)")'
    for theirs, ours in _PROVIDERS.items():
        pattern = theirs.replace(".", "\\\\.")
        made = f'label_replace({made}, "provider", "{ours}", "gen_ai_provider_name", "{pattern}")'
    return f'label_replace({made}, "model", "$1", "gen_ai_request_model", "(.+)")'


def of_gen_ai(selector: str, window: str, *more: str) -> str:
    """Rates of a gen_ai series by service, provider, model and ``more``."""
    theirs = ", ".join((SERVICE, "gen_ai_provider_name", "gen_ai_request_model", *more))
    ours = ", ".join((MODEL, *more))
    return f"sum by ({ours}) ({renamed(f'sum by ({theirs}) (rate({selector}[{window}]))')})"


def of_llm(selector: str, window: str, *more: str) -> str:
    """The same of an llm series."""
    return f"sum by ({', '.join((MODEL, *more))}) (rate({selector}[{window}]))"


def unless_gen_ai(expression: str) -> str:
    """Only where the service does not tell gen_ai as well."""
    return f"({expression}) unless on ({SERVICE}) group by ({SERVICE}) ({GEN_AI})"


def tiered(expression: str) -> str:
    """A vector with ``model``, with the model's tier as a label where it has a bound of its own."""
    for tier in TIERS:
        names = of_tier(tier)
        expression = f'label_replace({expression}, "tier", "{tier}", "model", "{names}")'
    return expression


def of_tier(tier: str) -> str:
    """Models of a tier of the catalogue, as a regular expression within PromQL's quotes."""
    models = load_catalog().models.values()
    return "|".join(sorted({m.name.replace(".", "\\\\.") for m in models if m.tier == tier}))


def recording_rules() -> list[dict[str, object]]:
    """Groups of recording rules, as a rule file has them."""
    return [
        {"name": "llm-gen_ai", "rules": _of("gen_ai")},
        {"name": "llm-llm", "rules": _of("llm")},
        {"name": "llm-service", "rules": _service()},
        {"name": "collector", "rules": _collector()},
    ]


def _collector() -> list[dict[str, object]]:
    """The collector's own counts, with the signal as a label instead of in the name."""
    signals = {"traces": "spans", "metrics": "metric_points", "logs": "log_records"}
    counts = {
        "receiver_accepted": "transport",
        "receiver_refused": "transport",
        "receiver_failed": "transport",
        "exporter_sent": "exporter",
        "exporter_send_failed": "exporter",
        "exporter_enqueue_failed": "exporter",
    }
    return [
        {
            "record": f"otelcol:{count}:rate5m",
            "expr": _collector_rate(count, f"otelcol_{count}_{unit}", by),
            "labels": {"signal": signal},
        }
        for count, by in counts.items()
        for signal, unit in signals.items()
    ]


def _collector_rate(count: str, name: str, by: str) -> str:
    of = f"sum by (instance, {by})"
    if count in {"receiver_accepted", "exporter_sent"}:
        return f"{of} (rate({name}[5m]))"
    # A series of failures begins with the first one, and a rate needs a sample before it: what has
    # just appeared counts from 0. A collector that was restarted counts anew.
    before = f"({of} ({name} offset 5m) or 0 * {of} ({name}))"
    return f"clamp_min({of} ({name}) - {before}, 0) / 300"


def _of(convention: str) -> list[dict[str, object]]:
    made = []
    for name, source in RATES.items():
        for window in WINDOWS:
            if convention == "gen_ai":
                expression = of_gen_ai(source.gen_ai, window)
            else:
                expression = unless_gen_ai(of_llm(source.llm, window))
            made.append((f"llm:{name}:rate{window}", expression))
    for name, source in QUANTILES.items():
        for share in (50, 95, 99):
            if convention == "gen_ai":
                buckets, scale = of_gen_ai(source.gen_ai, "5m", "le"), ""
            else:
                buckets, scale = of_llm(source.llm, "5m", "le"), " / 1000"
            quantile = f"histogram_quantile({share / 100}, {buckets}){scale}"
            expression = quantile if convention == "gen_ai" else unless_gen_ai(quantile)
            made.append((f"llm:{name}:p{share}_5m", tiered(expression)))
    made.append(("llm:tokens_per_second:avg5m", tiered(_pace(convention))))
    for kind, words in (("input", ("input", "prompt")), ("output", ("output", "completion"))):
        for window in WINDOWS:
            if convention == "gen_ai":
                selector = f'gen_ai_client_token_usage_sum{{gen_ai_token_type="{words[0]}"}}'
                expression = of_gen_ai(selector, window)
            else:
                selector = f'llm_tokens_total{{token_type="{words[1]}"}}'
                expression = unless_gen_ai(of_llm(selector, window))
            made.append((f"llm:{kind}_tokens:rate{window}", expression))
    labels = {"convention": convention}
    return [
        {"record": name, "expr": expression, "labels": dict(labels)} for name, expression in made
    ]


def _pace(convention: str) -> str:
    """Tokens a second of a stream, the mean over all."""
    if convention == "gen_ai":
        name = "gen_ai_client_operation_time_per_output_chunk_seconds"
        return f"{of_gen_ai(f'{name}_count', '5m')} / {of_gen_ai(f'{name}_sum', '5m')}"
    name = "llm_latency_inter_token_milliseconds"
    pace = f"1000 * {of_llm(f'{name}_count', '5m')} / {of_llm(f'{name}_sum', '5m')}"
    return unless_gen_ai(pace)


def _service() -> list[dict[str, object]]:
    requests = "http_server_request_duration_seconds_count"
    failed = f'{requests}{{http_response_status_code=~"429|5.."}}'
    made = []
    for window in WINDOWS:
        of = f"sum by ({SERVICE})"
        made += [
            (f"llm:requests:rate{window}", f"{of} (rate({requests}[{window}]))"),
            (
                f"llm:requests_failed:rate{window}",
                f"{of} (rate({failed}[{window}])) or 0 * llm:requests:rate{window}",
            ),
        ]
        for name, by in (("provider", f"{SERVICE}, provider"), ("model", MODEL)):
            operations = f"sum by ({by}) (llm:operations:rate{window})"
            bad = f"(sum by ({by}) (llm:operations_failed:rate{window}) or 0 * {operations})"
            made.append((f"llm:{name}_error_share:rate{window}", f"{bad} / ({operations} > 0)"))
        made.append(
            (
                f"llm:error_share:rate{window}",
                f"llm:requests_failed:rate{window} / (llm:requests:rate{window} > 0)",
            )
        )
    cost = 'llm_cost_USD_total{cost_component="total"}'
    memory = "llm_system_memory_usage_bytes"
    # Cost, cache, queue and memory: gen_ai has no such metrics.
    made += [
        *(
            (f"llm:cost_usd:rate{window}", f"sum by ({MODEL}) (rate({cost}[{window}]))")
            for window in WINDOWS
        ),
        (
            "llm:cache_miss_share:rate5m",
            f"sum by ({SERVICE}) (rate(llm_cache_misses_total[5m])) / (sum by ({SERVICE})"
            f" (rate(llm_cache_misses_total[5m])) + (sum by ({SERVICE})"
            f" (rate(llm_cache_hits_total[5m])) or 0 * sum by ({SERVICE})"
            " (rate(llm_cache_misses_total[5m]))) > 0)",
        ),
        (
            "llm:memory_bytes:avg5m",
            f"sum by ({SERVICE}, instance) (rate({memory}_sum[5m]))"
            f" / (sum by ({SERVICE}, instance) (rate({memory}_count[5m])) > 0)",
        ),
    ]
    return [{"record": name, "expr": expression} for name, expression in made]
