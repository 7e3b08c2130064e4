"""What people read after a run and before it, on real terminals that are wide and narrow."""

import re

import pytest

from tests.cli.terminal import Terminal, play

pytestmark = pytest.mark.long

WIDTHS = (40, 80, 110)
SCENARIO = """
version: 1
name: a-name-that-is-longer-than-a-narrow-terminal-is-wide
load: {arrivals: even, stages: [{name: hold, duration: 5s, rate: 10/s}]}
traffic:
  - name: chat
    workflow: chat
    share: 1
    tokens: chat
    models: {openai/gpt-4o-mini: 1, anthropic/claude-haiku-4.5: 1}
errors: {rate_limit: 50%}
imperfections: {duplicate_ids: 20%}
thresholds: ["requests > 1000"]
"""
NAME = "a-name-that-is-longer-than-a-narrow-terminal-is-wide"


@pytest.fixture(scope="module")
def screens(tmp_path_factory):
    """By command and width, all played at once."""
    folder = tmp_path_factory.mktemp("narrow")
    (folder / "s.yaml").write_text(SCENARIO, encoding="utf-8")
    commands = {
        "run": ("run", "s.yaml", "--speed", "max", "--out", "out.jsonl"),
        "plan": ("plan", "s.yaml"),
        "help": ("run", "--help"),
    }
    terminals = {
        (name, width): Terminal(*words, columns=width, folder=folder)
        for name, words in commands.items()
        for width in WIDTHS
        if name == "run" or width == 40
    }
    play(*terminals.values())
    assert {name: terminals[name, 40].code for name in commands} == {"run": 5, "plan": 0, "help": 0}
    return {key: terminal.screen() for key, terminal in terminals.items()}


@pytest.mark.parametrize("width", WIDTHS)
def test_the_last_thing_on_the_screen_is_the_verdict_with_what_was_found(screens, width):
    last = screens["run", width].rpartition("\nFAILED")[2]

    said = "".join(last.split())
    assert said == f"{NAME}:thresholdnotmet:requests>1000;found50"


@pytest.mark.parametrize("width", WIDTHS)
def test_signals_and_models_are_whole(screens, width):
    screen = screens["run", width]

    ledger = screen.partition("\nLedger\n")[2].partition("\n\n")[0].splitlines()
    for signal in ("traces", "metrics", "logs"):
        lines = [line for line in ledger if re.match(rf"  {signal} .*\d", line)]
        assert len(lines) == (1 if width >= 80 else 5)
    for model in ("openai/gpt-4o-mini", "anthropic/claude-haiku-4.5"):
        assert model in screen
    assert "…" not in screen


def test_a_plan_in_a_narrow_terminal_shows_rate_stage_and_models(screens):
    screen = screens["plan", 40]

    assert re.search(r"10\.0/s ┤█{29}$", screen, re.MULTILINE)
    assert re.search(r"│░{29}$", screen, re.MULTILINE), "a held rate is a line, not a wall"
    assert "│hold" in screen
    assert "anthropic/claude-haiku-4.5" in screen


def test_help_in_a_narrow_terminal_has_no_slivers_of_words(screens):
    lines = screens["help", 40].splitlines()

    assert "  --endpoint URL" in lines
    assert not [line for line in lines if re.match(r" {20,}\S", line)]
