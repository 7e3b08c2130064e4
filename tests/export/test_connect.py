from __future__ import annotations

from simtraffic.collector.server import Collector
from simtraffic.export import Outcome
from simtraffic.export.connect import RoutedTransport, open_transport
from simtraffic.export.grpc import GrpcTransport
from simtraffic.export.settings import ExportSettings
from simtraffic.signals import Chunk


def test_signals_with_equal_settings_share_one_connection() -> None:
    settings = ExportSettings("http://127.0.0.1:1")

    transport = open_transport({"traces": settings, "logs": settings})
    transport.close()

    assert isinstance(transport, GrpcTransport)


def test_each_signal_goes_where_its_settings_say() -> None:
    with Collector() as first, Collector() as second:
        transport = open_transport(
            {
                "traces": ExportSettings(first.grpc_endpoint),
                "logs": ExportSettings(f"{second.http_endpoint}/v1/logs", "http/json"),
            }
        )
        outcomes = [
            transport.send(Chunk.of(each, b"", 0), 5.0).outcome for each in ("traces", "logs")
        ]
        transport.close()

        assert isinstance(transport, RoutedTransport)
        assert outcomes == [Outcome.ACCEPTED, Outcome.ACCEPTED]
        assert (first.counts().requests, second.counts().requests) == (1, 1)
