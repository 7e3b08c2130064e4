"""Drawings, compared with golden text; REWRITE_GOLDEN=1 writes it anew, for reviewed changes."""

import os
from pathlib import Path

import pytest
from rich.console import Console

from simtraffic.report.plan_view import plan_view
from simtraffic.report.render import summary
from simtraffic.report.result import SignalResult, TrafficResult
from simtraffic.report.tables import to_text
from tests.report.results import a_failed_result, a_plan, a_result

GOLDEN = Path(__file__).parent / "golden"
DRAWN = {
    "passed": lambda width: summary(a_result(), width),
    "failed": lambda width: summary(a_failed_result(), width),
    "plan": lambda width: plan_view(a_plan(), width),
}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", DRAWN)
def test_drawings_look_like_this(name, width):
    text = to_text(DRAWN[name](width), width)

    path = GOLDEN / f"{name}-{width}.txt"
    if os.environ.get("REWRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), (
        "the drawing has changed: if it should, make golden"
    )


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
@pytest.mark.parametrize("name", DRAWN)
def test_no_line_is_wider_than_the_terminal_and_no_figure_is_cut(name, width):
    lines = to_text(DRAWN[name](width), width).splitlines()

    assert max(len(line) for line in lines) <= width
    if width >= 80:
        figures = [line for line in lines if "…" in line and "stages" not in line]
        assert figures == []


def test_the_verdict_comes_first():
    assert to_text(summary(a_failed_result())).startswith("FAILED ramp")


def test_the_drawn_ledger_balances():
    text = to_text(summary(a_failed_result()))

    (row,) = [line for line in text.splitlines() if line.strip().startswith("traces spans")]
    generated, *others = [int(word.replace(",", "")) for word in row.split()[2:]]
    assert generated == sum(others)


def test_what_was_wrong_on_purpose_is_told_where_it_was_wanted():
    calm, wrong = (
        to_text(summary(a_result(imperfections=counts), 80), 80)
        for counts in (None, {"late_spans": 1_234, "missing_roots": 0})
    )

    assert "on purpose" not in calm
    said = wrong.partition("Wrong on purpose")[2].split()
    assert said[:2] == ["late_spans", "1,234"]
    assert "missing_roots" not in wrong


def test_a_plain_stream_gets_no_escape_codes():
    assert "\x1b" not in to_text(summary(a_failed_result()))


def test_a_terminal_gets_colour_unless_it_is_told_not_to(monkeypatch):
    def drawn():
        console = Console(force_terminal=True, color_system="standard", width=80, record=True)
        with console.capture() as captured:
            console.print(summary(a_failed_result(), 80))
        return captured.get()

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[31m" in drawn() or "\x1b[1;31m" in drawn()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "31m" not in drawn()


def test_words_of_the_scenario_are_no_markup():
    """A reason or a name with brackets is shown as it is."""
    result = a_result(reasons=("odd [bold]reason[/bold]",), scenario="[red]x")

    text = to_text(summary(result))

    assert "odd [bold]reason[/bold]" in text
    assert "[red]x" in text


def test_huge_counts_are_not_cut_at_eighty_columns():
    huge = SignalResult("data_points", 9_999_999_999, 9_999_999_998, 0, 1, 0, 10**6, 0, 10**13)
    result = a_result(signals={"metrics": huge})

    assert "9,999,999,999" in to_text(summary(result, 80), 80)


def test_long_tables_say_how_much_they_leave_out():
    rows = tuple(TrafficResult("chat", "openai", f"model-{n}", n) for n in range(50))

    text = to_text(summary(a_result(traffic=rows)))

    assert "and 30 more rows" in text
    assert "model-49" in text


def test_a_plan_of_nothing_is_still_drawn():
    text = to_text(plan_view(a_plan(curve=(), stages=(), traffic=(), incidents=(), notes=())))

    assert "ramp" in text


@pytest.mark.parametrize("width", [40, 80])
def test_a_late_incident_keeps_its_name_within_the_picture(width):
    plan = a_plan()
    late = a_plan(
        incidents=tuple(
            type(plan.incidents[0])(f"a-rather-long-name-{n}", start, 10.0)
            for n, start in enumerate((0.0, 95.0, 190.0, 199.9))
        )
    )

    text = to_text(plan_view(late, width), width)

    assert max(len(line) for line in text.splitlines()) <= width
    assert "━" in text
