"""`python -m tools.screen`: pictures come from what a program wrote to a real terminal."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from tools.screen.__main__ import IMAGES, WIDTHS
from tools.screen.picture import drawn
from tools.screen.record import Frame, Lines, Piece, Style, Terminal, dim_as_blinking, record

if TYPE_CHECKING:
    from pathlib import Path

SVG = "{http://www.w3.org/2000/svg}"


def shown(written: bytes, columns: int = 80) -> Lines:
    terminal = Terminal(columns)
    terminal.feed(written)
    return terminal.lines()


def texts(picture: str) -> list[str]:
    """Each piece of text of a picture, in order."""
    root = ET.fromstring(picture)
    return ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]


def picture_of(*written: bytes, second_px: float = 1.0) -> str:
    frames = [Frame(float(n), shown(each)) for n, each in enumerate(written)]
    return drawn(frames, columns=80, command="simtraffic run smoke", second_px=second_px)


class TestTerminal:
    def test_what_is_written_over_is_gone(self) -> None:
        lines = shown(b"asked 1/s\r\nsecond\x1b[1A\r\x1b[2Kasked 2/s")

        assert [[piece.text for piece in line] for line in lines] == [["asked 2/s"], ["second"]]

    def test_colours_weight_and_dimness_are_kept_with_their_columns(self) -> None:
        (line,) = shown(b"\x1b[1;32mPASSED\x1b[0m smoke \x1b[2m6s\x1b[22m \x1b[38;5;2mx\x1b[0m")

        assert line[0] == Piece(0, "PASSED", Style(ink="green", bold=True))
        assert [piece for piece in line if piece.style.dim] == [Piece(13, "6s", Style(dim=True))]
        assert line[-1].column == 16

    @pytest.mark.parametrize(
        ("attributes", "expected"),
        [
            ((2,), [5]),
            ((1, 2), [1, 5]),
            ((22,), [22, 25]),
            ((38, 5, 2), [38, 5, 2]),
            ((38, 2, 2, 2, 2, 2), [38, 2, 2, 2, 2, 5]),
            ((), []),
        ],
    )
    def test_only_dim_becomes_blinking(
        self, attributes: tuple[int, ...], expected: list[int]
    ) -> None:
        assert dim_as_blinking(attributes) == expected

    def test_what_is_beyond_the_last_row_scrolls_away_at_the_top(self) -> None:
        terminal = Terminal(80, rows=2)
        terminal.feed(b"one\r\ntwo\r\nthree")

        assert [line[0].text for line in terminal.lines()] == ["two", "three"]

    def test_a_line_wraps_where_the_terminal_ends(self) -> None:
        assert len(shown(b"x" * 81, columns=80)) == 2
        assert len(shown(b"x" * 81, columns=110)) == 1


class TestRecording:
    @pytest.mark.parametrize("columns", [80, 110])
    def test_a_program_writes_to_a_terminal_of_the_width_that_is_recorded(
        self, columns: int, tmp_path: Path
    ) -> None:
        code = (
            "import os, sys;"
            "print(os.get_terminal_size().columns, *(sys.stderr.isatty(), os.listdir()));"
            "sys.exit(4)"
        )

        made = record(
            [sys.executable, "-c", code],
            columns=columns,
            every_s=0.5,
            folder=tmp_path,
            environment={"PATH": os.environ["PATH"]},
        )

        assert [[piece.text for piece in line] for line in made.frames[-1].lines] == [
            [f"{columns} True []"]
        ]
        assert made.exit_code == 4

    def test_a_program_that_does_not_end_is_ended(self, tmp_path: Path) -> None:
        with pytest.raises(TimeoutError, match=r"more than 0\.3 s"):
            record(
                [sys.executable, "-c", "input()"],
                columns=80,
                every_s=0.1,
                folder=tmp_path,
                environment={},
                longest_s=0.3,
            )


class TestPicture:
    def test_it_shows_the_command_and_every_word_of_the_last_frame(self) -> None:
        picture = picture_of(b"live", b"\x1b[1mPASSED\x1b[0m a < b & c")

        assert texts(picture)[0] == "$ simtraffic run smoke"
        assert texts(picture)[-2:] == ["PASSED", "a < b & c"]

    def test_it_asks_nothing_of_other_places(self) -> None:
        picture = picture_of(b"http://127.0.0.1:4317", b"end")

        assert re.findall(r"url\(|@import|href|<script|<image|<foreignObject", picture) == []
        addresses = re.findall(r'="(https?:[^"]*)"', picture)
        assert addresses == ["http://www.w3.org/2000/svg"]

    def test_without_animation_the_last_frame_alone_is_seen(self) -> None:
        picture = picture_of(b"one", b"two", b"three")

        plain = picture[: picture.index("@media")]
        assert ".f { visibility: hidden; }" in plain
        assert re.findall(r"\.f(\d+) \{ visibility: visible; \}", plain) == ["2"]
        assert "prefers-reduced-motion: no-preference" in picture

    def test_each_frame_is_seen_for_as_long_as_it_stood(self) -> None:
        picture = picture_of(b"one", b"two", b"three", second_px=0.5)

        assert set(re.findall(r"animation: k\d (\S+)s", picture)) == {"1.00"}
        assert "50.000%, 100.000% { visibility: visible; }" in picture

    def test_text_keeps_to_its_cells_whatever_font_is_found(self) -> None:
        root = ET.fromstring(picture_of(b"   indented"))
        (text,) = [each for each in root.iter(f"{SVG}text") if each.text == "indented"]

        assert float(text.attrib["x"]) == pytest.approx(3 * 8.4)
        assert float(text.attrib["textLength"]) == pytest.approx(8 * 8.4)

    def test_bars_are_shapes_without_gaps(self) -> None:
        picture = picture_of("a ▄▄█".encode())

        assert texts(picture)[1:] == ["a"]
        (bars,) = re.findall(r'<path d="(M[^"]*)" fill="#d5d9e0"', picture)
        assert bars == "M16.8 16v-9h16.8v9zM33.6 16v-18h8.4v18z"


@pytest.mark.parametrize("columns", WIDTHS)
def test_pictures_in_the_documents_are_of_a_run_that_passed(columns: int) -> None:
    """Made again by `make screen`."""
    picture = (IMAGES / f"run-{columns}.svg").read_text(encoding="utf-8")
    said = texts(picture)

    assert f'aria-label="A terminal of {columns} columns: ' in picture
    assert said[0].startswith("$ simtraffic run ")
    assert "PASSED" in said
    assert "Ledger" in said
    assert len(picture) < 300_000
