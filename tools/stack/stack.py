"""The native stack: rendered files, its programs under one supervisor, and a note of what runs."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Self

from simtraffic.backends.programs import STOP_S, ProgramError, comes_true
from simtraffic.backends.supervise import Supervisor
from tools.stack.programs import CONFIG, programs
from tools.stack.render import render

if TYPE_CHECKING:
    from pathlib import Path

    from simtraffic.backends.programs import Program
    from tools.stack.addresses import Addresses


class Stack:
    """All programs of the stack; as a context it is up inside and stopped after.

    Args:
        addresses: Where they listen.
        folder: Holds the rendered configuration, logs and data.
        config: What is rendered.
        chosen: Other programs in place of all of them.
        say: Hears a line for each program that is ready.
    """

    def __init__(
        self,
        addresses: Addresses,
        folder: Path,
        *,
        config: Path = CONFIG,
        chosen: Sequence[Program] | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.addresses = addresses
        self.folder = folder
        self.config = folder / "config"
        self.logs = folder / "logs"
        self.data = folder / "data"
        self._source = config
        self._chosen = chosen
        self._say = say
        self.supervisor = Supervisor((), self.logs)
        """Has the programs once the stack was started."""

    @property
    def state_file(self) -> Path:
        """What is running, for those who want to find or stop it."""
        return self.folder / "stack.json"

    def start(self) -> None:
        """Start everything.

        Raises:
            UsageError: A program is missing.
            ProgramError: A port is taken, or a program does not come up; nothing is left running.
        """
        taken = self.addresses.taken()
        if taken:
            raise ProgramError(
                f"ports taken: {', '.join(taken)}; another stack may be up: `make stack-down`"
                " ends it, `make stack PORTS=free` takes others"
            )
        chosen = self._prepared() if self._chosen is None else self._chosen
        self.supervisor = Supervisor(chosen, self.logs, changed=self._write_state, say=self._say)
        try:
            self.supervisor.start()
        except BaseException:
            self.stop()
            raise

    def _prepared(self) -> Sequence[Program]:
        render(self._source, self.config, self.addresses.of_containers())
        self.data.mkdir(parents=True, exist_ok=True)
        return programs(self.addresses, self.config, self.data)

    def stop(self) -> None:
        """End everything, the newest first, so that what is on its way still arrives."""
        self.supervisor.stop()
        self.state_file.unlink(missing_ok=True)

    def _write_state(self) -> None:
        state = {
            "supervisor": os.getpid(),
            "programs": {r.program.name: r.process.pid for r in self.supervisor.running},
            "addresses": asdict(self.addresses),
        }
        self.state_file.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")

    def __enter__(self) -> Self:
        """Start everything, as :meth:`start` does."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything, whatever happened inside."""
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
    comes_true(
        lambda: not any(_signal(pid, 0) for pid in pids), STOP_S * max(1, len(state["programs"]))
    )
    state_file.unlink(missing_ok=True)
    return True


def _signal(pid: int, number: int) -> bool:
    """Whether there is such a process; it is sent the signal."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
        return True
    return False
