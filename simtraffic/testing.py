"""A pytest plugin: a collector in the process that answers for what arrived.

Installed with the package, so a test only names the fixture::

    def test_my_service_traces_every_call(otlp_collector):
        configure_my_service(endpoint=otlp_collector.grpc_endpoint)
        call_my_service()

        assert otlp_collector.wait_for("traces", 1)
        assert [span.name for span in otlp_collector.spans()] == ["chat gpt-4o-mini"]
        assert not otlp_collector.counts().faults

It goes wrong when it is asked to, so that one's own exporter can be tried::

    def test_my_exporter_tries_again(otlp_collector):
        otlp_collector.fault("status=503 for=1s")
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from simtraffic.collector.server import Collector


@pytest.fixture
def otlp_collector() -> Iterator[Collector]:
    """A collector on free loopback ports that keeps what arrives until the test is over."""
    # Loaded when used: every test session of an environment loads this plugin.
    from simtraffic.collector.server import Collector  # noqa: PLC0415

    with Collector(keep=True, faults=[]) as collector:
        yield collector
