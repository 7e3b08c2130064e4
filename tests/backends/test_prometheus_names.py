"""Names in Prometheus, as the collector and Prometheus make them."""

import pytest

from simtraffic.backends.prometheus_names import label_name, prometheus_name


@pytest.mark.parametrize(
    ("name", "unit", "instrument", "family"),
    [
        (
            "gen_ai.client.operation.duration",
            "s",
            "histogram",
            "gen_ai_client_operation_duration_seconds",
        ),
        ("gen_ai.client.token.usage", "{token}", "histogram", "gen_ai_client_token_usage"),
        ("llm.requests", "{request}", "counter", "llm_requests_total"),
        ("llm.requests.total", "1", "counter", "llm_requests_total"),
        ("llm.cost", "USD", "counter", "llm_cost_USD_total"),
        ("cache.hit", "1", "gauge", "cache_hit_ratio"),
        ("queue.wait", "ms", "histogram", "queue_wait_milliseconds"),
        ("speed", "{token}/s", "gauge", "speed_per_second"),
        ("simtraffic.arrival.rate", "{request}/s", "gauge", "simtraffic_arrival_rate_per_second"),
        ("bytes.sent", "By", "counter", "bytes_sent_total"),
    ],
)
def test_a_family_has_the_name_that_prometheus_gives_it(name, unit, instrument, family):
    assert prometheus_name(name, unit, instrument) == family


def test_a_label_has_underscores_for_dots():
    assert label_name("gen_ai.request.model") == "gen_ai_request_model"
