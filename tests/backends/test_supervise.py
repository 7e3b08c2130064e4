"""Programs that are up together: in order, again when they end, but not for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simtraffic.backends import supervise
from simtraffic.backends.programs import ProgramError, Running
from simtraffic.backends.query import answers
from simtraffic.backends.supervise import Supervisor
from simtraffic.clock import Flag
from tests.backends.fake import failing, server

if TYPE_CHECKING:
    from pathlib import Path


def test_they_are_started_in_order_and_stopped_the_other_way_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[str] = []

    def stop(running: Running) -> None:
        stopped.append(running.program.name)
        end(running)

    end = Running.stop
    monkeypatch.setattr(Running, "stop", stop)
    said: list[str] = []
    numbers: list[list[int]] = []
    both = Supervisor(
        [server("first"), server("second")],
        tmp_path,
        changed=lambda: numbers.append([each.process.pid for each in both.running]),
        say=said.append,
    )
    with both:
        first, second = both.running
        assert both["second"] is second
    assert [line.split(" after ")[0] for line in said] == ["first is ready", "second is ready"]
    assert numbers == [[first.process.pid], [first.process.pid, second.process.pid]]
    assert stopped == ["second", "first"]
    assert first.has_ended()
    assert not both.running


def test_one_that_does_not_come_up_takes_the_others_with_it(tmp_path: Path) -> None:
    good = server("good")
    with (
        pytest.raises(ProgramError, match=r"broken: ended with 1; no such storage; .*broken\.log"),
        Supervisor([good, failing()], tmp_path),
    ):
        pytest.fail("it must not come up")
    assert not answers(good.addresses["http"])


def test_one_that_ends_is_started_again_but_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    with Supervisor([server()], tmp_path, say=said.append) as supervisor:
        (running,) = supervisor.running
        supervisor.revive()
        for _ in range(3):
            running.kill()
            supervisor.revive()
            running.await_ready()
        running.kill()
        with pytest.raises(ProgramError, match="started again 3 times in a minute, given up"):
            supervisor.revive()
        # What is long ago does not count.
        monkeypatch.setattr(supervise, "RESTARTS_WITHIN_S", 0.0)
        supervisor.revive()
        running.await_ready()
    assert len(said) == 5
    assert said[1].startswith("server: ended with -9; ")
    assert said[1].endswith("; started again")


def test_it_watches_until_it_is_told_to_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "_LOOK_S", 0.01)
    stop = Flag()

    def changed() -> None:
        if len(supervisor.running[0].starts) == 2:
            stop.set()

    supervisor = Supervisor([server()], tmp_path, changed=changed)
    with supervisor:
        supervisor["server"].kill()
        supervisor.watch(stop)
        assert len(supervisor["server"].starts) == 2
