"""The doors to time."""

from __future__ import annotations

import signal

from simtraffic.clock import Flag, RealClock


def test_a_flag_set_by_a_signal_ends_a_wait() -> None:
    """Whatever the interrupted code holds: the handler takes no lock."""
    flag = Flag()
    before = signal.signal(signal.SIGALRM, lambda *_: flag.set())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        assert flag.wait(30.0)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert flag.is_set()


def test_a_flag_that_nobody_sets_is_waited_for_no_longer_than_asked() -> None:
    assert not Flag().wait(0.001)


def test_real_time_waits_for_the_simulated_moment() -> None:
    """A thousand simulated seconds to a real one: five pass in five milliseconds."""
    clock = RealClock(1000.0)

    clock.wait_until(5_000_000_000, Flag())

    assert clock.elapsed_ns() >= 5_000_000_000
