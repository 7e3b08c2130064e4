"""A program is ready inside its context and gone after it, and says why when it is not."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from simtraffic.backends import programs
from simtraffic.backends.ports import listens
from simtraffic.backends.programs import Program, ProgramError, Running, comes_true
from simtraffic.backends.query import answers
from tests.backends.fake import failing, server

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_ready_inside_and_gone_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was asked to end, and settings of OpenTelemetry that are meant for us never reach it."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "ours")
    with Running(server(), tmp_path / "logs/server.log") as running:
        assert answers(running.addresses["http"])
        assert not running.has_ended()
    assert running.process.returncode == 0
    assert running.log.read_text().split() == ["hello", "farewell"]


def test_who_dies_before_it_is_ready_has_an_obituary(tmp_path: Path) -> None:
    lines = "print(*range(7), sep=chr(10), flush=True); sys.exit('no such storage')"
    broken = Running(failing(code=lines), tmp_path / "broken.log")
    with pytest.raises(ProgramError) as found, broken:
        pytest.fail("it must not come up")
    (line,) = str(found.value).splitlines()
    assert line == (
        "broken: ended with 1; 3 | 4 | 5 | 6 | no such storage;"
        f" the whole of it: {tmp_path}/broken.log"
    )


def test_who_says_nothing_and_dies_is_told_so(tmp_path: Path) -> None:
    broken = Running(failing(code="sys.exit(3)"), tmp_path / "broken.log")
    with pytest.raises(ProgramError, match="broken: ended with 3; it said nothing; "), broken:
        pytest.fail("it must not come up")


def test_who_is_never_ready_is_not_left_running(tmp_path: Path) -> None:
    busy = Running(server("busy", status=503), tmp_path / "busy.log", patience_s=0.6)
    said = r"busy: not ready after 0\.6 s; asked http://.*/ready; what it says: .*busy\.log"
    with pytest.raises(ProgramError, match=said), busy:
        pytest.fail("it must not come up")
    assert busy.has_ended()


def test_a_port_that_takes_connections_is_ready_enough(tmp_path: Path) -> None:
    busy = server("busy", status=503)
    address = busy.addresses["http"].removeprefix("http://")
    with Running(dataclasses.replace(busy, ready=(address,)), tmp_path / "busy.log") as running:
        assert running.is_ready()
        assert listens(int(address.partition(":")[2]))


def test_what_is_no_program_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=r"nothing: cannot be started; .*No such file"):
        Running(Program("nothing", (str(tmp_path / "none"),)), tmp_path / "log").start()


def test_who_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "STOP_S", 0.1)
    with Running(server("deaf", "stubborn"), tmp_path / "deaf.log") as running:
        pass
    assert running.process.returncode == -9


def test_who_was_killed_can_be_started_again_in_its_place(tmp_path: Path) -> None:
    with Running(server(), tmp_path / "server.log") as running:
        running.kill()
        assert not running.is_ready()
        assert "server: ended with -9; hello; " in running.obituary()
        running.start()
        running.await_ready()
        assert answers(running.addresses["http"])
    assert len(running.starts) == 2
    assert running.log.read_text().split() == ["hello", "hello", "farewell"]


def test_what_does_not_come_true_is_not_waited_for_for_ever() -> None:
    looks = iter([False, False, True])
    assert comes_true(lambda: next(looks), 10)
    assert not comes_true(lambda: False, 0.05)
