"""Starts the programs in order, waits for each, starts again what ends, stops them all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Self

import httpx

from simtraffic.clock import Flag, monotonic
from simtraffic.errors import SimtrafficError
from tools.stack.programs import CONFIG, programs
from tools.stack.render import render

if TYPE_CHECKING:
    from pathlib import Path

    from tools.stack.addresses import Addresses
    from tools.stack.programs import Program

START_S = 60.0
"""How long a program may take until it is ready; on an idle machine the slowest takes two."""
STOP_S = 15.0
MOST_RESTARTS = 3
RESTARTS_WITHIN_S = 60.0
_LAST_LINES = 5


class StackError(SimtrafficError):
    """The stack cannot be started, or does not stay up."""


@dataclass
class Running:
    """A program that was started."""

    program: Program
    process: subprocess.Popen[bytes]
    log: Path
    restarts: list[float] = field(default_factory=list)
    """When it was started again, by the monotonic clock."""


class Stack:
    """All programs of the stack; as a context it is up inside and stopped after."""

    def __init__(self, addresses: Addresses, folder: Path, *, config: Path = CONFIG) -> None:
        """``folder`` holds the rendered configuration, logs and data."""
        self.addresses = addresses
        self.folder = folder
        self.config = folder / "config"
        self.logs = folder / "logs"
        self.data = folder / "data"
        self._source = config
        self._running: list[Running] = []

    @classmethod
    @contextmanager
    def of(cls, chosen: Sequence[Program], addresses: Addresses, folder: Path) -> Iterator[Stack]:
        """Some programs alone, ready inside the context and stopped after it."""
        stack = cls(addresses, folder)
        try:
            stack._start_all(chosen, lambda _: None)
            yield stack
        finally:
            stack.stop()

    @property
    def state_file(self) -> Path:
        """What is running, for those who want to find or stop it."""
        return self.folder / "stack.json"

    def start(self, say: Callable[[str], None] = lambda _: None) -> None:
        """Start everything; ``say`` hears a line for each program that is ready.

        Raises:
            UsageError: a program is missing.
            StackError: a port is taken, or a program does not come up; nothing is left running.
        """
        taken = self.addresses.taken()
        if taken:
            raise StackError(
                f"ports taken: {', '.join(taken)}; another stack may be up: `make stack-down`"
                " ends it, `make stack PORTS=free` takes others"
            )
        render(self._source, self.config, self.addresses.of_containers())
        self.data.mkdir(parents=True, exist_ok=True)
        try:
            self._start_all(programs(self.addresses, self.config, self.data), say)
        except BaseException:
            self.stop()
            raise

    def _start_all(self, chosen: Sequence[Program], say: Callable[[str], None]) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        for program in chosen:
            began = monotonic()
            running = self._start(program)
            self._running.append(running)
            self._write_state()
            self._await(running)
            say(f"{program.name} is ready after {monotonic() - began:.1f} s")

    def _start(self, program: Program) -> Running:
        log = self.logs / f"{program.name}.log"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
        with log.open("ab") as said:
            process = subprocess.Popen(
                program.command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env={**environment, **program.environment},
                # Ctrl-C is for us: we stop them in order, so that what is on its way arrives.
                start_new_session=True,
            )
        return Running(program, process, log)

    def _await(self, running: Running) -> None:
        deadline = monotonic() + START_S
        never = Flag()
        while not answers(running.program.ready):
            if running.process.poll() is not None:
                raise StackError(self._obituary(running))
            if monotonic() > deadline:
                name, ready = running.program.name, running.program.ready
                raise StackError(f"{name}: not ready after {START_S:.0f} s; asked {ready}")
            never.wait(0.05)

    def _obituary(self, running: Running) -> str:
        lines = running.log.read_text(encoding="utf-8", errors="replace").splitlines()
        last = " | ".join(line.strip() for line in lines[-_LAST_LINES:])
        code = running.process.returncode
        return f"{running.program.name}: ended with {code}; {last}; the whole of it: {running.log}"

    def watch(self, stop: Flag, say: Callable[[str], None]) -> None:
        """Start again what ends, until ``stop`` is set.

        Raises:
            StackError: a program ended more often than :data:`MOST_RESTARTS` times in a minute.
        """
        while not stop.wait(0.5):
            self.revive(say)

    def revive(self, say: Callable[[str], None]) -> None:
        """Start again what has ended.

        Raises:
            StackError: as :meth:`watch`.
        """
        for running in self._running:
            if running.process.poll() is not None:
                self._revive(running, say)

    def _revive(self, running: Running, say: Callable[[str], None]) -> None:
        said = self._obituary(running)
        now = monotonic()
        running.restarts = [at for at in running.restarts if now - at < RESTARTS_WITHIN_S]
        if len(running.restarts) >= MOST_RESTARTS:
            raise StackError(f"{said}; started again {MOST_RESTARTS} times in a minute, given up")
        say(f"{said}; started again")
        running.process = self._start(running.program).process
        running.restarts.append(now)
        self._write_state()

    def process(self, name: str) -> subprocess.Popen[bytes]:
        """The process of a program, such as ``otelcol``."""
        return next(r.process for r in self._running if r.program.name == name)

    def stop(self) -> None:
        """End everything, the newest first, so that what is on its way still arrives."""
        for running in reversed(self._running):
            running.process.terminate()
            try:
                running.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                running.process.kill()
                running.process.wait()
        self._running.clear()
        self.state_file.unlink(missing_ok=True)

    def _write_state(self) -> None:
        state = {
            "supervisor": os.getpid(),
            "programs": {r.program.name: r.process.pid for r in self._running},
            "addresses": asdict(self.addresses),
        }
        self.state_file.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")

    def __enter__(self) -> Self:
        """Start everything."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything."""
        self.stop()


def end(folder: Path) -> bool:
    """End the stack of this folder, whoever started it; False when none is up."""
    state_file = folder / "stack.json"
    if not state_file.exists():
        return False
    state = json.loads(state_file.read_text(encoding="utf-8"))
    pids = [state["supervisor"]]
    if not _signal(state["supervisor"], signal.SIGTERM):
        # Its supervisor is gone without a farewell: end what it left.
        pids = [pid for pid in state["programs"].values() if _signal(pid, signal.SIGTERM)]
    deadline = monotonic() + STOP_S * len(state["programs"])
    never = Flag()
    while any(_signal(pid, 0) for pid in pids) and monotonic() < deadline:
        never.wait(0.1)
    state_file.unlink(missing_ok=True)
    return True


def _signal(pid: int, number: int) -> bool:
    """Whether there is such a process; it is sent the signal."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
        return True
    return False


def answers(url: str) -> bool:
    """Whether this answers 200 now."""
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
