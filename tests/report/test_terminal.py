"""Drawings, compared with golden text; REWRITE_GOLDEN=1 writes it anew, for reviewed changes."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from simtraffic.ledger import Loss, SignalCounts
from simtraffic.report.tables import to_text
from simtraffic.report.terminal import summary
from simtraffic.report.terminal_plan import plan_view
from simtraffic.result.rows import IncidentCounts, StageCounts, TrafficCounts, Window
from simtraffic.signals import UNITS
from tests.result.results import a_failed_result, a_plan, a_result

GOLDEN = Path(__file__).parent / "golden"
DRAWN = {
    "passed": lambda width: summary(a_result(), width),
    "failed": lambda width: summary(a_failed_result(), width),
    "plan": lambda width: plan_view(a_plan(), width),
}
AT = 1_767_225_600 * 10**9


def section_of(text, heading):
    """The lines of a section, stripped."""
    body = text.partition(f"\n{heading}\n")[2].partition("\n\n")[0]
    return [line.strip() for line in body.splitlines()]


@pytest.mark.parametrize("width", [40, 80, 110])
@pytest.mark.parametrize("name", DRAWN)
def test_drawings_look_like_this(name, width):
    text = to_text(DRAWN[name](width), width)

    path = GOLDEN / f"{name}-{width}.txt"
    if os.environ.get("REWRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), (
        "the drawing has changed: if it should, make golden"
    )


@pytest.mark.parametrize("width", [40, 47, 60, 73, 80, 95, 110, 120])
@pytest.mark.parametrize("name", DRAWN)
def test_no_line_is_wider_than_the_terminal_and_nothing_is_cut(name, width):
    text = to_text(DRAWN[name](width), width)

    assert max(len(line) for line in text.splitlines()) <= width
    assert "…" not in text


@pytest.mark.parametrize("width", [0, 1, 2, 7, 20, 39, 10_000])
@pytest.mark.parametrize("name", DRAWN)
def test_at_absurd_widths_names_and_figures_are_there_all_the_same(name, width):
    text = to_text(DRAWN[name](width), width)

    assert "anthropic/claude-sonnet-4.6" in text
    assert {"plan": "36,010"}.get(name, "34,215") in text


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_each_line_of_the_ledger_names_its_signal_beside_its_figures(width):
    """At 60 columns the signals were once written two letters a line."""
    lines = section_of(to_text(summary(a_failed_result(), width), width), "Ledger")

    with_figures = [line for line in lines if re.search(r"\d", line)]
    assert all(line.split()[0] in (*UNITS, "requests") for line in with_figures)
    said = " ".join(with_figures).split()
    for signal in a_failed_result().signals.values():
        assert f"{signal.generated:,}" in said
        assert f"{signal.dropped:,}" in said


@pytest.mark.parametrize("width", [40, 80, 110])
def test_names_are_never_broken_however_long_they_are(width):
    """The longest that a scenario may have, and such as are wider than they have letters."""
    long, wide = "x" * 61, "模型" * 12
    result = a_result(
        scenario=f"{long}abc",
        stages=(StageCounts(f"{long}sta", generated=5), StageCounts(wide, generated=5)),
        traffic=tuple(
            TrafficCounts(
                flow=f"flow-{flow}-{long}", provider="openai", model=f"{model}-{wide}", requests=7
            )
            for flow in range(20)
            for model in range(10)
        ),
        incidents=(replace(a_result().incidents[0], name=f"{long}inc"),),
    )

    text = to_text(summary(result, width), width)

    for name in (f"{long}abc", f"{long}sta", wide, f"flow-0-{long}", f"openai/3-{wide}"):
        assert name in text
    assert "and 180 more rows" in text


@pytest.mark.parametrize("width", [40, 80, 110])
def test_a_plan_has_every_name_whole(width):
    stages = tuple(
        StageCounts(
            f"stage-{n}-of-a-rather-long-name",
            Window(20 * n * 10**9, 20 * (n + 1) * 10**9),
            planned=5,
            target_rate=1.0,
            asked_rate=1.0,
        )
        for n in range(10)
    )

    text = to_text(plan_view(a_plan(stages=stages), width), width)

    assert all(stage.name in text for stage in stages)
    assert "…" not in text


def test_the_verdict_comes_first_and_last():
    lines = to_text(summary(a_failed_result(), 200), 200).splitlines()

    assert lines[0].startswith("FAILED ramp")
    assert lines[-1].startswith("FAILED ramp: 1,215 of 34,215 spans not delivered: UNAVAILABLE")


def test_the_last_line_of_a_run_that_passed_says_what_passed():
    lines = to_text(summary(a_result())).splitlines()

    assert lines[-1] == ("PASSED ramp: 11,034 requests, everything delivered, 3 thresholds met")


def test_a_missed_threshold_is_told_last_with_what_was_found():
    result = a_result(verdict="failed", reasons=("threshold not met: x < 1; found 2",))

    assert to_text(summary(result)).splitlines()[-1] == (
        "FAILED ramp: threshold not met: x < 1; found 2"
    )


def test_simulated_and_real_time_are_told_apart():
    quick = a_result(speed="max", generator=replace(a_result().generator, wall_seconds=6.1))

    assert to_text(summary(quick)).startswith("PASSED ramp  3m27s simulated in 6.10 s, seed 7")
    assert to_text(summary(a_result())).startswith("PASSED ramp  3m27s, seed 7")


def test_losses_of_several_signals_for_one_cause_are_one_row():
    lost = [
        Loss(signal, "failed", "connection refused", 100 + n, AT, AT)
        for n, signal in enumerate(UNITS)
    ]
    full = Loss("logs", "dropped", "queue full", 7, AT, AT)

    lines = section_of(to_text(summary(a_result(losses=(*lost, full)), 160), 160), "Losses")

    assert len(lines) == 3
    assert re.sub(" +", " ", lines[1]) == (
        "100 spans, 101 data points and 102 log records failed 00:00:00 connection refused"
    )


def test_faults_of_the_collector_are_told_in_words():
    faults = [
        {"message": "span id came twice in its trace", "count": 1_225},
        {"message": "span has no name", "count": 2},
    ]
    result = a_result(collector={"spans": 5, "faults": faults})

    lines = section_of(to_text(summary(result)), "Built-in collector")

    assert lines[1:] == [
        "faults   1,225 x span id came twice in its trace",
        "faults   2 x span has no name",
    ]


def test_what_was_wrong_on_purpose_is_no_fault_of_the_receiver():
    faults = [
        {"message": "span id came twice in its trace", "count": 25},
        {"message": "a: point is not newer than the last of its stream", "count": 2},
        {"message": "b: point is not newer than the last of its stream", "count": 3},
    ]
    wrong = {"duplicate_ids": 25, "out_of_order_points": 40}
    result = a_result(collector={"spans": 5, "faults": faults}, imperfections=wrong)

    lines = section_of(to_text(summary(result)), "Built-in collector")

    assert lines[1:] == [
        "faults      none",
        "on purpose  25 x span id came twice in its trace",
        "on purpose  5 x point is not newer than the last of its stream",
    ]


@pytest.mark.parametrize("name", DRAWN)
def test_nothing_is_shown_as_the_program_holds_it(name):
    """A word with an underline is a measure of a threshold, as the scenario has it."""
    text = to_text(DRAWN[name](110), 110)

    words = set(re.findall(r"\w+_\w+", text))
    assert words <= {"time_to_first_token", "error_share"}
    assert not re.search(r"None|[{}]|\w+\.\w+_|'\w+'", text)


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
    assert said[:3] == ["late", "spans", "1,234"]
    assert "missing" not in wrong


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
    huge = SignalCounts("data_points", 9_999_999_999, 9_999_999_998, 0, 1, 0, 10**6, 0, 10**13)
    result = a_result(signals={"metrics": huge})

    assert "9,999,999,999" in to_text(summary(result, 80), 80)


def test_long_tables_say_how_much_they_leave_out():
    rows = tuple(
        TrafficCounts(flow="chat", provider="openai", model=f"model-{n}", requests=n)
        for n in range(50)
    )

    text = to_text(summary(a_result(traffic=rows)))

    assert "and 30 more rows" in text
    assert "model-49" in text


def test_a_plan_of_nothing_is_still_drawn():
    text = to_text(plan_view(a_plan(curve=(), stages=(), traffic=(), incidents=(), notes=())))

    assert "ramp" in text


@pytest.mark.parametrize("width", [40, 80])
def test_a_late_incident_keeps_its_name_within_the_picture(width):
    late = a_plan(
        incidents=tuple(
            IncidentCounts(f"a-rather-long-name-{n}", Window(start, start + 10 * 10**9))
            for n, start in enumerate((0, 95 * 10**9, 190 * 10**9, 1999 * 10**8))
        )
    )

    text = to_text(plan_view(late, width), width)

    assert max(len(line) for line in text.splitlines()) <= width
    assert "━" in text
