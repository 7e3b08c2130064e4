"""Several processes play one run: started together, watched, stopped, and added up."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Self

from simtraffic import children
from simtraffic.runner.counts import blank_counts, plan_whole
from simtraffic.runner.job import Job
from simtraffic.runner.play import EVERY_S
from simtraffic.schedule import Shard

if TYPE_CHECKING:
    from types import TracebackType

    from simtraffic.result.counts import RunCounts
    from simtraffic.runner.job import Told
    from simtraffic.runner.setup import Setup
    from simtraffic.runner.stop import StopSignal

__all__ = ["MOST_WORKERS", "Crew", "Job"]

MOST_WORKERS = 256


@dataclass(eq=False)
class _Worker:
    """A process and what it has told."""

    number: int
    setup: Setup
    process: subprocess.Popen[bytes]
    line: Connection
    ready: bool = False
    account: RunCounts | None = None
    ended: bool = False
    """Its last account has come, or it is gone."""


@dataclass(kw_only=True)
class Crew:
    """Worker processes, each with one part of a shard; entered, they are there and ready.

    No process outlives it: leaving kills what still runs, and a worker whose line breaks ends.
    """

    setup: Setup
    """Of the whole that is divided."""
    job: Job
    """For all of them; the shard is filled in."""
    count: int
    _workers: list[_Worker] = field(default_factory=list, init=False)
    _changed: threading.Condition = field(default_factory=threading.Condition, init=False)

    def __enter__(self) -> Self:
        try:
            for number in range(self.count):
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

    def work(self, stop: StopSignal, on_account: Callable[[RunCounts], None]) -> RunCounts:
        """Let all go at once and wait for the last.

        Args:
            stop: Asked, every worker takes no more arrivals, drains and ends.
            on_account: Called about four times a second with everything merged.

        Returns:
            The merged account; of a worker that died what it told last, balanced.
        """
        self._order("go")
        is_stopping = False
        while not self._wait(EVERY_S):
            merged = self.account()
            if not is_stopping and (stop.requested or merged.fatal):
                # What one may not deliver, none may.
                self._order("stop")
                is_stopping = True
            on_account(merged)
        return self.account()

    def account(self) -> RunCounts:
        """Everything told so far, merged."""
        merged = blank_counts(self.setup)
        with self._changed:
            accounts = [worker.account for worker in self._workers if worker.account]
            at_work = [worker.account for worker in self._workers if not worker.ended]
        for account in accounts:
            merged.merge(account)
        going = [account for account in at_work if account and not account.draining]
        merged.draining = bool(accounts) and not going
        if going:
            merged.elapsed_ns = min(account.elapsed_ns for account in going)
        return merged

    def _start(self, number: int) -> _Worker:
        part = _part(self.setup.shard, number, self.count)
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
        worker.line.send(self.job.for_shard(str(part)))
        return worker

    def _hear(self, worker: _Worker) -> None:
        """Take what a worker tells until it ends, one way or the other."""
        is_last = False
        try:
            while not is_last:
                told: Told = worker.line.recv()
                is_last = told.is_last
                with self._changed:
                    worker.ready = True
                    worker.account = told.account or worker.account
                    worker.ended = is_last
                    self._changed.notify_all()
        except (EOFError, OSError):
            self._bury(worker)

    def _bury(self, worker: _Worker) -> None:
        code = worker.process.wait()
        account = worker.account or blank_counts(worker.setup)
        cause = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        plan_whole(account, worker.setup)
        account.close_without(f"worker {worker.number + 1} of {self.count} died, {cause}")
        with self._changed:
            worker.account, worker.ended = account, True
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
