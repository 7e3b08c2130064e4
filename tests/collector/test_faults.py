"""A collector that goes wrong on purpose: what is asked for, when, how often, at both doors."""

from __future__ import annotations

import email.utils
import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import grpc
import pytest
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from simtraffic.collector import Collector
from simtraffic.collector.faults import Conduct, Misbehaviour, parse_fault
from simtraffic.collector.faults.model import KINDS
from simtraffic.errors import UsageError

METHOD = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
PROTOBUF = "application/x-protobuf"


class Hand:
    """A clock that is moved by hand, in seconds."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def records(count: int = 10) -> bytes:
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for number in range(count):
        scope.log_records.add(time_unix_nano=number + 1).body.string_value = str(number)
    return request.SerializeToString()


def over_http(collector: Collector, body: bytes | None = None) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to an export of log records."""
    at = urlsplit(collector.http_endpoint)
    connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=5)
    try:
        connection.request("POST", "/v1/logs", body or records(), {"content-type": PROTOBUF})
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, headers, answer.read()
    finally:
        connection.close()


def over_grpc(collector: Collector, *, timeout_s: float = 5.0) -> bytes:
    """The answer's bytes; raises grpc.RpcError as any client would."""
    with grpc.insecure_channel(collector.grpc_endpoint.removeprefix("http://")) as channel:
        answer: bytes = channel.unary_unary(METHOD, None, None)(records(), timeout=timeout_s)
        return answer


@contextmanager
def bad(*faults: str, **options: Any) -> Iterator[Collector]:
    with Collector(faults=faults, keep=True, **options) as collector:
        yield collector


class TestText:
    @pytest.mark.parametrize(
        ("text", "fault"),
        [
            ("status=503", Misbehaviour("status", 503, "UNAVAILABLE")),
            ("status=unauthenticated", Misbehaviour("status", 401, "UNAUTHENTICATED")),
            ("status=413", Misbehaviour("status", 413, "RESOURCE_EXHAUSTED")),
            (
                "status=503 share=20% for=30s",
                Misbehaviour("status", 503, "UNAVAILABLE", share=0.2, for_s=30.0),
            ),
            (
                "status=429, retry_after=date",
                Misbehaviour("status", 429, "RESOURCE_EXHAUSTED", retry_after="date"),
            ),
            ("kind=partial share=0%", Misbehaviour("partial", share=0.0)),
            ("kind=slow delay=250ms after=1m", Misbehaviour("slow", delay_s=0.25, after_s=60.0)),
            (
                "kind=cut stored=yes signal=logs share=0.5",
                Misbehaviour("cut", stored=True, signal="logs", share=0.5),
            ),
        ],
    )
    def test_is_read(self, text: str, fault: Misbehaviour) -> None:
        found = parse_fault(text)

        assert found.text == text
        for name in ("kind", "http_status", "grpc_code", "share", "after_s", "for_s", "signal"):
            assert getattr(found, name) == getattr(fault, name), name
        for name in ("retry_after", "delay_s", "stored"):
            assert getattr(found, name) == getattr(fault, name), name

    @pytest.mark.parametrize(
        ("text", "lines"),
        [
            ("", ["one of status= and kind= is needed"]),
            ("status=503 kind=hang", ["one of status= and kind= is needed"]),
            ("status=200", ["no failure; found 200"]),
            ("status=UNAVAILBLE", ["did you mean UNAVAILABLE?"]),
            ("kind=hnag", ["did you mean hang?"]),
            ("kind=status", ["unknown; found 'status'"]),
            ("kind=hang shaer=1%", ["did you mean share?"]),
            (
                "kind=hang share=200% for=30",
                ["share: ", "for: duration without a unit; found '30'"],
            ),
            ("kind=hang share=1% share=2%", ["given twice"]),
            ("kind=hang retry_after=1", ["retry_after: goes with status= alone"]),
            ("status=503 stored=yes", ["stored: goes with hang or cut alone"]),
            ("kind=slow delay", ["without a value; write delay=1s"]),
            ("status=429 retry_after=soon", ["neither seconds nor date; found 'soon'"]),
            ("kind=hang signal=trace", ["did you mean traces?"]),
            ("kind=hang share=0%", ["never happens"]),
        ],
    )
    def test_that_is_wrong_is_told_whole_a_line_each(self, text: str, lines: list[str]) -> None:
        with pytest.raises(UsageError) as caught:
            parse_fault(text)

        said = str(caught.value).splitlines()
        assert len(said) == len(lines)
        for line, part in zip(said, lines, strict=True):
            assert line.startswith(f"--fault {text!r}: ")
            assert part in line

    @given(st.text(max_size=40))
    def test_is_either_read_or_told(self, text: str) -> None:
        told = ""
        try:
            fault = parse_fault(text)
        except UsageError as error:
            told = str(error)
        assert told or fault.kind in KINDS


class TestAsData:
    @pytest.mark.parametrize(
        ("fault", "http_status", "grpc_code"),
        [
            (Misbehaviour("status"), 503, "UNAVAILABLE"),
            (Misbehaviour("status", http_status=429), 429, "RESOURCE_EXHAUSTED"),
            (Misbehaviour("status", grpc_code="UNAUTHENTICATED"), 401, "UNAUTHENTICATED"),
            (Misbehaviour("status", 500, "DATA_LOSS"), 500, "DATA_LOSS"),
        ],
    )
    def test_a_status_at_one_door_gives_that_at_the_other(
        self, fault: Misbehaviour, http_status: int, grpc_code: str
    ) -> None:
        assert (fault.http_status, fault.grpc_code) == (http_status, grpc_code)

    @pytest.mark.parametrize(
        "wrong",
        [{"kind": "hnag"}, {"kind": "cut", "share": 20}, {"kind": "status", "grpc_code": "X"}],
    )
    def test_that_is_wrong_is_refused(self, wrong: Any) -> None:
        with pytest.raises(ValueError, match="found"):
            Misbehaviour(**wrong)


class TestPlan:
    def test_times_count_from_the_first_request(self) -> None:
        hand = Hand()
        plan = Conduct([parse_fault("kind=hang after=10s for=5s")], now=hand)
        hand.at += 100

        met = []
        for _ in range(4):
            met.append(plan.meet("traces") is not None)
            hand.at += 5

        assert met == [False, False, True, False]
        assert plan.met() == {"kind=hang after=10s for=5s": 1}

    def test_of_a_fault_that_is_added_do_not_change_those_of_others(self) -> None:
        hand = Hand()
        plan = Conduct([parse_fault("kind=hang for=5s signal=traces")], now=hand)
        assert plan.meet("traces") is not None
        hand.at += 4
        plan.add(parse_fault("kind=slow after=3s for=2s signal=logs"))
        met = []
        for _ in range(3):
            met.append((plan.meet("traces") is not None, plan.meet("logs") is not None))
            hand.at += 3

        assert met == [(True, False), (False, True), (False, False)]

    def test_a_share_meets_about_its_part_and_the_same_with_the_same_seed(self) -> None:
        def met(seed: int) -> list[bool]:
            plan = Conduct([parse_fault("kind=hang share=20%")], seed=seed)
            return [plan.meet("logs") is not None for _ in range(2_000)]

        # Six standard deviations of a binomial with n = 2,000 and p = 0.2 are 107.
        assert abs(sum(met(1)) - 400) < 107
        assert met(1) == met(1)
        assert met(1) != met(2)

    def test_the_first_that_fits_is_the_one(self) -> None:
        plan = Conduct([parse_fault("status=503 signal=traces"), parse_fault("kind=hang")])

        first, second = plan.meet("traces"), plan.meet("logs")

        assert first is not None
        assert second is not None
        assert (first.kind, second.kind) == ("status", "hang")

    def test_a_share_of_items_comes_out_in_the_long_run(self) -> None:
        plan = Conduct()

        found = sum(plan.share_of(3, 0.1) for _ in range(10_000))

        # Six standard deviations of a binomial with n = 10,000 and p = 0.3 are 275.
        assert abs(found - 3_000) < 275
        assert plan.share_of(3, 1.0) == 3

    def test_no_connection_is_taken_only_while_all_are_refused(self) -> None:
        hand = Hand()
        plan = Conduct([parse_fault("kind=refuse for=5s")], now=hand)

        assert not plan.refuses_connections()
        plan.meet("logs")
        assert plan.refuses_connections()
        hand.at += 5
        assert not plan.refuses_connections()
        assert not Conduct([parse_fault("kind=refuse share=50%")]).refuses_connections()


class TestOverHttp:
    @pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 500, 502, 503, 504])
    def test_a_status_comes_with_the_body_that_otlp_asks_for(self, status: int) -> None:
        with bad(f"status={status}") as collector:
            found, headers, body = over_http(collector)

        assert (found, headers["content-type"]) == (status, PROTOBUF)
        assert status_pb2.Status.FromString(body).message
        assert "retry-after" not in headers
        assert collector.counts().log_records == 0
        assert collector.counts().on_purpose == {f"status={status}": 1}

    def test_it_asks_to_wait_in_seconds_or_until_a_date(self) -> None:
        with bad("status=429 retry_after=2") as collector:
            assert over_http(collector)[1]["retry-after"] == "2"
        with bad("status=503 retry_after=date") as collector:
            until = over_http(collector)[1]["retry-after"]
        assert email.utils.parsedate_to_datetime(until).tzinfo is not None

    @pytest.mark.parametrize(
        ("asked", "sent"), [("0.5", "0.5"), ("1000000", "1000000"), ("2", "2")]
    )
    def test_seconds_are_written_plainly(self, asked: str, sent: str) -> None:
        with bad(f"status=503 retry_after={asked}") as collector:
            assert over_http(collector)[1]["retry-after"] == sent

    def test_a_redirect_leads_elsewhere(self) -> None:
        with bad("status=307") as collector:
            assert over_http(collector)[1]["location"].startswith("http://elsewhere.invalid")

    def test_a_part_is_taken_and_the_rest_is_named(self) -> None:
        with bad("kind=partial share=30%") as collector:
            status, _, body = over_http(collector)

        partial = ExportLogsServiceResponse.FromString(body).partial_success
        assert (status, partial.rejected_log_records) == (200, 3)
        assert partial.error_message
        assert [record.body.string_value for record in collector.log_records()] == list("0123456")
        assert collector.counts().log_records == 7

    def test_a_warning_rejects_nothing(self) -> None:
        with bad("kind=partial share=0%") as collector:
            partial = ExportLogsServiceResponse.FromString(over_http(collector)[2]).partial_success

        assert partial.rejected_log_records == 0
        assert partial.error_message
        assert collector.counts().log_records == 10

    def test_garbage_and_a_foreign_page_follow_what_was_stored(self) -> None:
        with bad("kind=garbage") as collector:
            status, headers, _ = over_http(collector)
            assert (status, headers["content-type"]) == (200, PROTOBUF)
        assert collector.counts().log_records == 10
        with bad("kind=content_type") as collector:
            assert over_http(collector)[1]["content-type"] == "text/html"
        assert collector.counts().log_records == 10

    @pytest.mark.parametrize("stored", ["yes", "no"])
    def test_an_answer_is_cut_in_its_middle(self, stored: str) -> None:
        with (
            bad(f"kind=cut stored={stored}") as collector,
            pytest.raises((http.client.IncompleteRead, ConnectionResetError)),
        ):
            over_http(collector)
        assert collector.counts().log_records == (10 if stored == "yes" else 0)

    def test_a_refused_connection_gives_no_answer_at_all(self) -> None:
        with bad("kind=refuse") as collector:
            for _ in range(2):
                with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
                    over_http(collector)
        assert collector.counts().log_records == 0

    def test_a_hang_lasts_until_the_client_has_enough_of_it(self) -> None:
        with bad("kind=hang") as collector:
            at = urlsplit(collector.http_endpoint)
            with socket.create_connection((at.hostname or "", at.port or 0)) as client:
                body = records()
                head = f"POST /v1/logs HTTP/1.1\r\ncontent-type: {PROTOBUF}\r\n"
                client.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
                client.settimeout(0.2)
                with pytest.raises(TimeoutError):
                    client.recv(1)

    def test_a_slow_answer_comes(self) -> None:
        with bad("kind=slow delay=10ms") as collector:
            assert over_http(collector)[0] == 200
        assert collector.counts().log_records == 10


class TestOverGrpc:
    @pytest.mark.parametrize(
        "name", ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "UNAUTHENTICATED", "INVALID_ARGUMENT"]
    )
    def test_a_code_comes_with_its_message(self, name: str) -> None:
        with bad(f"status={name}") as collector, pytest.raises(grpc.RpcError) as caught:
            over_grpc(collector)

        error: Any = caught.value
        assert error.code() is grpc.StatusCode[name]
        assert error.details()
        assert "grpc-status-details-bin" not in dict(error.trailing_metadata())

    def test_it_asks_to_wait_by_retry_info(self) -> None:
        with bad("status=429 retry_after=1.5") as collector, pytest.raises(grpc.RpcError) as caught:
            over_grpc(collector)

        error: Any = caught.value
        status = status_pb2.Status.FromString(
            dict(error.trailing_metadata())["grpc-status-details-bin"]
        )
        info = error_details_pb2.RetryInfo()
        assert status.details[0].Unpack(info)
        assert (info.retry_delay.seconds, info.retry_delay.nanos) == (1, 500_000_000)

    @pytest.mark.parametrize("kind", ["cut", "refuse"])
    def test_a_connection_that_ends_is_unavailable(self, kind: str) -> None:
        with bad(f"kind={kind}") as collector, pytest.raises(grpc.RpcError) as caught:
            over_grpc(collector)

        error: Any = caught.value
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        assert "on purpose" not in error.details()

    def test_a_hang_meets_the_clients_deadline(self) -> None:
        with bad("kind=hang stored=yes") as collector, pytest.raises(grpc.RpcError) as caught:
            over_grpc(collector, timeout_s=0.2)

        error: Any = caught.value
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert collector.counts().log_records == 10

    def test_a_part_is_taken(self) -> None:
        with bad("kind=partial share=100%") as collector:
            answer = ExportLogsServiceResponse.FromString(over_grpc(collector))

        assert answer.partial_success.rejected_log_records == 10
        assert collector.counts().log_records == 0

    def test_garbage_cannot_be_read(self) -> None:
        with bad("kind=garbage") as collector:
            answer = over_grpc(collector)

        with pytest.raises(DecodeError):
            ExportLogsServiceResponse.FromString(answer)


class TestInATest:
    def test_faults_come_and_go(self, otlp_collector: Collector) -> None:
        otlp_collector.fault("status=503")
        assert over_http(otlp_collector)[0] == 503
        otlp_collector.behave()
        assert over_http(otlp_collector)[0] == 200
        assert otlp_collector.wait_for("logs", 10)

    def test_a_collector_without_any_has_no_relay_to_cut_with(self) -> None:
        with Collector() as collector, pytest.raises(ValueError, match="faults="):
            collector.fault("kind=cut")
