"""The collector in this process: two doors and what is behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

from simtraffic.clock import monotonic
from simtraffic.collector.faults import Conduct, Misbehaviour, parse_fault
from simtraffic.collector.grpc_door import GrpcDoor
from simtraffic.collector.http_door import HttpDoor
from simtraffic.collector.limits import Limits
from simtraffic.collector.receiver import Receiver
from simtraffic.export.file import FileSink

if TYPE_CHECKING:
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
    from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    from simtraffic.collector.counts import CollectorCounts


class Collector:
    """A receiver of OTLP over gRPC and HTTP, listening inside a ``with`` block.

    Args:
        grpc: ``HOST:PORT``; port 0 takes a free one; None leaves the door out.
        http: The same for HTTP.
        out: Path that requests are written to as OTLP/JSON lines, ``-`` for standard output. The
            official classes write them, at tens of microseconds a span.
        keep: Keep what arrives, for :meth:`spans` and its like. Memory then grows with it; without
            it memory stays bounded however long the run (see the checks' modules).
        faults: What goes wrong on purpose from the first request on, also as text such as
            ``status=503 share=20%``. With an empty list :meth:`fault` may say so later; without
            any list it may not, as only a door with a relay in front can cut connections.
        seed: Of the faults' chances.
        now: Clock of the faults' times, in seconds.
        limits: Bounds on a request; one beyond them is refused.

    Raises:
        UsageError: On entering: an address cannot be listened on, or ``out`` not be written.
    """

    def __init__(
        self,
        grpc: str | None = "127.0.0.1:0",
        http: str | None = "127.0.0.1:0",
        out: str | None = None,
        *,
        keep: bool = False,
        faults: Sequence[Misbehaviour | str] | None = None,
        seed: int = 0,
        now: Callable[[], float] = monotonic,
        limits: Limits | None = None,
    ) -> None:
        self._addresses = grpc, http
        self._out = out
        self._keep = keep
        self._may_cut = faults is not None
        self._conduct = Conduct([_fault(each) for each in faults or ()], seed=seed, now=now)
        self._limits = limits or Limits()
        self._stack = ExitStack()
        self._receiver = Receiver(keep=keep, conduct=self._conduct)
        self.grpc_endpoint = ""
        """URL of the gRPC door while listening."""
        self.http_endpoint = ""
        """Base URL of the HTTP door while listening, without a signal's path."""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            sink = FileSink.open(self._out, None) if self._out else None
            if sink is not None:
                stack.callback(sink.close)
            self._receiver = Receiver(
                sink, keep=self._keep, conduct=self._conduct, most_bytes=self._limits.most_bytes
            )
            grpc, http = self._addresses
            if grpc is not None:
                grpc_door = GrpcDoor(grpc, self._receiver, self._limits, may_cut=self._may_cut)
                stack.callback(grpc_door.close)
                self.grpc_endpoint = grpc_door.endpoint
            if http is not None:
                http_door = HttpDoor(http, self._receiver, self._limits)
                stack.callback(http_door.close)
                self.http_endpoint = http_door.endpoint
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stack.close()

    def fault(self, fault: Misbehaviour | str) -> None:
        """Go wrong like this as well, from the next request on; its times count from there.

        Raises:
            UsageError: The text is no fault.
            ValueError: The collector was started without ``faults``.
        """
        if not self._may_cut:
            raise ValueError("started without faults; pass faults=[] to have some later")
        self._conduct.add(_fault(fault))

    def behave(self) -> None:
        """Have no faults any more."""
        self._conduct.clear()

    def counts(self) -> CollectorCounts:
        """What arrived up to now, also after the end."""
        return self._receiver.counts()

    @property
    def out_failed(self) -> str | None:
        """Why what arrives is not written to ``out`` any more, in one line."""
        return self._receiver.out_failed

    def wait_for(self, signal: str, count: int, timeout_s: float = 10.0) -> bool:
        """Wait until ``count`` items of a signal have arrived; whether they have."""
        return self._receiver.wait_for(signal, count, timeout_s)

    def requests(self, signal: str) -> list[Any]:
        """Every ``Export*ServiceRequest`` of a signal; needs ``keep``."""
        return self._receiver.requests(signal)

    def spans(self) -> list[Span]:
        """Every span, in order of arrival; needs ``keep``."""
        return [
            span
            for request in self.requests("traces")
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def metrics(self) -> list[Metric]:
        """Every metric with its points, in order of arrival; needs ``keep``."""
        return [
            metric
            for request in self.requests("metrics")
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]

    def log_records(self) -> list[LogRecord]:
        """Every log record, in order of arrival; needs ``keep``."""
        return [
            record
            for request in self.requests("logs")
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]


def _fault(fault: Misbehaviour | str) -> Misbehaviour:
    return parse_fault(fault) if isinstance(fault, str) else fault
