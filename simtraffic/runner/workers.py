"""Several processes play one run: started together, watched, stopped, and added up."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Self

from simtraffic import children
from simtraffic.runner.counts import blank_counts, plan_whole
from simtraffic.runner.process import EVERY_S
from simtraffic.schedule import Shard

if TYPE_CHECKING:
    from types import TracebackType

    from simtraffic.export.settings import ExportSettings
    from simtraffic.result.counts import RunCounts
    from simtraffic.runner.options import RunOptions
    from simtraffic.runner.setup import Setup
    from simtraffic.runner.stop import StopSignal
    from simtraffic.runner.worker import Assignment, Report


@dataclass(eq=False)
class _Worker:
    """A process and what it has reported."""

    number: int
    setup: Setup
    process: subprocess.Popen[bytes]
    line: Connection
    ready: bool = False
    counts: RunCounts | None = None
    ended: bool = False
    """Its last counts has come, or it is gone."""


@dataclass(kw_only=True)
class Crew:
    """Worker processes, each with one part of a shard; entered, they are there and ready.

    No process outlives it: leaving kills what still runs, and a worker whose line breaks ends.
    """

    setup: Setup
    """Of the whole that is divided."""
    options: RunOptions
    """Of the whole, with the number of workers."""
    factor: float
    """Simulated seconds to a second; 0 for as fast as possible."""
    settings: Mapping[str, ExportSettings]
    """How each signal reaches its receiver."""
    _workers: list[_Worker] = field(default_factory=list, init=False)
    _changed: threading.Condition = field(default_factory=threading.Condition, init=False)

    def __enter__(self) -> Self:
        try:
            for number in range(self.options.workers):
                self._workers.append(self._start(number))
            with self._changed:
                self._changed.wait_for(lambda: all(w.ready or w.ended for w in self._workers))
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._kill()

    def work(self, stop: StopSignal, report: Callable[[RunCounts], None]) -> RunCounts:
        """Let all go at once and wait for the last.

        Args:
            stop: Asked, every worker takes no more arrivals, drains and ends.
            report: Called about four times a second with everything merged.

        Returns:
            The merged counts; of a worker that died what it reported last, balanced.
        """
        self._order("go")
        is_stopping = False
        while not self._wait(EVERY_S):
            merged = self.counts()
            if not is_stopping and (stop.requested or merged.fatal):
                # What one may not deliver, none may.
                self._order("stop")
                is_stopping = True
            report(merged)
        return self.counts()

    def counts(self) -> RunCounts:
        """Everything reported so far, merged."""
        merged = blank_counts(self.setup)
        with self._changed:
            reported = [worker.counts for worker in self._workers if worker.counts]
            at_work = [worker.counts for worker in self._workers if not worker.ended]
        for counts in reported:
            merged.merge(counts)
        going = [counts for counts in at_work if counts and not counts.draining]
        merged.draining = bool(reported) and not going
        if going:
            merged.elapsed_ns = min(counts.elapsed_ns for counts in going)
        return merged

    def _start(self, number: int) -> _Worker:
        part = _part(self.setup.shard, number, self.options.workers)
        setup = self.setup.of_shard(part)
        mine, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(  # noqa: S603 - this very program
                children.command("simtraffic.runner.worker", str(theirs.fileno())),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                # An interrupt at the terminal is this process's to pass on.
                start_new_session=True,
            )
        worker = _Worker(number, setup, process, Connection(mine.detach()))
        threading.Thread(
            target=self._hear, args=(worker,), name=f"worker-{number + 1}", daemon=True
        ).start()
        options = self.options.of_worker(
            str(part), factor=self.factor, start_unix_ns=self.setup.start_unix_ns
        )
        assigned: Assignment = (self.setup.scenario, options, self.settings)
        worker.line.send(assigned)
        return worker

    def _hear(self, worker: _Worker) -> None:
        """Take what a worker reports until it ends, one way or the other."""
        is_last = False
        try:
            while not is_last:
                report: Report = worker.line.recv()
                counts, is_last = report
                with self._changed:
                    worker.ready = True
                    worker.counts = counts or worker.counts
                    worker.ended = is_last
                    self._changed.notify_all()
        except (EOFError, OSError):
            self._bury(worker)

    def _bury(self, worker: _Worker) -> None:
        code = worker.process.wait()
        counts = worker.counts or blank_counts(worker.setup)
        cause = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        plan_whole(counts, worker.setup)
        counts.close_without(f"worker {worker.number + 1} of {self.options.workers} died, {cause}")
        with self._changed:
            worker.counts, worker.ended = counts, True
            self._changed.notify_all()

    def _wait(self, seconds: float) -> bool:
        """Whether all have ended, after at most so long."""
        with self._changed:
            return self._changed.wait_for(
                lambda: all(worker.ended for worker in self._workers), seconds
            )

    def _order(self, order: str) -> None:
        for worker in self._workers:
            if not worker.ended:
                try:
                    worker.line.send(order)
                except OSError:
                    # Gone; its line tells.
                    continue

    def _kill(self) -> None:
        for worker in self._workers:
            worker.process.kill()
            worker.process.wait()


def _part(shard: Shard, number: int, count: int) -> Shard:
    """The part of a shard that a worker plays, as a shard of the whole."""
    return Shard(shard.index + shard.count * number, shard.count * count)
