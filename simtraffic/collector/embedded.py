"""The collector in a process of its own, so that its work does not slow the generator down."""

from __future__ import annotations

import json
import subprocess
from typing import Any, Self

from simtraffic import children
from simtraffic.errors import SimtrafficError

# A process that does not answer is ended; parsing of what was accepted is done long before.
_STOP_S = 10.0


class EmbeddedCollector:
    """Starts ``simtraffic collect`` and waits until it listens.

    It has a session of its own, so that an interrupt at the terminal does not end it before the
    run has drained, and it ends by itself when this process does (its standard input closes).

    Raises:
        SimtrafficError: The process did not come up.
    """

    def __init__(self, grpc: str = "127.0.0.1:0", http: str = "127.0.0.1:0") -> None:
        self._counts: dict[str, Any] | None = None
        options = ["--json", "--announce", "--grpc", grpc, "--http", http]
        self._process = subprocess.Popen(  # noqa: S603 - this very program
            children.command("simtraffic", "collect", *options),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        try:
            ready = json.loads(line)
        except ValueError as error:
            code = self._end()[1]
            raise SimtrafficError(
                f"built-in collector: did not start; exit code {code};"
                " give --endpoint, or run simtraffic collect to see why"
            ) from error
        self.grpc_endpoint: str = ready["grpc"]
        self.http_endpoint: str = ready["http"]

    @property
    def endpoint(self) -> str:
        """URL of the gRPC door."""
        return self.grpc_endpoint

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def stop(self) -> dict[str, Any]:
        """End the process; returns its counts as :meth:`CollectorCounts.as_dict` has them.

        Raises:
            SimtrafficError: The process died before it said them.
        """
        if self._counts is None:
            said, code = self._end()
            try:
                self._counts = dict(json.loads(said))
            except ValueError as error:
                raise SimtrafficError(
                    f"built-in collector: ended without its counts; exit code {code}; its memory"
                    " may have run out"
                ) from error
        return self._counts

    def _end(self) -> tuple[bytes, int]:
        """Close its standard input and wait; returns what it printed and its exit code."""
        try:
            said, _ = self._process.communicate(timeout=_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            said, _ = self._process.communicate()
        return said, self._process.returncode
