"""What a full queue leaves of each request: whole, in part, or nothing.

A run is played into a receiver that stops for a while, or takes less than it is given, through the
delivery's own queue, with simulated time and no threads, so that the figures repeat.

    python -m benchmarks.overload
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from simtraffic.export.queue import Queue
from simtraffic.export.sizes import most_in_a_batch
from simtraffic.runner.playback import Playback
from simtraffic.runner.real_time import real_time
from simtraffic.runner.setup import Setup
from simtraffic.scenario import parse_scenario
from simtraffic.signals import Chunk, Form

if TYPE_CHECKING:
    from simtraffic.clock import Flag

SCENARIO = """\
version: 1
name: overload
seed: 3
load: {arrivals: poisson, start: 100/s, stages: [{name: hold, duration: 60s, rate: 100/s}]}
traffic:
  - name: chat
    workflow: chat
    share: 3
    tokens: chat
    models: {openai/gpt-4o-mini: 2, anthropic/claude-haiku-4.5: 1}
  - name: complete
    workflow: completion
    share: 1
    tokens: chat
    models: {openai/gpt-4o-mini: 1}
errors: {rate_limit: 3%}
telemetry: {conventions: [gen_ai, llm]}
"""
MAX_AGE_S = 0.2


@dataclass
class Steps:
    """A clock that jumps to where it is waited for."""

    factor: float = 1.0
    now_ns: int = 0

    def restart(self) -> None:
        """At zero."""
        self.now_ns = 0

    def elapsed_ns(self) -> int:
        """Where it was last waited for."""
        return self.now_ns

    def wait_until(self, elapsed_ns: int, stop: Flag) -> None:  # noqa: ARG002 - nothing stops it
        """Go there at once."""
        self.now_ns = elapsed_ns


@dataclass
class Notes:
    """Writes down what is handed over, and when."""

    clock: Steps
    noted: list[tuple[float, Chunk]] = field(default_factory=list)
    fatal: str | None = None

    def form(self, signal: str) -> Form:  # noqa: ARG002 - the same for all
        """Protobuf."""
        return "protobuf"

    def submit(self, chunk: Chunk, *, block: bool, stop: Flag) -> None:  # noqa: ARG002
        """Note it."""
        self.noted.append((self.clock.now_ns / 1e9, chunk))


def handed_over() -> list[tuple[float, Chunk]]:
    """Every chunk of a run in real time, with the second at which it was handed over."""
    scenario = parse_scenario(SCENARIO)
    setup = Setup.of(scenario, start="2026-01-01T00:00:00Z")
    clock = Steps()
    notes = Notes(clock)
    real_time(Playback.of(setup, [notes]), clock)  # type: ignore[arg-type]
    return notes.noted


def requests_in(batches: Iterable[Chunk]) -> Counter[bytes]:
    """Spans and log records by trace id."""
    found: Counter[bytes] = Counter()
    for batch in batches:
        if batch.signal == "traces":
            spans = ExportTraceServiceRequest.FromString(batch.payload)
            found.update(
                span.trace_id
                for resource in spans.resource_spans
                for scope in resource.scope_spans
                for span in scope.spans
            )
        elif batch.signal == "logs":
            logs = ExportLogsServiceRequest.FromString(batch.payload)
            found.update(
                record.trace_id
                for resource in logs.resource_logs
                for scope in resource.scope_logs
                for record in scope.log_records
            )
    return found


@dataclass
class Bottleneck:
    """A delivery's queue with a receiver of some speed behind it."""

    queue_bytes: int
    relief: float
    bytes_a_second: Callable[[float], float]
    together: bool
    """Whether spans and log records of the same time are given up together."""
    taken: list[Chunk] = field(default_factory=list)

    def __post_init__(self) -> None:
        lock = threading.RLock()
        lock.acquire()
        size = most_in_a_batch(self.queue_bytes)
        self.queue = Queue(lock, self.queue_bytes, size, 4, {}, self.relief)
        self._budget = self._then = 0.0

    def play(self, noted: list[tuple[float, Chunk]]) -> list[Chunk]:
        """What arrives of a run."""
        for now, chunk in noted:
            self.pass_time(now)
            self.hand_over(chunk, now)
        self.queue.flush()
        self.pass_time(noted[-1][0] + 30.0)
        return self.taken

    def pass_time(self, now: float) -> None:
        """The receiver takes what it can until then."""
        self._budget += (now - self._then) * self.bytes_a_second(self._then)
        self._then = now
        for lane in self.queue.lanes.values():
            if lane.open is not None and not lane.ready and now - lane.open.since >= MAX_AGE_S:
                lane.seal()
        while ready := [lane for lane in self.queue.lanes.values() if lane.ready]:
            oldest = min(ready, key=lambda lane: lane.ready[0].order)
            if oldest.ready[0].size > self._budget:
                return
            batch = oldest.ready.popleft()
            self._budget -= batch.size
            self.queue.let_go(batch)
            self.taken.append(batch.join())
        # Time in which nothing waits cannot be saved up.
        self._budget = min(self._budget, self.bytes_a_second(now) * 0.1)

    def hand_over(self, chunk: Chunk, now: float) -> None:
        """As the delivery does it."""
        size = len(chunk.payload)
        if self.together:
            for batch in self.queue.make_room(size):
                self.queue.let_go(batch)
        while not self.queue.fits(size):
            waiting = [
                (oldest.order, lane)
                for lane in self.queue.lanes.values()
                if (oldest := lane.oldest()) is not None
            ]
            if not waiting:
                return
            lane = min(waiting)[1]
            self.queue.let_go(lane.pop_oldest())
        self.queue.add(chunk, now, at_once=False)


def main() -> None:
    """Print the table of docs/adr/0014."""
    noted = handed_over()
    volume = sum(len(chunk.payload) for _, chunk in noted)
    rate = volume / noted[-1][0]
    sent = requests_in(chunk for _, chunk in noted)
    print(f"{len(sent)} requests, {volume / 1e6:.1f} MB, {rate / 1e6:.2f} MB/s")
    speeds: dict[str, Callable[[float], float]] = {
        "stops for 30 s": lambda at: 0.0 if 15 <= at < 45 else 10 * rate,
        "takes half": lambda _at: 0.5 * rate,
        "takes 90 %": lambda _at: 0.9 * rate,
    }
    print("| receiver | queue | policy | whole | in part | lost | bytes taken |")
    print("| --- | --- | --- | ---: | ---: | ---: | ---: |")
    for name, speed in speeds.items():
        for seconds in (5, 15):
            queue_bytes = int(seconds * rate)
            policies = [("one batch", 0.0, False)]
            policies += [(f"window, {share:.0%}", share, True) for share in (0.0, 0.125, 0.25, 0.5)]
            for policy, relief, together in policies:
                got = Bottleneck(queue_bytes, relief, speed, together).play(noted)
                arrived = requests_in(got)
                whole = sum(arrived[key] == count for key, count in sent.items())
                part = sum(0 < arrived[key] < count for key, count in sent.items())
                lost = len(sent) - whole - part
                share = sum(len(batch.payload) for batch in got) / volume
                print(
                    f"| {name} | {seconds} s | {policy} | {whole / len(sent):.1%} |"
                    f" {part / len(sent):.1%} | {lost / len(sent):.1%} | {share:.1%} |"
                )


if __name__ == "__main__":
    main()
