from __future__ import annotations

import gzip
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from google.rpc import status_pb2
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from simtraffic.collector.http_door import HttpDoor
from simtraffic.collector.limits import Limits
from simtraffic.collector.receiver import Receiver
from simtraffic.errors import UsageError

PROTOBUF, JSON = "application/x-protobuf", "application/json"


def a_request() -> bytes:
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=1)
    return request.SerializeToString()


class Client:
    """One connection, so that a test notices when the server closes it."""

    def __init__(self, door: HttpDoor, receiver: Receiver) -> None:
        self.receiver = receiver
        self.connection = http.client.HTTPConnection(urlsplit(door.endpoint).netloc, timeout=20)

    def post(
        self, body: bytes, kind: str = PROTOBUF, path: str = "/v1/logs", **headers: str
    ) -> tuple[int, str, bytes]:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        self.connection.request("POST", path, body, {"content-type": kind, **named})
        return self.answer()

    def answer(self) -> tuple[int, str, bytes]:
        response = self.connection.getresponse()
        return response.status, response.headers.get("content-type", ""), response.read()


@pytest.fixture
def client() -> Iterator[Client]:
    receiver = Receiver(keep=True)
    door = HttpDoor("127.0.0.1:0", receiver)
    opened = Client(door, receiver)
    yield opened
    opened.connection.close()
    door.close()


def test_protobuf_is_answered_with_an_empty_response(client: Client) -> None:
    assert client.post(a_request()) == (200, PROTOBUF, b"")
    assert client.receiver.counts().log_records == 1


def test_json_is_answered_in_json_and_bytes_count_as_protobuf(client: Client) -> None:
    body = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1"}]}]}]}'

    assert client.post(body, "application/json; charset=utf-8") == (200, JSON, b"{}")
    counts = client.receiver.counts()
    assert (counts.log_records, counts.bytes) == (1, len(a_request()))


def test_gzip_is_unpacked(client: Client) -> None:
    assert client.post(gzip.compress(a_request()), content_encoding="gzip")[0] == 200
    assert client.receiver.counts().log_records == 1


def test_a_chunked_body_is_put_together(client: Client) -> None:
    body = a_request()

    client.connection.request(
        "POST",
        "/v1/logs",
        iter([body[:5], body[5:]]),
        {"content-type": PROTOBUF},
        encode_chunked=True,
    )

    assert client.answer()[0] == 200
    assert client.receiver.counts().log_records == 1


def test_a_connection_is_used_again_also_after_a_refusal(client: Client) -> None:
    client.post(a_request())
    first = client.connection.sock
    client.post(b"\xff")
    client.post(b"", path="/nowhere")
    client.post(a_request())

    assert client.connection.sock is first
    assert client.receiver.counts().log_records == 2


def test_bad_protobuf_is_refused_with_a_status_in_protobuf(client: Client) -> None:
    status, kind, body = client.post(b"\xff\xff")

    assert (status, kind) == (400, PROTOBUF)
    assert status_pb2.Status.FromString(body).message.startswith("not a request of logs")
    assert client.receiver.counts().requests == 0


def test_bad_json_is_refused_with_a_status_in_json(client: Client) -> None:
    status, kind, body = client.post(b"{", JSON)

    assert (status, kind) == (400, JSON)
    assert json.loads(body)["message"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"path": "/v1/profiles"}, 404),
        ({"kind": "text/plain"}, 415),
        ({"content_encoding": "br"}, 415),
        ({"content_encoding": "gzip"}, 400),
    ],
)
def test_what_is_not_served_is_refused(client: Client, change: dict[str, str], status: int) -> None:
    assert client.post(a_request(), **change)[0] == status


def test_a_gzip_stream_that_ends_early_is_refused(client: Client) -> None:
    assert client.post(gzip.compress(a_request())[:-9], content_encoding="gzip")[0] == 400


def test_a_gzip_bomb_is_refused(client: Client) -> None:
    bomb = gzip.compress(bytes(Limits().most_bytes + 1))

    assert client.post(bomb, content_encoding="gzip")[0] == 413


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_other_methods_are_not_allowed(client: Client, method: str) -> None:
    client.connection.request(method, "/v1/logs")

    assert client.answer()[0] == 405


@pytest.mark.parametrize(
    ("headers", "rest", "status"),
    [
        ("content-length: 99999999999\r\n", b"", 413),
        ("", b"", 411),
        ("transfer-encoding: chunked\r\n", b"xyz\r\n", 400),
        ("transfer-encoding: chunked\r\n", b"fffffffff\r\n", 413),
    ],
    ids=["huge", "no length", "bad chunk", "huge chunk"],
)
def test_a_body_that_cannot_be_read_ends_the_connection(
    client: Client, headers: str, rest: bytes, status: int
) -> None:
    with socket.create_connection((client.connection.host, client.connection.port)) as raw:
        raw.settimeout(20)
        raw.sendall(
            f"POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: {JSON}\r\n{headers}\r\n".encode()
            + rest
        )
        said = b""
        while part := raw.recv(4096):
            said += part

    assert said.startswith(f"HTTP/1.1 {status} ".encode())


def test_closing_ends_open_connections_and_threads(client: Client) -> None:
    receiver = Receiver()
    door = HttpDoor("127.0.0.1:0", receiver)
    idle = Client(door, receiver)
    idle.post(a_request())
    before = threading.active_count()

    door.close()

    assert threading.active_count() == before - 2
    assert idle.connection.sock.recv(1) == b""
    idle.connection.close()


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.1:x", "127.0.0.1:99999", "192.0.2.1:1"])
def test_an_address_that_cannot_be_listened_on_is_a_fault(address: str) -> None:
    with pytest.raises(UsageError, match=r"--http .*: cannot listen there"):
        HttpDoor(address, Receiver())
