"""A process that plays one shard of a run for another process.

``python -m simtraffic.runner.worker FD``: the job comes over the connection at this file
descriptor, accounts go back. It ends by itself when the other end does.
"""

from __future__ import annotations

import os
import sys
import threading
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from simtraffic.export.environment import silence_grpc

# The native library reads its verbosity while it is imported, and never again.
silence_grpc(os.environ)

from simtraffic.ledger import Ledger  # noqa: E402
from simtraffic.runner.destination import open_receiver  # noqa: E402
from simtraffic.runner.job import Told  # noqa: E402
from simtraffic.runner.play import Play  # noqa: E402
from simtraffic.runner.setup import Setup  # noqa: E402
from simtraffic.runner.stop import StopSignal  # noqa: E402

if TYPE_CHECKING:
    from simtraffic.runner.job import Job


def work(line: Connection) -> None:
    """Play the job that comes over the line."""
    job: Job = line.recv()
    setup = Setup.of(
        job.scenario, start=job.start_unix_ns, duration_ns=job.duration_ns, shard=job.shard
    )
    ledger, stop = Ledger(), StopSignal()
    outlet = open_receiver(job.settings, ledger, job.queue_bytes)
    play = Play(
        setup=setup,
        ledger=ledger,
        outlets=[outlet],
        delivery=outlet.delivery,
        factor=job.factor,
        drain_ns=job.drain_ns,
        stop=stop,
        cap=job.cap,
        on_account=lambda account: line.send(Told(account)),
    )
    line.send(Told())
    if line.recv() != "go":
        return
    threading.Thread(target=_obey, args=(line, stop), daemon=True).start()
    play.through()
    outlet.delivery.drain(play.drain_s, play.look)
    outlet.delivery.close()
    line.send(Told(play.account(draining=True), is_last=True))


def _obey(line: Connection, stop: StopSignal) -> None:
    """Heed what is said while the job is done."""
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
