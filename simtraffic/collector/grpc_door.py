"""The collector's gRPC door."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2, status_pb2

from simtraffic.collector.address import Listening
from simtraffic.collector.limits import Limits
from simtraffic.collector.partial import partial_answer
from simtraffic.collector.patience import Patience
from simtraffic.collector.relay import Relay
from simtraffic.errors import UsageError
from simtraffic.export.answers import SERVICES
from simtraffic.export.environment import silence_grpc

# The native library reads its verbosity while it is imported, and never again.
silence_grpc(os.environ)

import grpc  # noqa: E402

if TYPE_CHECKING:
    from simtraffic.collector.faults import Misbehaviour
    from simtraffic.collector.receiver import Receiver

# Parsing holds the interpreter, so more threads would only wait for each other.
_THREADS = 4
# Of a door with faults, where threads wait on purpose.
_WAITING_THREADS = 64
_STOP_S = 1.0
# Of a connection at once; what waits for a thread is not read, so it costs little.
_MOST_STREAMS = 128
# How often a call that hangs looks whether the door closes, in seconds.
_PATIENCE_S = 0.1
_NOT_WHOLE = "the message did not come whole, or is too large"
_GARBAGE = b"\xff\xff\xff not what was asked for"


class GrpcDoor:
    """Listens from construction to :meth:`close`.

    Args:
        address: ``HOST:PORT``; port 0 takes a free one.
        receiver: What is behind the door; its conduct says what goes wrong.
        limits: Bounds on a request.
        may_cut: Whether connections can be cut, which takes a relay in front of the server.

    Raises:
        UsageError: The address cannot be listened on.
    """

    def __init__(
        self,
        address: str,
        receiver: Receiver,
        limits: Limits | None = None,
        *,
        may_cut: bool = False,
    ) -> None:
        limits = limits or Limits()
        place = Listening.read("--grpc", address)
        self._receiver = receiver
        self._patience = Patience(limits.patience_s)
        self._closing = threading.Event()
        self._relay: Relay | None = None
        self._pool = ThreadPoolExecutor(
            _WAITING_THREADS if may_cut else _THREADS, thread_name_prefix="collect-grpc"
        )
        self._server = grpc.server(
            self._pool,
            handlers=[self._handler(signal) for signal in SERVICES],
            options=[
                ("grpc.max_receive_message_length", limits.most_bytes),
                ("grpc.server_handshake_timeout_ms", max(1, int(limits.patience_s * 1000))),
                ("grpc.max_connection_idle_ms", max(1, int(limits.idle_s * 1000))),
                # Further ones wait at the client.
                ("grpc.max_concurrent_streams", _MOST_STREAMS),
                # Otherwise two collectors share a port and each gets half.
                ("grpc.so_reuseport", 0),
            ],
        )
        try:
            port = self._server.add_insecure_port("127.0.0.1:0" if may_cut else str(place))
            if may_cut:
                self._relay = Relay(address, port, self._refuses, limits.most_connections)
        except RuntimeError as error:
            self._give_up()
            raise place.refused() from error
        except UsageError:
            self._give_up()
            raise
        self.endpoint = self._relay.endpoint if self._relay else place.url(port)
        self._server.start()

    def close(self) -> None:
        """Answer what is being worked on, then stop listening."""
        self._closing.set()
        if self._relay is not None:
            self._relay.close()
        self._server.stop(_STOP_S).wait()
        self._give_up()

    def _give_up(self) -> None:
        self._patience.close()
        self._pool.shutdown()

    def _refuses(self) -> bool:
        return self._receiver.conduct.refuses_connections()

    def _handler(self, signal: str) -> grpc.GenericRpcHandler[bytes, bytes]:
        # As a stream, of one message for every client, as only then the call is known before its
        # message has come: one that never comes would hold a thread for ever.
        method = grpc.stream_unary_rpc_method_handler(partial(self._export, signal))
        return grpc.method_handlers_generic_handler(
            SERVICES[signal].grpc_service, {"Export": method}
        )

    def _export(
        self, signal: str, messages: Iterator[bytes], context: grpc.ServicerContext
    ) -> bytes:
        with self._patience.waits(context.cancel):
            try:
                body = next(messages, None)
            except grpc.RpcError:
                # Refused by the library, cancelled by the client, or not in time.
                self._receiver.turn_away(_NOT_WHOLE)
                raise
        if body is None:
            # The same, seen at another moment; or a call without any message.
            self._receiver.turn_away(_NOT_WHOLE)
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, _NOT_WHOLE)
        fault = self._receiver.conduct.meet(signal)
        try:
            if fault is None:
                self._receiver.receive(signal, body)
                # A response without fields is no bytes: full success.
                return b""
            return self._go_wrong(fault, signal, body, context)
        except ValueError as error:
            self._refuse(str(error), context)

    def _refuse(self, message: str, context: grpc.ServicerContext) -> NoReturn:
        self._receiver.turn_away(f"INVALID_ARGUMENT {message}")
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, message)

    def _go_wrong(
        self, fault: Misbehaviour, signal: str, body: bytes, context: grpc.ServicerContext
    ) -> bytes:
        match fault.kind:
            case "status":
                _abort(fault, context)
            case "hang" | "cut" | "refuse":
                if fault.stored:
                    self._receiver.receive(signal, body)
                self._fall_silent(fault, context)
            case "partial":
                rejected = self._receiver.receive(signal, body, reject=fault.share)
                return partial_answer(signal, rejected, warns=not fault.share).SerializeToString()
            case "slow":
                self._closing.wait(fault.delay_s)
        self._receiver.receive(signal, body)
        return b"" if fault.kind == "slow" else _GARBAGE

    def _fall_silent(self, fault: Misbehaviour, context: grpc.ServicerContext) -> NoReturn:
        if fault.kind == "hang":
            self._wait(context)
        elif self._relay is not None:
            self._relay.cut(context.peer())
        # Nobody hears it any more.
        context.abort(grpc.StatusCode.UNAVAILABLE, fault.message)

    def _wait(self, context: grpc.ServicerContext) -> None:
        """Until the client gives up or the door closes."""
        given_up = threading.Event()
        if context.add_callback(given_up.set):
            while not (given_up.is_set() or self._closing.is_set()):
                given_up.wait(_PATIENCE_S)


def _abort(fault: Misbehaviour, context: grpc.ServicerContext) -> NoReturn:
    code = grpc.StatusCode[fault.grpc_code]
    if fault.wait_s is not None:
        status = status_pb2.Status(code=code_pb2.Code.Value(fault.grpc_code), message=fault.message)
        delay = Duration()
        delay.FromNanoseconds(int(fault.wait_s * 1e9))
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, fault.message)
