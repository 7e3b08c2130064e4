"""The collector's gRPC door."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from simtraffic.errors import UsageError
from simtraffic.export.answers import SERVICES
from simtraffic.export.environment import silence_grpc

# The native library reads its verbosity while it is imported, and never again.
silence_grpc(os.environ)

import grpc  # noqa: E402

if TYPE_CHECKING:
    from simtraffic.collector.receiver import Receiver

# What the OTLP specification (1.11) recommends for servers.
MOST_BYTES = 64 << 20
# Parsing holds the interpreter, so more threads would only wait for each other.
_THREADS = 4
_STOP_S = 1.0


class GrpcDoor:
    """Listens from construction to :meth:`close`.

    Raises:
        UsageError: The address cannot be listened on.
    """

    def __init__(self, address: str, receiver: Receiver) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="collect-grpc")
        self._server = grpc.server(
            self._pool,
            handlers=[_handler(signal, receiver) for signal in SERVICES],
            options=[
                ("grpc.max_receive_message_length", MOST_BYTES),
                # Otherwise two collectors share a port and each gets half.
                ("grpc.so_reuseport", 0),
            ],
        )
        try:
            port = self._server.add_insecure_port(address)
        except RuntimeError as error:
            self._pool.shutdown()
            raise UsageError(
                f"--grpc {address}: cannot listen there; taken or not an address of this machine;"
                " use another port"
            ) from error
        self.endpoint = f"http://{address.rpartition(':')[0]}:{port}"
        self._server.start()

    def close(self) -> None:
        """Answer what is being worked on, then stop listening."""
        self._server.stop(_STOP_S).wait()
        self._pool.shutdown()


def _handler(signal: str, receiver: Receiver) -> grpc.GenericRpcHandler[bytes, bytes]:
    method = grpc.unary_unary_rpc_method_handler(partial(_export, receiver, signal))
    return grpc.method_handlers_generic_handler(SERVICES[signal].grpc_service, {"Export": method})


def _export(receiver: Receiver, signal: str, body: bytes, context: grpc.ServicerContext) -> bytes:
    try:
        receiver.receive(signal, body)
    except ValueError as error:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
    # A response without fields is no bytes: full success.
    return b""
