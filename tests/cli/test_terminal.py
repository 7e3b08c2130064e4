"""What a person sees: every command in a real terminal, from its first line to its end."""

import json
import re

import pytest

from simtraffic.collector import Collector
from simtraffic.collector.faults import parse_fault
from tests.cli.terminal import Terminal, play

SCENARIO = """\
version: 1
name: seen
load:
  arrivals: even
  start: 5/s
  stages: [{name: steady, duration: 2s, target: 20/s}]
traffic:
  - name: index
    workflow: embeddings
    share: 1
    tokens: embeddings
    models: {openai/text-embedding-3-small: 1}
errors: {overloaded: 0.01%}
incidents:
  - {name: brown-out, at: 500ms, duration: 1s, slowdown: 2}
"""
CTRL_C = b"\x03"
MARK = "▲".encode()
COLOUR = re.compile(r"\x1b\[(?:\d+;)*3\d")
OTHERS = [
    *("--help", "--version", "schema", "init mine", "check seen.yaml", "plan seen.yaml"),
    *("run --help", "run nothing.yaml", "run", "bogus"),
    *(f"show {what}" for what in ("catalog", "conventions", "scenarios", "metrics")),
]
WRONG = ("run nothing.yaml", "run", "bogus")


def press(keys):
    return lambda terminal: terminal.type(keys)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("terminal")
    (folder / "seen.yaml").write_text(SCENARIO, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def collector():
    with Collector("127.0.0.1:0", "127.0.0.1:0") as collector:
        yield collector


@pytest.fixture(scope="module")
def hanging():
    """A collector that answers nothing, so that a run has to drain."""
    with Collector("127.0.0.1:0", "127.0.0.1:0", faults=[parse_fault("kind=hang")]) as collector:
        yield collector


@pytest.fixture(scope="module")
def seen(folder, collector, hanging):
    """Everything at once, as most of the time is waiting."""
    run = ("run", "seen.yaml", "--endpoint", collector.grpc_endpoint)
    once = [(MARK, press(CTRL_C))]
    terminals: dict[int | str, Terminal] = {
        **{columns: Terminal(*run, columns=columns, folder=folder) for columns in (40, 80, 110)},
        "resized": Terminal(
            *run, columns=110, folder=folder, then=[(MARK, lambda t: t.resize(60))]
        ),
        "no colour": Terminal(*run, folder=folder, NO_COLOR="1"),
        "dumb": Terminal(*run, folder=folder, TERM="dumb"),
        "once": Terminal(*run, "--duration", "1m", folder=folder, then=once),
        "twice": Terminal(
            *("run", "seen.yaml", "--endpoint", hanging.grpc_endpoint, "--duration", "1m"),
            folder=folder,
            then=[*once, (b"stopping", press(CTRL_C))],
        ),
        "hung up": Terminal(
            *(*run, "--duration", "1m", "--result", "hung-up.json"),
            folder=folder,
            then=[(MARK, Terminal.hang_up)],
        ),
    }
    play(*terminals.values())
    return terminals


@pytest.mark.parametrize("columns", [40, 80, 110])
def test_a_run_ends(seen, columns):
    terminal = seen[columns]

    assert terminal.code == 0, terminal.screen()
    assert terminal.screen().splitlines()[-1].strip()


@pytest.mark.parametrize("columns", [40, 80, 110])
def test_a_run_is_seen_to_go_on(seen, columns):
    frames = [frame for frame in seen[columns].frames() if "▲" in frame]

    marks = {frame.splitlines()[at].index("▲") for frame in frames for at in [_row_of_mark(frame)]}
    assert len(marks) > 3, "the mark moves"
    assert any("brown-out" in frame for frame in frames)
    assert any("█" in frame for frame in frames), "the curve"
    assert any("accepted" in frame and "traces" in frame for frame in frames), "the balance"
    assert any("lateness p99" in frame for frame in frames)
    assert any(" left" in frame and " %" in frame for frame in frames)


def _row_of_mark(frame):
    return next(at for at, line in enumerate(frame.splitlines()) if "▲" in line)


@pytest.mark.parametrize("which", [40, 80, 110, "resized", "no colour", "once"], ids=str)
def test_nothing_of_the_picture_is_left(seen, which):
    terminal = seen[which]

    assert "▲" not in terminal.screen()
    assert terminal.words.count("\x1b[?25l") == 1
    assert terminal.words.rindex("\x1b[?25h") > terminal.words.rindex("\x1b[?25l")


@pytest.mark.parametrize("columns", [40, 80, 110])
def test_no_line_of_the_picture_is_wider_than_the_terminal(seen, columns):
    frames = [frame for frame in seen[columns].frames() if "▲" in frame]

    # A wider line would wrap, and its rest stand in a row of its own.
    curves = [line for frame in frames for line in frame.splitlines() if "█" in line]
    assert {len(line) for line in curves} == {columns}


def test_a_narrower_terminal_gets_a_narrower_picture(seen):
    terminal = seen["resized"]
    after = terminal.words[terminal.words.index("▲") + 1 :]

    assert terminal.code == 0
    curves = [line for line in re.split(r"[\r\n]+", after) if "█" in line]
    assert len(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", curves[-1])) == 60


def test_no_colour_is_used_where_none_is_wanted(seen):
    assert COLOUR.search(seen[80].words)
    assert not COLOUR.search(seen["no colour"].words)


def test_a_dumb_terminal_gets_lines_alone(seen):
    terminal = seen["dumb"]

    assert terminal.code == 0
    assert "\x1b" not in terminal.words
    assert "PASSED seen" in terminal.words


def test_ctrl_c_drains_and_reports(seen):
    terminal = seen["once"]

    assert terminal.code == 130
    screen = terminal.screen()
    assert "stopping: no more arrivals, draining; once more leaves at once" in screen
    assert "^C" not in screen.split("stopping")[1]
    assert "INTERRUPTED seen" in screen
    assert "planned" in screen


def test_ctrl_c_twice_leaves_at_once(seen):
    terminal = seen["twice"]

    assert terminal.code == 130
    assert any("stopping" in frame and "▲" in frame for frame in terminal.frames())
    assert "left at once: " in terminal.screen()
    assert "Ledger" not in terminal.screen()
    assert "▲" not in terminal.screen()
    assert "Traceback" not in terminal.words
    assert terminal.words.rindex("\x1b[?25h") > terminal.words.rindex("\x1b[?25l")


def test_a_terminal_that_is_closed_ends_the_run_in_good_order(seen, folder):
    assert seen["hung up"].code == 130
    result = json.loads((folder / "hung-up.json").read_text(encoding="utf-8"))

    assert result["verdict"] == "interrupted"
    schedule = result["schedule"]
    assert schedule["planned"] == schedule["generated"] + schedule["skipped"]


@pytest.fixture(scope="module")
def others(folder):
    """Each in a narrow terminal or in a usual one, by turns."""
    terminals = {
        words: Terminal(*words.split(), columns=80 if number % 2 else 40, folder=folder)
        for number, words in enumerate(OTHERS)
    }
    listening = ("--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0")
    terminals["collect"] = Terminal(
        *("collect", *listening), folder=folder, then=[(b"collecting", press(CTRL_C))]
    )
    play(*terminals.values())
    return terminals


@pytest.mark.parametrize("words", [*OTHERS, "collect"])
def test_every_other_command_ends(others, words):
    terminal = others[words]

    assert terminal.code == (2 if words in WRONG else 0), terminal.words
    assert terminal.words.strip()
    assert "Traceback" not in terminal.words
