"""Where both doors of the collector lead: parse, check, count, write, keep."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError

from simtraffic.collector.counts import CollectorCounts, Faults
from simtraffic.collector.faults import Conduct
from simtraffic.collector.limits import Budget, Limits
from simtraffic.collector.logs import LogCheck
from simtraffic.collector.metrics import MetricCheck
from simtraffic.collector.partial import count_items, drop_last
from simtraffic.collector.traces import MISSING_PARENT, TraceCheck
from simtraffic.export.answers import SERVICES, one_line
from simtraffic.export.otlp_json import from_json, message_to_json
from simtraffic.signals import SIGNALS, UNITS

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from simtraffic.export.file import FileSink


class Receiver:
    """Counts and checks requests from any thread.

    Args:
        out: Where requests are written as OTLP/JSON lines.
        keep: Whether to keep every request, for tests; memory then grows with what arrives.
        conduct: What goes wrong on purpose; the doors ask it before they hand a request over.
        most_bytes: Of bodies that are parsed at once; a larger one is parsed alone.
    """

    def __init__(
        self,
        out: FileSink | None = None,
        *,
        keep: bool = False,
        conduct: Conduct | None = None,
        most_bytes: int = Limits().most_bytes,
    ) -> None:
        self._out = out
        # Parsed, a body takes up to some 50 times its size.
        self._parsing = Budget(most_bytes)
        self.conduct = conduct or Conduct()
        self._kept: dict[str, list[Any]] | None = {each: [] for each in SIGNALS} if keep else None
        self._faults = Faults()
        self._turned_away = Faults()
        self._traces = TraceCheck(self._faults)
        self._checks = {
            "traces": self._traces,
            "metrics": MetricCheck(self._faults),
            "logs": LogCheck(self._faults),
        }
        self._items = dict.fromkeys(SIGNALS, 0)
        self._requests = 0
        self._bytes = 0
        self._arrived = threading.Condition()

    def receive(
        self, signal: str, body: bytes, *, is_json: bool = False, reject: float | None = None
    ) -> int:
        """Take a request in.

        Args:
            signal: What it is a request of.
            body: Uncompressed.
            is_json: Whether it is OTLP/JSON, else protobuf.
            reject: Share of the items that are not stored, on purpose.

        Returns:
            How many items that were.

        Raises:
            ValueError: The body is not a request of this signal; the message says why.
        """
        with self._parsing.waits(len(body)):
            return self._receive(signal, body, is_json=is_json, reject=reject)

    def _receive(self, signal: str, body: bytes, *, is_json: bool, reject: float | None) -> int:
        try:
            request = from_json(signal, body) if is_json else _parse(signal, body)
        except ValueError as error:
            # It may repeat what came, of any length and with any signs.
            raise ValueError(one_line(str(error))) from error
        rejected = 0
        if reject:
            rejected = self.conduct.share_of(count_items(signal, request), reject)
            drop_last(signal, request, rejected)
        size = request.ByteSize() if is_json or rejected else len(body)
        line = message_to_json(request) if self._out is not None else b""
        with self._arrived:
            check: Any = self._checks[signal]
            count = check.check(request)
            self._items[signal] += count
            self._requests += 1
            self._bytes += size
            if self._kept is not None:
                self._kept[signal].append(request)
            self._arrived.notify_all()
        if self._out is not None:
            self._out.write(signal, line, count, size)
        return rejected

    def turn_away(self, reason: str) -> None:
        """Count a request that was refused for what it is, not on purpose."""
        with self._arrived:
            self._turned_away.add(reason)

    @property
    def out_failed(self) -> str | None:
        """Why what arrives is not written any more."""
        return self._out.fatal if self._out is not None else None

    def counts(self) -> CollectorCounts:
        """What arrived up to now; parents still on their way count as missing."""
        with self._arrived:
            faults = Faults(dict(self._faults.found))
            faults.add(MISSING_PARENT, self._traces.orphans)
            if self._out is not None and self._out.fatal is not None:
                faults.add(self._out.fatal)
            return CollectorCounts(
                **{UNITS[signal]: count for signal, count in self._items.items()},
                requests=self._requests,
                bytes=self._bytes,
                faults=faults.found,
                refused=dict(self._turned_away.found),
                on_purpose=self.conduct.met(),
            )

    def requests(self, signal: str) -> list[Any]:
        """Every request of a signal, in order of arrival.

        Raises:
            ValueError: Requests are not kept.
        """
        if self._kept is None:
            raise ValueError("nothing is kept; start the collector with keep=True")
        with self._arrived:
            return list(self._kept[signal])

    def wait_for(self, signal: str, count: int, timeout_s: float) -> bool:
        """Wait until so many items of a signal have arrived; False when the time is over."""
        with self._arrived:
            return self._arrived.wait_for(lambda: self._items[signal] >= count, timeout_s)


def _parse(signal: str, body: bytes) -> Message:
    request = SERVICES[signal].request()
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        raise ValueError(f"not a request of {signal} in protobuf: {error}") from error
    return request
