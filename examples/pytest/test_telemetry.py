"""A service is held to the telemetry that it promises.

``pip install simtraffic`` brings the fixture ``otlp_collector``: a collector in the process that
answers for what arrived. Run it from this folder: ``pytest``.
"""

from __future__ import annotations

import pytest
from service import Service


@pytest.fixture
def service(otlp_collector):
    made = Service(otlp_collector.grpc_endpoint)
    yield made
    made.close()


def attributes(span):
    """An OTLP span's attributes as plain values."""
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes
    }


def test_an_answer_is_one_span_with_its_model_and_tokens(service, otlp_collector):
    service.answer("what is six times seven")

    assert otlp_collector.wait_for("traces", 1)
    (span,) = otlp_collector.spans()
    assert span.name == "chat gpt-4o-mini"
    told = attributes(span)
    assert told["gen_ai.request.model"] == "gpt-4o-mini"
    assert told["gen_ai.usage.input_tokens"] == 5


def test_a_failure_says_what_failed(service, otlp_collector):
    with pytest.raises(ValueError, match="empty question"):
        service.answer("")

    assert otlp_collector.wait_for("traces", 1)
    (span,) = otlp_collector.spans()
    assert span.status.code == span.status.STATUS_CODE_ERROR
    assert attributes(span)["error.type"] == "invalid_request"


def test_the_words_of_users_stay_out_of_telemetry(service, otlp_collector):
    service.answer("my password is hunter2")

    assert otlp_collector.wait_for("traces", 1)
    assert not any(b"hunter2" in span.SerializeToString() for span in otlp_collector.spans())


def test_a_collector_that_is_busy_loses_nothing(service, otlp_collector):
    """The first answer is 503: the exporter has to try again."""
    otlp_collector.fault("status=503 for=300ms")

    service.answer("what is six times seven")

    assert otlp_collector.wait_for("traces", 1)
    assert not otlp_collector.counts().faults
