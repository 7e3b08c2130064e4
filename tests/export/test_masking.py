from __future__ import annotations

import base64
import traceback
from dataclasses import dataclass

import pytest

from simtraffic.export import Outcome, SendResult
from simtraffic.export.delivery import Delivery
from simtraffic.export.masking import MaskedTransport, secrets_of
from simtraffic.export.settings import ExportSettings
from simtraffic.ledger import Ledger
from simtraffic.signals import Chunk

TOKEN = "s3cr3t-token"
PAIR = base64.b64encode(b"user:open sesame").decode()
HEADERS = (("authorization", f"Bearer {TOKEN}"), ("x-key", f"Basic {PAIR}"), ("x-short", "abc"))
SETTINGS = ExportSettings("http://localhost:1", headers=HEADERS)
BATCH = Chunk.of("traces", b"x", 1)


@dataclass
class Telltale:
    """Repeats what it should not."""

    words: str
    raises: bool = False

    def send(self, batch: Chunk, timeout_s: float) -> SendResult:
        if self.raises:
            raise ValueError(self.words)
        return SendResult(Outcome.REJECTED, message=self.words)

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (f"no {TOKEN} here", "no *** here"),
        (f"header Bearer {TOKEN}", "header ***"),
        (f"{PAIR} and open sesame", "*** and ***"),
        ("abc is no secret", "abc is no secret"),
    ],
)
def test_an_answer_repeats_no_header(words: str, told: str) -> None:
    masked = MaskedTransport(Telltale(words), SETTINGS)

    assert masked.send(BATCH, 1.0) == SendResult(Outcome.REJECTED, message=told)


def test_an_error_repeats_no_header_and_neither_does_its_traceback() -> None:
    masked = MaskedTransport(Telltale(f"bad metadata: {TOKEN}", raises=True), SETTINGS)

    with pytest.raises(RuntimeError) as caught:
        masked.send(BATCH, 1.0)

    text = "".join(traceback.format_exception(caught.value))
    assert "ValueError: bad metadata: ***" in text
    assert TOKEN not in text


def test_an_error_without_a_secret_stays_what_it_is() -> None:
    masked = MaskedTransport(Telltale("plain", raises=True), SETTINGS)

    with pytest.raises(ValueError, match="plain"):
        masked.send(BATCH, 1.0)


def test_neither_the_ledger_nor_a_repr_holds_a_secret() -> None:
    ledger = Ledger()
    for raises in (False, True):
        transport = MaskedTransport(Telltale(f"{TOKEN}!", raises=raises), SETTINGS)
        delivery = Delivery(transport, ledger)
        ledger.add_generated("traces", 1)
        delivery.submit(BATCH)
        delivery.drain(20.0)
        delivery.close()
        told = f"{ledger.losses()} {delivery} {transport} {SETTINGS}"
        assert TOKEN not in told
        assert "***!" in told


def test_a_scheme_without_a_token_and_a_basic_that_is_none_are_taken_as_they_are() -> None:
    assert secrets_of(["Basic not*base64*at*all", "lonely-token"]) == (
        "Basic not*base64*at*all",
        "not*base64*at*all",
        "lonely-token",
    )
