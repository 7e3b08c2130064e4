"""A real program that runs: started with a log, awaited until it can work, stopped for certain."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from simtraffic.backends.ports import listens
from simtraffic.backends.query import answers, one_line
from simtraffic.clock import Flag, monotonic
from simtraffic.errors import SimtrafficError

if TYPE_CHECKING:
    from pathlib import Path

START_S = 60.0
"""How long a program may take until it is ready; on an idle machine the slowest takes two."""
STOP_S = 15.0
"""How long it may take to end once it is asked to; then it is killed."""
_LOOK_S = 0.02
_LAST_LINES, _LAST_BYTES = 5, 20_000


class ProgramError(SimtrafficError):
    """A program cannot be started, is not ready in time, or does not stay up."""


@dataclass(frozen=True, slots=True)
class Program:
    """What is started, and how it says that it is ready."""

    name: str
    """For people, and for its log."""
    command: tuple[str, ...]
    ready: tuple[str, ...] = ()
    """All of these hold once it can work: a URL answers 200, a ``HOST:PORT`` takes connections."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Beside that of this process, from which settings of OpenTelemetry (``OTEL_*``) are left out:
    they are meant for us."""
    addresses: Mapping[str, str] = field(default_factory=dict)
    """Where it listens, by what is spoken there: URLs, such as ``{"http": "http://..."}``."""


@dataclass
class Running:
    """A program and its process, which may be killed and started again in the same place.

    As a context it is ready inside and stopped after.

    Args:
        program: What runs.
        log: File that all it says is added to; its folder is made.
        patience_s: How long it may take until it is ready.
    """

    program: Program
    log: Path
    patience_s: float = START_S
    process: subprocess.Popen[bytes] = field(init=False)
    """The newest, once it was started."""
    starts: list[float] = field(default_factory=list, init=False)
    """When it was started, by the monotonic clock, in seconds."""

    @property
    def addresses(self) -> Mapping[str, str]:
        """Where it listens, by what is spoken there."""
        return self.program.addresses

    def start(self) -> None:
        """Start it, or start it again; it need not be ready when this returns.

        Raises:
            ProgramError: There is nothing that can be executed.
        """
        kept = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as said:
            try:
                self.process = subprocess.Popen(  # noqa: S603 - a program that was found or named
                    self.program.command,
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    env={**kept, **self.program.environment},
                    # Ctrl-C is for us: we stop it when what is on its way has arrived.
                    start_new_session=True,
                )
            except OSError as error:
                raise ProgramError(
                    f"{self.program.name}: cannot be started; {error}; name another program"
                ) from error
        self.starts.append(monotonic())

    def await_ready(self) -> None:
        """Wait until it can work.

        Raises:
            ProgramError: It ended before, with its last words, or is not ready in time.
        """
        settled = comes_true(lambda: self.has_ended() or self.is_ready(), self.patience_s)
        if self.has_ended():
            raise ProgramError(self.obituary())
        if not settled:
            raise ProgramError(
                f"{self.program.name}: not ready after {self.patience_s:g} s; asked"
                f" {' and '.join(self.program.ready)}; what it says: {self.log}"
            )

    def is_ready(self) -> bool:
        """Whether it says now that it can work."""
        return all(_is_up(where) for where in self.program.ready)

    def has_ended(self) -> bool:
        """Whether its process is gone, by itself or not."""
        return self.process.poll() is not None

    def obituary(self) -> str:
        """How it ended, its last lines and where the rest of them is; one line."""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - _LAST_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        last = " | ".join(map(one_line, lines[-_LAST_LINES:])) or "it said nothing"
        code = self.process.returncode
        return f"{self.program.name}: ended with {code}; {last}; the whole of it: {self.log}"

    def stop(self) -> None:
        """Ask it to end, wait for :data:`STOP_S` and then kill it; again is fine."""
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it as a crash does, and wait until it is gone."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        """Start it and wait until it is ready; nothing is left running when it is not."""
        self.start()
        try:
            self.await_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it, whatever happened inside."""
        self.stop()


def _is_up(where: str) -> bool:
    at = urlsplit(where if "://" in where else f"tcp://{where}")
    # A port is asked first, as that costs nothing.
    return listens(at.port or 0) and (at.scheme == "tcp" or answers(where))


def comes_true(happened: Callable[[], bool], patience_s: float, every_s: float = _LOOK_S) -> bool:
    """Look again and again until it is so, no longer than this many seconds; whether it is."""
    deadline = monotonic() + patience_s
    never = Flag()
    while not happened():
        if monotonic() > deadline:
            return False
        never.wait(every_s)
    return True
