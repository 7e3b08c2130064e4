"""The first signal ends in good order, the second at once."""

import os
import signal

import pytest

from simtraffic.cli.signals import Interruption


class Told:
    """Writes down what is asked of it."""

    def __init__(self):
        self.words = []

    def request(self):
        self.words.append("stop")

    def farewell(self):
        self.words.append("farewell")

    def leave(self, code):
        self.words.append(code)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_asks_the_run_to_stop(number):
    told = Told()
    # Whoever runs the tests may ignore hangups.
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with Interruption(told.request, told.farewell, told.leave):
            os.kill(os.getpid(), number)
    finally:
        signal.signal(number, before)

    assert told.words == ["stop"]


def test_the_second_signal_says_farewell_and_leaves():
    told = Told()

    with Interruption(told.request, told.farewell, told.leave):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)

    assert told.words == ["stop", "farewell", 130]


def test_a_farewell_that_fails_does_not_keep_it_from_leaving():
    told = Told()

    def failing():
        raise BrokenPipeError

    with Interruption(told.request, failing, told.leave):
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(BrokenPipeError):
            os.kill(os.getpid(), signal.SIGINT)

    assert told.words == ["stop", 130]


def test_handlers_are_put_back():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    told = Told()

    with Interruption(told.request, told.farewell, told.leave):
        assert signal.getsignal(signal.SIGINT) != before[0]

    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_hangup_that_is_ignored_from_the_start_stays_ignored():
    told = Told()
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruption(told.request, told.farewell, told.leave):
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)

    assert told.words == []
