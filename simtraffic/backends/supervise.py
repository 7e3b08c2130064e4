"""Several programs as one: started in order, started again when they end, stopped in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Self

from simtraffic.backends.programs import Program, ProgramError, Running
from simtraffic.clock import Flag, monotonic

if TYPE_CHECKING:
    from pathlib import Path

MOST_RESTARTS = 3
RESTARTS_WITHIN_S = 60.0
_LOOK_S = 0.5


def _silent(_line: str) -> None:
    """Nobody listens to what is said of the programs."""


class Supervisor:
    """Programs that are up together; as a context they are up inside and stopped after.

    Args:
        programs: In the order in which they are started: first who is sent to.
        logs: Folder in which each writes its log, named after it.
        changed: Called whenever a process was started, such as to note its number.
        say: Hears a line for people when a program is ready and when it is started again.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        logs: Path,
        *,
        changed: Callable[[], None] = lambda: None,
        say: Callable[[str], None] = _silent,
    ) -> None:
        self._programs = programs
        self._logs = logs
        self._changed = changed
        self._say = say
        self.running: list[Running] = []
        """Those that were started, in that order."""

    def __getitem__(self, name: str) -> Running:
        """One of those that were started, by its program's name."""
        return next(each for each in self.running if each.program.name == name)

    def start(self) -> None:
        """Start one after the other, each when the one before is ready.

        Raises:
            ProgramError: One does not come up; nothing is left running.
        """
        try:
            for program in self._programs:
                running = Running(program, self._logs / f"{program.name}.log")
                running.start()
                self.running.append(running)
                self._changed()
                running.await_ready()
                self._say(f"{program.name} is ready after {monotonic() - running.starts[0]:.1f} s")
        except BaseException:
            self.stop()
            raise

    def watch(self, stop: Flag) -> None:
        """Start again what ends, until ``stop`` is set.

        Raises:
            ProgramError: One ended more than :data:`MOST_RESTARTS` times within a minute.
        """
        while not stop.wait(_LOOK_S):
            self.revive()

    def revive(self) -> None:
        """Start again what has ended.

        Raises:
            ProgramError: As :meth:`watch`.
        """
        for running in self.running:
            if running.has_ended():
                self._revive(running)

    def _revive(self, running: Running) -> None:
        said = running.obituary()
        since = monotonic() - RESTARTS_WITHIN_S
        restarts = [at for at in running.starts[1:] if at > since]
        if len(restarts) >= MOST_RESTARTS:
            raise ProgramError(f"{said}; started again {MOST_RESTARTS} times in a minute, given up")
        self._say(f"{said}; started again")
        running.start()
        self._changed()

    def stop(self) -> None:
        """End them, the newest first, so that what is on its way still arrives."""
        while self.running:
            self.running.pop().stop()

    def __enter__(self) -> Self:
        """Start them, as :meth:`start` does."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop them, whatever happened inside."""
        self.stop()
