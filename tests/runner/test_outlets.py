from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from simtraffic.ledger import Ledger
from simtraffic.runner.cap import Cap
from simtraffic.runner.outlets import Outlets
from simtraffic.runner.stop import StopSignal
from simtraffic.signals import SIGNALS, Chunk, Form

if TYPE_CHECKING:
    from simtraffic.clock import Flag


@dataclass
class Noting:
    """Takes spans and log records in one form."""

    wanted: Form
    fatal: str | None = None
    taken: list[Chunk] = field(default_factory=list)

    def form(self, signal: str) -> Form:
        assert signal in SIGNALS
        return self.wanted

    def submit(self, chunk: Chunk, *, block: bool, stop: Flag) -> None:
        assert not block
        assert not stop.is_set()
        self.taken.append(chunk)


PROTOBUF = Chunk("traces", b"protobuf", 3, 8)
JSON = Chunk("traces", b"{json}", 3, 8, "json")
POINTS = Chunk("metrics", b"points", 5, 6)


def handed_over(ledger: Ledger, *outlets: Noting, cap: Cap | None = None) -> Outlets:
    """What a run hands over: each record once in every form that is wanted, points once."""
    every = Outlets(outlets, ledger, StopSignal().event, cap=cap)
    for form in every.forms:
        every.submit(JSON if form == "json" else PROTOBUF, block=False)
    every.submit(POINTS, block=False)
    return every


@pytest.mark.parametrize(
    "forms",
    [
        ("protobuf",),
        ("json",),
        ("protobuf", "json"),
        ("json", "protobuf"),
        ("protobuf", "protobuf"),
    ],
)
def test_what_is_handed_over_is_counted_once_in_whatever_form(forms: tuple[Form, ...]) -> None:
    ledger = Ledger()

    outlets = handed_over(ledger, *(Noting(form) for form in forms))

    assert outlets.forms == tuple(dict.fromkeys(forms))
    assert ledger.signals["traces"].generated == 3
    assert ledger.signals["metrics"].generated == 5


def test_each_outlet_gets_records_in_its_form_and_all_points() -> None:
    receiver, file = Noting("protobuf"), Noting("json")

    handed_over(Ledger(), receiver, file)

    assert receiver.taken == [PROTOBUF, POINTS]
    assert file.taken == [JSON, POINTS]


def test_what_is_beyond_the_cap_is_given_up_counted_and_ends_the_run() -> None:
    ledger, receiver = Ledger(), Noting("protobuf")

    outlets = handed_over(ledger, receiver, cap=Cap(most_spans=2))

    assert receiver.taken == [POINTS]
    assert (ledger.signals["traces"].generated, ledger.signals["traces"].dropped) == (3, 3)
    assert outlets.fatal == "stopped at --max-spans 2"


def test_a_copy_that_cannot_be_written_ends_the_run_too() -> None:
    outlets = handed_over(Ledger(), Noting("protobuf"), Noting("json", fatal="the disk is full"))

    assert outlets.fatal == "the disk is full"
