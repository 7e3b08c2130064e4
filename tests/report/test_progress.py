"""The view of a run: plain lines where nothing can be redrawn, a picture where it can."""

from dataclasses import replace
from io import StringIO

import pytest
from rich.text import Text

from simtraffic.ledger import SignalCounts
from simtraffic.report.live_picture import LivePicture
from simtraffic.report.progress import ProgressView, balance, line, picture
from simtraffic.report.tables import to_text
from simtraffic.result.plan import CurvePoint
from simtraffic.result.snapshot import Snapshot
from tests.result.results import a_plan

SECOND = 1_000_000_000
SNAPSHOT = Snapshot(
    elapsed_ns=72 * SECOND,
    duration_ns=200 * SECOND,
    asked_rate=50.0,
    reached_rate=49.83,
    expected_rate=50.0,
    requests=3_012,
    failed=124,
    spans_per_second=151.2,
    signals={
        "traces": SignalCounts("spans", 9_036, 8_990, 0, 0, 0),
        "metrics": SignalCounts("data_points", 900, 800, 5, 70, 20),
        "logs": SignalCounts("log_records", 12, 12, 0, 0, 0),
    },
    queued_bytes=12_345,
    lateness_p99_ms=11.3,
    lateness_max_ms=20.14,
    stage="steady",
    incidents=("openai-brownout",),
)


class HandClock:
    """Seconds that a test moves."""

    def __init__(self):
        self.at = 0.0

    def __call__(self):
        return self.at


def test_a_state_in_one_short_line():
    assert line(SNAPSHOT) == (
        "1m12s of 3m20s, 36 %, steady; reached 49.8/s of 50.0/s; 4.12 % failed;"
        " 9,802 of 9,948 accepted; 5 metrics rejected, 70 metrics failed,"
        " 20 metrics dropped; late 11.3 ms; incident openai-brownout"
    )


def test_a_line_without_trouble_fits_a_log():
    calm = {name: SignalCounts(name, 9_999_999, 9_999_999) for name in SNAPSHOT.signals}

    assert len(line(replace(SNAPSHOT, signals=calm, incidents=()))) <= 120


def test_at_full_speed_nothing_is_asked_for_and_nothing_late():
    fast = replace(SNAPSHOT, factor=0.0, pace=140.0, incidents=(), lateness_p99_ms=None)

    assert line(fast).startswith(
        "1m12s of 3m20s simulated, 36 %, steady; 3,012 requests, 151 spans/s; 4.12 % failed;"
    )
    assert "asked" not in line(fast)
    assert "; late" not in line(fast)
    text = to_text(picture(fast, "ramp", (), 80), 80)
    assert "lateness" not in text
    assert "0s left" not in text
    assert " 1s left" in text, "128 s at 140 to a second"


def test_before_anything_was_late_nothing_is_said_of_it():
    early = replace(SNAPSHOT, lateness_p99_ms=None, lateness_max_ms=None, incidents=())

    assert line(early).endswith("late –")


def test_the_last_words_hold_everything_that_is_counted():
    assert balance(SNAPSHOT) == (
        "1m12s of 3m20s steady; 3,012 requests, 4.12 % failed;"
        " traces 8,990 of 9,036 accepted;"
        " metrics 800 of 900 accepted, 5 rejected, 70 failed, 20 dropped;"
        " logs 12 of 12 accepted"
    )


@pytest.mark.parametrize(("elapsed_s", "share"), [(0, "0 %"), (199.9, "99 %"), (200, "100 %")])
def test_nothing_is_whole_before_it_is(elapsed_s, share):
    at = replace(SNAPSHOT, elapsed_ns=int(elapsed_s * SECOND))

    assert f", {share}, " in line(at)


def test_what_is_under_way_is_queued():
    assert SNAPSHOT.signals["metrics"].queued == 5


def test_lines_come_every_five_seconds_for_a_minute_and_then_every_thirty():
    stream, clock, at = StringIO(), HandClock(), []

    with ProgressView(stream, live=False, name="ramp", now=clock) as view:
        for tenth in range(2000):
            clock.at = tenth / 10
            before = stream.getvalue()
            view.update(SNAPSHOT)
            if stream.getvalue() != before:
                at.append(clock.at)

    assert at == [*range(5, 61, 5), 90, 120, 150, 180]
    assert "\x1b" not in stream.getvalue()


def test_what_is_said_comes_between_the_lines():
    stream = StringIO()

    with ProgressView(stream, live=False, name="ramp", now=HandClock()) as view:
        view.say("sending to http://localhost:4317")

    assert stream.getvalue() == "sending to http://localhost:4317\n"


def test_the_picture_shows_rate_ledger_lateness_and_incident():
    text = to_text(picture(SNAPSHOT, "ramp", a_plan().curve, 80), 80)

    lines = text.splitlines()
    assert lines[0] == "ramp  steady  1m12s of 3m20s  36 %  2m08s left"
    assert lines[1] == "incident openai-brownout"
    assert lines[4].index("▲") == int(0.36 * 80)
    assert max(len(line) for line in lines[2:4]) == 80, "the curve takes the whole width"
    assert "reached 49.8/s of 50.0/s  requests 3,012  failed 4.12 %  151 spans/s" in text
    assert "metrics        900       800       5         5      70       20" in text
    assert "lateness p99 11.3 ms, max 20.1 ms; 12.3 kB queued" in text
    assert max(len(row) for row in lines) <= 80


def test_a_rate_that_is_held_is_a_line_and_no_wall():
    held = (CurvePoint(0.0, 5.0), CurvePoint(200.0, 5.0))

    text = to_text(picture(SNAPSHOT, "ramp", held, 80), 80)

    assert text.count("▄") == 80
    assert "█" not in text


@pytest.mark.parametrize("columns", [1, 10, 20, 40, 60, 80, 110, 200])
def test_no_figure_of_the_picture_is_cut_whatever_the_width(columns):
    text = to_text(picture(SNAPSHOT, "ramp", a_plan().curve, columns), columns)

    assert max(len(row) for row in text.splitlines()) <= columns
    if columns >= 20:
        for name, stand in SNAPSHOT.signals.items():
            assert name in text
            assert f"{stand.accepted:,}" in text
            assert f"{stand.generated:,}" in text
        assert "…" not in text


def test_a_drain_beyond_the_end_keeps_its_mark_inside():
    late = replace(SNAPSHOT, elapsed_ns=230 * SECOND, draining=True, stage="", incidents=())

    text = to_text(picture(late, "ramp", a_plan().curve, 80), 80)

    assert "draining  3m20s of 3m20s  100 %" in text
    assert "left" not in text
    assert text.splitlines()[3].index("▲") == 79


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    return StringIO()


def test_the_live_picture_is_taken_away_in_the_end(terminal):
    with ProgressView(terminal, live=True, name="ramp", curve=a_plan().curve) as view:
        view.update(SNAPSHOT)
        view.say("a note")
        drawn = terminal.getvalue()

    assert "reached 49.8/s" in drawn
    assert drawn.startswith("\x1b[?25l"), "the cursor is hidden while it draws"
    assert terminal.getvalue().endswith("\x1b[1A\x1b[2K\x1b[?25h")


def test_what_is_said_on_a_terminal_breaks_between_words(terminal):
    with ProgressView(terminal, live=True, name="ramp") as view:
        view.say(
            "traces: OTLP/gRPC to http://127.0.0.1:4317 (built-in, as nothing listens on its port)"
        )

    assert terminal.getvalue() == (
        "traces: OTLP/gRPC to http://127.0.0.1:4317 (built-in, as nothing listens on its\n  port)\n"
    )


def test_a_note_stands_in_the_picture_and_stays_behind(terminal):
    with ProgressView(terminal, live=True, name="ramp") as view:
        view.update(SNAPSHOT)
        view.note = "stopping"
        view.say("a line")
        assert "stopping" in terminal.getvalue()

    assert terminal.getvalue().endswith("stopping\n")


def test_a_narrower_terminal_has_more_rows_to_erase(terminal):
    frame = LivePicture(terminal, lambda _width: Text("x" * 80))
    frame.open()

    frame._console.width = 30
    frame.close()

    assert terminal.getvalue().endswith("x" * 80 + "\r\x1b[2K" + "\x1b[1A\x1b[2K" * 2 + "\x1b[?25h")


def test_a_picture_that_is_taller_than_the_terminal_keeps_its_head(terminal, monkeypatch):
    monkeypatch.setenv("LINES", "5")
    frame = LivePicture(terminal, lambda _width: Text("\n".join("abcdefgh")))

    frame.open()
    frame.close()

    assert "d" in terminal.getvalue()
    assert "e" not in terminal.getvalue()


def test_it_is_left_while_somebody_else_draws(terminal):
    frame = LivePicture(terminal, lambda _width: Text("drawing"))
    frame.open()
    # As when the signal comes in the middle of a drawing.
    with frame._lock:
        frame.leave()

    drawn = terminal.getvalue()
    frame.close()
    assert drawn.count("drawing") >= 1
