from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from simtraffic.collector import EmbeddedCollector
from simtraffic.errors import SimtrafficError
from simtraffic.export import Outcome
from simtraffic.export.connect import open_transport
from simtraffic.export.settings import ExportSettings
from simtraffic.signals import Chunk


def test_it_receives_and_tells_its_counts_at_the_end() -> None:
    with EmbeddedCollector() as collector:
        transport = open_transport({"logs": ExportSettings(collector.endpoint)})
        result = transport.send(Chunk.of("logs", b"", 0), 20.0)
        transport.close()
        counts = collector.stop()

    assert result.outcome is Outcome.ACCEPTED
    assert (counts["requests"], counts["log_records"], counts["faults"]) == (1, 0, [])
    assert collector.stop() is counts


def test_it_has_a_session_of_its_own_so_that_the_terminal_does_not_interrupt_it() -> None:
    with EmbeddedCollector() as collector:
        assert os.getsid(collector._process.pid) != os.getsid(0)


@pytest.mark.long
def test_it_ends_with_its_parent() -> None:
    script = (
        "from simtraffic.collector import EmbeddedCollector\n"
        "import os\n"
        "collector = EmbeddedCollector()\n"
        "print(collector._process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    pid = int(done.stdout)
    assert done.returncode == -signal.SIGKILL

    # The orphan is not our child, so its end can only be watched.
    watch = subprocess.run(
        ["timeout", "30", "tail", f"--pid={pid}", "-f", "/dev/null"], check=False
    )

    assert watch.returncode == 0


def test_a_process_that_does_not_start_is_told_with_what_to_do() -> None:
    with pytest.raises(SimtrafficError, match="did not start; exit code 2"):
        EmbeddedCollector(grpc="192.0.2.1:1")


def test_a_process_that_dies_is_told() -> None:
    collector = EmbeddedCollector()
    collector._process.kill()

    with pytest.raises(SimtrafficError, match="ended without its counts"):
        collector.stop()
