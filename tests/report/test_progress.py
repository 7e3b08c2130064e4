"""The view of a run: plain lines where nothing can be redrawn, a picture where it can."""

from dataclasses import replace
from io import StringIO

from simtraffic.report.progress import ProgressView, line, picture
from simtraffic.report.snapshot import SignalStand, Snapshot
from simtraffic.report.tables import to_text
from tests.report.results import a_plan

SECOND = 1_000_000_000
SNAPSHOT = Snapshot(
    elapsed_ns=72 * SECOND,
    duration_ns=200 * SECOND,
    asked_rate=50.0,
    reached_rate=49.83,
    requests=3_012,
    failed=124,
    spans_per_second=151.2,
    signals={
        "traces": SignalStand(9_036, 8_990, 0, 0, 0),
        "metrics": SignalStand(900, 800, 5, 70, 20),
        "logs": SignalStand(12, 12, 0, 0, 0),
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


def test_a_state_in_one_line():
    assert line(SNAPSHOT) == (
        "1m12s of 3m20s steady; asked 50/s, reached 49.8/s; 3,012 requests, 4.12 % failed;"
        " 151 spans/s; traces 8,990 of 9,036 accepted;"
        " metrics 800 of 900 accepted, 5 rejected, 70 failed, 20 dropped;"
        " logs 12 of 12 accepted; lateness p99 11.3 ms max 20.1 ms; incident openai-brownout"
    )


def test_before_anything_was_late_nothing_is_said_of_it():
    early = replace(SNAPSHOT, lateness_p99_ms=None, lateness_max_ms=None, incidents=())

    assert line(early).endswith("lateness p99 – max –")


def test_what_is_under_way_is_queued():
    assert SNAPSHOT.signals["metrics"].queued == 5


def test_plain_lines_come_every_five_seconds():
    stream, clock = StringIO(), HandClock()

    with ProgressView(stream, live=False, name="ramp", now=clock) as view:
        for tenth in range(120):
            clock.at = tenth / 10
            view.update(SNAPSHOT)

    assert stream.getvalue().count("\n") == 3  # at 0 s, 5 s and 10 s
    assert "\x1b" not in stream.getvalue()


def test_what_is_said_comes_between_the_lines():
    stream = StringIO()

    with ProgressView(stream, live=False, name="ramp", now=HandClock()) as view:
        view.say("sending to http://localhost:4317")

    assert stream.getvalue() == "sending to http://localhost:4317\n"


def test_the_picture_shows_rate_ledger_lateness_and_incident():
    text = to_text(picture(SNAPSHOT, "ramp", a_plan().curve, 80), 80)

    lines = text.splitlines()
    assert lines[0] == "ramp  steady  1m12s of 3m20s  incident openai-brownout"
    assert lines[3].index("▲") == int(0.36 * 78)
    assert "asked 50/s  reached 49.8/s  requests 3,012  failed 4.12 %  151 spans/s" in text
    assert "metrics        900       800         5      70       20       5" in text
    assert "lateness p99 11.3 ms, max 20.1 ms; 12.3 kB queued" in text
    assert max(len(row) for row in lines) <= 80


def test_a_drain_beyond_the_end_keeps_its_mark_inside():
    late = replace(SNAPSHOT, elapsed_ns=230 * SECOND, draining=True, stage="")

    text = to_text(picture(late, "ramp", a_plan().curve, 80), 80)

    assert "draining" in text
    assert text.splitlines()[3].index("▲") == 77


def test_the_live_picture_is_taken_away_in_the_end(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    stream = StringIO()

    with ProgressView(stream, live=True, name="ramp", curve=a_plan().curve) as view:
        view.update(SNAPSHOT)
        view.say("a note")
        drawn = stream.getvalue()

    assert "reached 49.8/s" in drawn
    assert "\x1b[?25l" in drawn, "the cursor is hidden while it draws"
    assert stream.getvalue().rstrip().endswith("\x1b[2K")
    assert "\x1b[?25h" in stream.getvalue()
