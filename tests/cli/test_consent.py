"""Before telemetry goes to another machine it is said, and asked where somebody can answer."""

from __future__ import annotations

import pytest
import typer

from simtraffic.cli import console
from simtraffic.cli.consent import Consent
from simtraffic.runner import plan
from simtraffic.scenario import parse_scenario
from tests.told import RICH


class Terminal:
    """Standard input and error of somebody who answers, or of nobody."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: str | None) -> None:
        self.said: list[str] = []
        self.asked = 0
        self._answer = answer
        monkeypatch.setattr("sys.stdin", self)
        monkeypatch.setattr(console, "people", lambda: self)
        monkeypatch.setattr(console, "tell", self.said.append)
        monkeypatch.setattr(typer, "confirm", self._confirm)

    def isatty(self) -> bool:
        return self._answer is not None

    def _confirm(self, _text: str, *, default: bool, err: bool) -> bool:
        assert (default, err) == (False, True)
        self.asked += 1
        return self._answer == "y"


def expected() -> object:
    return plan(parse_scenario(RICH))


def test_it_says_where_and_how_much_and_goes_on_when_told_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal(monkeypatch, "y")
    consent = Consent(is_given=False, quiet=False)

    consent.ask(["otel.example.com"], expected)  # type: ignore[arg-type]
    consent.ask(["otel.example.com"], expected)  # type: ignore[arg-type]

    assert terminal.asked == 1
    (line,) = terminal.said
    assert line.startswith("not this machine: otel.example.com; about 500 requests, ")
    assert "spans" in line
    assert "20s" in line


def test_a_no_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(monkeypatch, "n")

    with pytest.raises(typer.Exit) as caught:
        Consent(is_given=False, quiet=False).ask(["a"], expected)  # type: ignore[arg-type]

    assert caught.value.exit_code == 130
    assert terminal.said[-1] == "nothing was sent"


@pytest.mark.parametrize(("answer", "is_given"), [(None, False), ("n", True)])
def test_nobody_is_asked_without_a_terminal_or_with_yes(
    monkeypatch: pytest.MonkeyPatch, answer: str | None, is_given: bool
) -> None:
    terminal = Terminal(monkeypatch, answer)

    Consent(is_given=is_given, quiet=False).ask(["a"], expected)  # type: ignore[arg-type]

    assert terminal.asked == 0
    assert len(terminal.said) == 1


def test_quiet_means_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(monkeypatch, None)

    Consent(is_given=False, quiet=True).ask(["a"], expected)  # type: ignore[arg-type]

    assert terminal.said == []
