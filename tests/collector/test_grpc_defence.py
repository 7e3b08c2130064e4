"""The gRPC door against senders that mean ill."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from simtraffic.collector.grpc_door import GrpcDoor
from simtraffic.collector.limits import Limits
from simtraffic.collector.patience import Patience
from simtraffic.collector.receiver import Receiver

METHOD = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"


@contextmanager
def door(**limits: Any) -> Iterator[tuple[Any, Receiver]]:
    """A channel (of a type that wants no serialisers) and what is behind it."""
    receiver = Receiver()
    opened = GrpcDoor("127.0.0.1:0", receiver, Limits(**limits))
    with grpc.insecure_channel(opened.endpoint.removeprefix("http://")) as channel:
        yield channel, receiver
    opened.close()


def a_request() -> bytes:
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=1)
    return request.SerializeToString()


def test_messages_that_never_come_do_not_keep_others_out() -> None:
    with door(patience_s=0.2) as (channel, receiver):
        silent = threading.Event()

        def nothing() -> Iterator[bytes]:
            silent.wait(20)
            yield b""

        # More than there are threads.
        held = [channel.stream_unary(METHOD).future(nothing(), timeout=20) for _ in range(16)]
        answer = channel.unary_unary(METHOD)(a_request(), timeout=20)
        for call in held:
            assert call.code() is grpc.StatusCode.CANCELLED
        silent.set()

    assert answer == b""
    assert receiver.counts().refused == {"the message did not come whole, or is too large": 16}


def test_a_call_without_a_message_is_refused() -> None:
    with door() as (channel, _), pytest.raises(grpc.RpcError) as caught:
        channel.stream_unary(METHOD)(iter(()), timeout=20)

    error: Any = caught.value
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_a_message_beyond_the_limit_is_refused_and_counted(compression: grpc.Compression) -> None:
    with door(most_bytes=1_000) as (channel, receiver):
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(METHOD)(bytes(100_000), timeout=20, compression=compression)
        error: Any = caught.value
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert channel.unary_unary(METHOD)(a_request(), timeout=20) == b""

    assert receiver.counts().refused == {"the message did not come whole, or is too large": 1}


def test_malformed_protobuf_is_refused_with_a_short_reason_and_counted() -> None:
    with door() as (channel, receiver), pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(METHOD)(b"\xff\xff\xff", timeout=20)

    error: Any = caught.value
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details().startswith("not a request of logs in protobuf")
    assert list(receiver.counts().refused.values()) == [1]


def test_patience_ends_what_is_late_once_and_nothing_else() -> None:
    ended = threading.Event()
    patience = Patience(0.05)
    with patience.waits(ended.set):
        assert ended.wait(20)
    ended.clear()
    with patience.waits(ended.set):
        pass
    patience.close()

    assert not ended.is_set()
