from __future__ import annotations

import os
from pathlib import Path

import pytest

from simtraffic.errors import UsageError
from simtraffic.export.file import FileSink
from simtraffic.ledger import Ledger


def test_each_request_is_a_line_and_counted_as_accepted(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    ledger = Ledger()
    ledger.add_generated("traces", 3)
    ledger.add_generated("logs", 2)
    sink = FileSink.open(str(path), ledger)

    sink.write("traces", b'{"a":1}', 3, 30)
    sink.write("logs", b'{"b":2}\n', 2, 20)
    sink.close()

    assert path.read_bytes() == b'{"a":1}\n{"b":2}\n'
    assert ledger.balanced()
    assert ledger.delivered == 1.0
    assert (ledger.signals["traces"].requests, ledger.signals["traces"].bytes) == (1, 30)


def test_without_a_ledger_only_the_file_is_written(tmp_path: Path) -> None:
    sink = FileSink.open(str(tmp_path / "out"), None)

    sink.write("traces", b"{}", 1, 2)
    sink.close()

    assert (tmp_path / "out").read_bytes() == b"{}\n"


def test_a_path_that_cannot_be_written_is_a_fault_of_the_command_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--out .*missing/out: cannot be written; No such file"):
        FileSink.open(str(tmp_path / "missing" / "out"), None)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_ends_the_sink_and_every_line_is_still_counted() -> None:
    ledger = Ledger()
    ledger.add_generated("traces", 5)
    sink = FileSink.open("/dev/full", ledger)

    sink.write("traces", b"{}", 2, 2)
    sink.write("traces", b"{}", 3, 2)
    sink.close()

    assert sink.fatal == "/dev/full: cannot be written; No space left on device"
    assert ledger.balanced()
    entry = ledger.signals["traces"]
    assert (entry.failed, entry.dropped) == (2, 3)


def test_a_closed_pipe_ends_the_sink() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ledger = Ledger()
    ledger.add_generated("logs", 1)

    with os.fdopen(writing, "wb", buffering=0) as pipe:
        sink = FileSink(pipe, "standard output", ledger)
        sink.write("logs", b"{}", 1, 2)

    assert sink.fatal == "standard output: cannot be written; Broken pipe"
    assert ledger.balanced()


class Small:
    """A raw stream that takes three bytes a call, and only so many in all."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.content = b""

    def write(self, data: memoryview) -> int | None:
        if len(self.content) >= self.room:
            return None
        taken = bytes(data[:3])
        self.content += taken
        return len(taken)

    def flush(self) -> None:
        pass

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return len(self.content)

    def truncate(self, size: int) -> None:
        self.content = self.content[:size]


def test_a_stream_that_takes_little_at_a_time_gets_everything() -> None:
    stream = Small(100)

    FileSink(stream, "x", None).write("logs", b"0123456789", 1, 2)  # type: ignore[arg-type]

    assert stream.content == b"0123456789\n"


def test_half_a_line_is_taken_back() -> None:
    stream = Small(15)
    sink = FileSink(stream, "x", None, owned=True)  # type: ignore[arg-type]

    sink.write("logs", b"0123456789", 1, 2)
    sink.write("logs", b"0123456789", 1, 2)

    assert sink.fatal is not None
    assert stream.content == b"0123456789\n"
