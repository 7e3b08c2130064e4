"""Two seconds without an answer are told, with the cause, until there is one."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable

import pytest
from rich.console import Console

from simtraffic.export.queue import TROUBLE_AFTER_S, Queue
from simtraffic.report.progress import ProgressView, picture
from simtraffic.result.snapshot import Snapshot
from simtraffic.runner import RunOptions, run
from simtraffic.runner.counts import blank_counts
from simtraffic.runner.setup import Setup
from simtraffic.runner.watching import Watch
from simtraffic.scenario import parse_scenario
from tests.asking import Calls
from tests.export.doors import door, hangs_up
from tests.told import RICH

PLACE = "http://collector:4317"
REFUSED = f"nothing answers at {PLACE}: connection refused; is a collector running there?"


@pytest.fixture
def queue() -> Queue:
    receivers = dict.fromkeys(("traces", "metrics"), PLACE) | {"logs": "http://logs:1"}
    return Queue(threading.RLock(), 1000, 100, 1, receivers, 0.1)


def test_a_receiver_that_says_nothing_is_told_after_two_seconds(queue: Queue) -> None:
    queue.lanes["traces"].presence.ask(10.0)

    assert queue.trouble(10.0 + TROUBLE_AFTER_S - 0.01) == ""
    assert queue.trouble(10.0 + TROUBLE_AFTER_S) == f"{PLACE}: no answer as yet"


def test_the_cause_is_told_where_it_is_known_and_the_address_once(queue: Queue) -> None:
    lane = queue.lanes["traces"]
    for at, said in ((10.0, "UNAVAILABLE: busy"), (11.0, REFUSED)):
        lane.presence.ask(at)
        lane.trouble = said
        lane.presence.hear(at, settles=False)

    assert queue.trouble(12.0) == REFUSED
    lane.trouble = "UNAVAILABLE: busy"
    assert queue.trouble(12.0) == f"{PLACE}: UNAVAILABLE: busy"


def test_an_answer_ends_it_and_what_is_asked_still_begins_it_anew(queue: Queue) -> None:
    traces, logs = queue.lanes["traces"].presence, queue.lanes["logs"].presence
    traces.ask(10.0)
    traces.ask(10.0)
    traces.hear(11.9, settles=True)
    assert queue.trouble(13.0) == ""
    assert queue.trouble(13.9) != ""

    traces.hear(14.0, settles=True)
    assert queue.trouble(1000.0) == ""

    logs.ask(1000.0)
    assert queue.trouble(1002.0) == "http://logs:1: no answer as yet"


def test_workers_tell_it_too() -> None:
    setup = Setup.of(parse_scenario(RICH))
    merged, well, ill = (blank_counts(setup) for _ in range(3))
    ill.trouble = REFUSED
    merged.merge(well)
    merged.merge(ill)

    assert Watch(setup, []).snapshot(merged, 0.0).trouble == REFUSED


def snapshot(trouble: str) -> Snapshot:
    return Snapshot(10**9, 4 * 10**9, 1.0, 1.0, 1, 0, 1.0, trouble=trouble)


def test_a_log_has_a_line_of_it_at_once_and_once() -> None:
    seconds = iter(range(100))
    stream = io.StringIO()
    view = ProgressView(stream, live=False, name="x", now=lambda: next(seconds) / 10)

    for trouble in ("", REFUSED, REFUSED, REFUSED, "", REFUSED):
        view.update(snapshot(trouble))

    assert stream.getvalue().splitlines().count(REFUSED) == 2


def test_a_live_picture_has_it_as_long_as_it_lasts() -> None:
    def drawn(trouble: str) -> str:
        console = Console(file=io.StringIO(), width=200)
        with console.capture() as captured:
            console.print(picture(snapshot(trouble), "x", (), 200))
        return captured.get()

    assert REFUSED in drawn(REFUSED)
    assert "nothing answers" not in drawn("")


@pytest.mark.real
@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_tells_it_while_it_drains(workers: int) -> None:
    """At full speed nothing is left to do but to drain."""
    told: list[str] = []
    brief = RICH.replace("duration: 20s", "duration: 2s")

    see: Callable[[Snapshot], None] = lambda seen: told.append(seen.trouble)  # noqa: E731
    with door(hangs_up) as there:
        result = run(
            parse_scenario(brief),
            RunOptions(speed="max", workers=workers, drain_ns=4_000_000_000),
            endpoint=there.endpoint,
            watchers=[Calls(see=see)],
        )

    assert result.exit_code == 4
    assert any(
        line.startswith(there.endpoint) and "closes every connection" in line for line in told
    )
    assert len({loss.reason for loss in result.losses}) == 1
