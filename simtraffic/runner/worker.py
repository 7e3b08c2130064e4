"""A process that plays one shard of a run for another process.

``python -m simtraffic.runner.worker FD``: an :data:`Assignment` comes over the connection at this
file descriptor, :data:`Report` messages go back. It ends by itself when the other end does.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from simtraffic.export.environment import silence_grpc

# The native library reads its verbosity while it is imported, and never again.
silence_grpc(os.environ)

from simtraffic.ledger import Ledger  # noqa: E402
from simtraffic.runner.destination import open_receiver  # noqa: E402
from simtraffic.runner.process import Process  # noqa: E402
from simtraffic.runner.setup import Setup  # noqa: E402
from simtraffic.runner.stop import StopSignal  # noqa: E402

if TYPE_CHECKING:
    from simtraffic.export.settings import ExportSettings
    from simtraffic.result.counts import RunCounts
    from simtraffic.runner.options import RunOptions
    from simtraffic.scenario import Scenario

    Assignment = tuple[Scenario, RunOptions, Mapping[str, ExportSettings]]
    """What to play, and how each signal reaches its receiver: secrets in it never touch a command
    line or a file."""
    Report = tuple[RunCounts | None, bool]
    """How it stands, nothing yet once it is ready; and whether this is the last word."""


def work(line: Connection) -> None:
    """Play what comes over the line."""
    assigned: Assignment = line.recv()
    scenario, options, settings = assigned
    setup = Setup.of(
        scenario, start=options.start, duration_ns=options.duration_ns, shard=options.shard
    )
    ledger, stop = Ledger(), StopSignal()
    delivery = open_receiver(settings, ledger, options.held_bytes)
    process = Process(
        setup=setup,
        options=options,
        factor=options.factor(is_file_only=False),
        ledger=ledger,
        outlets=[delivery],
        delivery=delivery,
        stop=stop,
        report=lambda counts: line.send((counts, False)),
    )
    line.send((None, False))
    if line.recv() != "go":
        return
    threading.Thread(target=_obey, args=(line, stop), daemon=True).start()
    process.through()
    delivery.drain(process.drain_s, process.look)
    delivery.close()
    line.send((process.counts(), True))


def _obey(line: Connection, stop: StopSignal) -> None:
    """Heed what is said while the work is done."""
    try:
        while True:
            if line.recv() == "stop":
                stop.request()
    except (EOFError, OSError):
        # Nobody is there to hear the end; what is held is lost with the run.
        os._exit(1)


def main() -> None:
    """Work at the file descriptor that is named on the command line."""
    try:
        work(Connection(int(sys.argv[1])))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        os._exit(1)
    # Not through the end of the interpreter, where the listening thread would race with it.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
