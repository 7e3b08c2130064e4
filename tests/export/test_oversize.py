"""What a receiver finds too large is split, not lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
import pytest

from simtraffic.export import Outcome, SendResult
from simtraffic.export.answers import SERVICES
from simtraffic.export.connect import open_transport
from simtraffic.export.delivery import Delivery
from simtraffic.export.otlp_json import from_json
from simtraffic.export.settings import ExportSettings, Protocol
from simtraffic.ledger import Ledger
from simtraffic.signals import SIGNALS, Chunk
from tests.export.test_splitting import batch_of, flat, request_of

LONG_S = 20.0


class Limited:
    """Takes no payload above a limit, and says so with or without the limit."""

    def __init__(self, limit: int, *, tells: bool) -> None:
        self.limit = limit
        self.tells = tells
        self.tried: list[int] = []
        self.taken: list[Chunk] = []
        self._lock = threading.Lock()

    def send(self, batch: Chunk, timeout_s: float) -> SendResult:
        with self._lock:
            self.tried.append(len(batch.payload))
            if len(batch.payload) <= self.limit:
                self.taken.append(batch)
                return SendResult(Outcome.ACCEPTED)
        told = self.limit if self.tells else None
        return SendResult(Outcome.TOO_LARGE, message="HTTP 413: too much", limit_bytes=told)

    def close(self) -> None:
        pass


def deliver(delivery: Delivery, *chunks: Chunk) -> None:
    for chunk in chunks:
        delivery.ledger.add_generated(chunk.signal, chunk.count)
        delivery.submit(chunk)
    assert delivery.drain(LONG_S)
    assert delivery.ledger.imbalances() == []
    assert delivery.queued_bytes == 0


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("form", ["protobuf", "json"])
@pytest.mark.parametrize("signal", SIGNALS)
def test_a_batch_over_the_limit_arrives_whole_in_smaller_ones(
    signal: str, form: str, tells: bool
) -> None:
    chunks = [batch_of(signal, request_of(signal, [[40, 3], [9]]), form) for _ in range(6)]
    receiver = Limited(len(chunks[0].payload) // 3, tells=tells)
    delivery = Delivery(receiver, Ledger(), max_age_s=LONG_S)

    deliver(delivery, *chunks)
    delivery.close()

    assert delivery.ledger.delivered == 1.0
    assert sum(batch.count for batch in receiver.taken) == sum(chunk.count for chunk in chunks)
    # The further tries are counted as such, and the bytes once.
    entry = delivery.ledger.signals[signal]
    assert entry.requests == len(receiver.tried)
    assert entry.bytes == sum(chunk.proto_bytes or len(chunk.payload) for chunk in chunks)
    assert entry.retries == entry.requests - 1


def test_metric_points_keep_their_order_through_a_split() -> None:
    request = request_of("metrics", [[60]])
    batch = batch_of("metrics", request)
    receiver = Limited(len(batch.payload) // 7, tells=False)
    delivery = Delivery(receiver, Ledger(), max_age_s=LONG_S)

    deliver(delivery, batch)
    delivery.close()

    rows = [
        row
        for part in receiver.taken
        for row in flat("metrics", SERVICES["metrics"].request.FromString(part.payload))
    ]
    assert rows == flat("metrics", request)


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("chunks_in_a_batch", [1, 8])
def test_what_was_learnt_is_heeded_by_what_follows(tells: bool, chunks_in_a_batch: int) -> None:
    chunk = batch_of("traces", request_of("traces", [[40]]))
    receiver = Limited(int(len(chunk.payload) * chunks_in_a_batch * 0.7), tells=tells)
    size = len(chunk.payload) * chunks_in_a_batch
    delivery = Delivery(receiver, Ledger(), max_batch_bytes=size, max_age_s=LONG_S, concurrency=1)
    deliver(delivery, *[chunk] * chunks_in_a_batch)
    receiver.tried.clear()

    deliver(delivery, *[chunk] * chunks_in_a_batch * 20)
    delivery.close()

    assert delivery.ledger.delivered == 1.0
    assert max(receiver.tried) <= receiver.limit
    # And the batches are as large as the limit lets them be, or half as large.
    assert len(receiver.tried) <= 20 * 3
    if chunks_in_a_batch > 1 and tells:
        assert len(receiver.tried) == 20 * 8 // 5


def test_a_single_record_over_the_limit_is_rejected_and_named_and_the_others_arrive() -> None:
    request = request_of("traces", [[5, 5]])
    giant = request.resource_spans[0].scope_spans[1].spans[2]
    giant.name = "the giant"
    giant.attributes.add(key="prompt").value.string_value = "x" * 20_000
    receiver = Limited(2_000, tells=False)
    delivery = Delivery(receiver, Ledger(), max_age_s=LONG_S)

    deliver(delivery, batch_of("traces", request))
    delivery.close()

    assert sum(batch.count for batch in receiver.taken) == 9
    (loss,) = delivery.ledger.losses()
    assert (loss.outcome, loss.count) == ("rejected", 1)
    assert loss.reason.startswith("span 'the giant' of 20,")
    assert loss.reason.endswith(" bytes: HTTP 413: too much")


def test_a_single_giant_does_not_make_all_batches_small() -> None:
    request = request_of("logs", [[1]])
    request.resource_logs[0].scope_logs[0].log_records[0].body.string_value = "x" * 50_000
    receiver = Limited(10_000, tells=False)
    delivery = Delivery(receiver, Ledger(), max_batch_bytes=10_000, max_age_s=LONG_S)
    deliver(delivery, batch_of("logs", request))
    chunk = batch_of("logs", request_of("logs", [[20]]))

    receiver.tried.clear()
    deliver(delivery, *[chunk] * (9_000 // len(chunk.payload)))
    delivery.close()

    assert len(receiver.tried) == 1


def test_what_this_client_may_not_send_is_split_before_it_is_sent() -> None:
    batch = batch_of("traces", request_of("traces", [[200]]))
    receiver = Limited(1 << 20, tells=False)
    limit = len(batch.payload) // 2
    delivery = Delivery(receiver, Ledger(), max_request_bytes=limit, max_age_s=LONG_S)

    deliver(delivery, batch)
    delivery.close()

    assert max(receiver.tried) <= limit
    assert len(receiver.tried) <= 3
    entry = delivery.ledger.signals["traces"]
    assert (entry.accepted, entry.retries) == (200, 0)
    assert entry.bytes == sum(receiver.tried)


def test_a_single_record_above_the_clients_own_limit_is_never_sent() -> None:
    request = request_of("traces", [[1]])
    request.resource_spans[0].scope_spans[0].spans[0].name = "x" * 500
    receiver = Limited(1 << 20, tells=False)
    delivery = Delivery(receiver, Ledger(), max_request_bytes=300, max_age_s=LONG_S)

    deliver(delivery, batch_of("traces", request))
    delivery.close()

    assert receiver.tried == []
    (loss,) = delivery.ledger.losses()
    assert (loss.outcome, loss.count) == ("rejected", 1)
    assert loss.reason.endswith("larger than this client's limit of 300 bytes")


def test_what_cannot_be_read_is_rejected_as_a_whole() -> None:
    delivery = Delivery(Limited(3, tells=False), Ledger(), max_age_s=LONG_S)

    deliver(delivery, Chunk.of("traces", b"\x00\xff\xff\xff", 7))
    delivery.close()

    (loss,) = delivery.ledger.losses()
    assert (loss.outcome, loss.count) == ("rejected", 7)


# Against real servers, through the real transports.


class Store:
    """A receiver's own count, over gRPC with a limit or over HTTP with another."""

    def __init__(self, limit: int, status: int = 413) -> None:
        self.rows: dict[str, list[tuple[str, ...]]] = {signal: [] for signal in SIGNALS}
        self.limit = limit
        self.status = status
        handlers = [
            grpc.method_handlers_generic_handler(
                service.grpc_service,
                {"Export": grpc.unary_unary_rpc_method_handler(self._export(signal))},
            )
            for signal, service in SERVICES.items()
        ]
        self._grpc = grpc.server(
            ThreadPoolExecutor(4),
            handlers=handlers,
            options=[("grpc.max_receive_message_length", limit)],
        )
        self.grpc_port = self._grpc.add_insecure_port("127.0.0.1:0")
        self._grpc.start()
        store = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                body = self.rfile.read(length)
                answer, status = b"", 200
                if length > store.limit:
                    answer, status = b"http: request body too large", store.status
                else:
                    signal = self.path.rpartition("/")[2]
                    is_json = self.headers["content-type"] == "application/json"
                    store.keep(signal, body, is_json=is_json)
                self.send_response(status)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    def _export(self, signal: str) -> Any:
        def take(body: bytes, _context: Any) -> bytes:
            self.keep(signal, body)
            return b""

        return take

    def keep(self, signal: str, body: bytes, *, is_json: bool = False) -> None:
        request: Any = (
            from_json(signal, body) if is_json else SERVICES[signal].request.FromString(body)
        )
        self.rows[signal] += flat(signal, request)

    def settings(self, protocol: Protocol) -> dict[str, ExportSettings]:
        if protocol == "grpc":
            return {
                signal: ExportSettings(f"http://127.0.0.1:{self.grpc_port}") for signal in SIGNALS
            }
        root = f"http://127.0.0.1:{self._http.server_address[1]}"
        return {signal: ExportSettings(f"{root}/v1/{signal}", protocol) for signal in SIGNALS}

    def close(self) -> None:
        self._grpc.stop(None).wait()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


@pytest.fixture(params=[413, 400])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    opened = Store(6_000, request.param)
    yield opened
    opened.close()


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf", "http/json"])
def test_a_real_receiver_with_a_limit_gets_everything_once(
    store: Store, protocol: Protocol, signal: str
) -> None:
    request = request_of(signal, [[150, 20], [60]])
    # As in a run: points come as protobuf whatever the protocol.
    form = "json" if protocol == "http/json" and signal != "metrics" else "protobuf"
    transport = open_transport(store.settings(protocol))
    delivery = Delivery(transport, Ledger(), max_age_s=LONG_S)

    deliver(delivery, *[batch_of(signal, request, form)] * 3)
    delivery.close()

    assert delivery.ledger.delivered == 1.0
    assert sorted(store.rows[signal]) == sorted(flat(signal, request) * 3)
