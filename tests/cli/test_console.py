"""Where and how is printed."""

import io
import sys

import pytest

from simtraffic.cli import console
from simtraffic.report.tables import table


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def quiet_environment(monkeypatch):
    for name in ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "JENKINS_URL", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize(
    ("stream", "variables", "live"),
    [
        (Terminal(), {}, True),
        (io.StringIO(), {}, False),
        (Terminal(), {"CI": "true"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
    ],
    ids=["terminal", "pipe", "ci", "dumb"],
)
def test_a_picture_is_redrawn_on_a_terminal_alone(
    monkeypatch, quiet_environment, stream, variables, live
):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", stream)

    assert console.may_draw_live() is live


def drawn_on(monkeypatch, stream):
    drawing = table("name", "count")
    drawing.add_row("a" * 90, "1")
    monkeypatch.setattr(sys, "stdout", stream)
    console.show(drawing)
    return stream.getvalue()


def test_a_pipe_gets_plain_wide_text_without_trailing_spaces(monkeypatch, quiet_environment):
    text = drawn_on(monkeypatch, io.StringIO())

    assert "a" * 90 in text
    assert "\x1b" not in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_a_terminal_gets_styles(monkeypatch, quiet_environment):
    assert "\x1b[" in drawn_on(monkeypatch, Terminal())


def test_columns_may_be_set(monkeypatch, quiet_environment):
    monkeypatch.setenv("COLUMNS", "60")

    assert console.columns(io.StringIO()) == 60
