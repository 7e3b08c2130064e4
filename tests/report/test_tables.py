"""Tables in whatever room there is: nothing broken, nothing cut, nothing lost."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from simtraffic.report.lines import packed, wrapped
from simtraffic.report.tables import Sum, Table, labelled, section, to_text
from tests.examples import examples

ROOMS = st.integers(0, 160)
WORD = st.text("abcdeé模-_/.", min_size=1, max_size=24)
FIGURE = st.integers(1, 10**12).map("{:,}".format)
SENTENCE = st.lists(WORD, min_size=1, max_size=12).map(" ".join)


@st.composite
def tables(draw):
    """Names, figures and perhaps words that go on, with some columns that may leave."""
    columns = draw(st.integers(1, 8))
    further = draw(st.lists(st.integers(1, columns), unique=True, max_size=columns))
    long = columns + 1 if draw(st.booleans()) else None
    heads = ("name", *(f"h{number}" for number in range(columns)), *(["why"] if long else []))
    table = Table(
        heads,
        words=(0, *([long] if long else [])),
        further=tuple(further),
        long=long,
        beside=draw(st.booleans()),
    )
    for _ in range(draw(st.integers(1, 4))):
        figures = [draw(FIGURE) for _ in range(columns)]
        sentence = [draw(SENTENCE)] if long else []
        name = draw(WORD)
        table.add_row(name, *figures, *sentence, notes=[Text(draw(SENTENCE))], brief=name[:3])
    return table


@given(tables(), ROOMS)
@examples(50)
def test_every_name_and_figure_is_whole_in_any_room(table, room):
    lines = [line.plain for line in table.lines(room)]

    words = set(" ".join(lines).replace(",\n", "\n").split())
    words |= {word.rstrip(",") for word in words}
    for row in table.rows:
        for cell in row.cells:
            assert set(cell.plain.split()) <= words


@given(tables(), st.integers(40, 160))
@examples(50)
def test_a_line_is_wider_than_the_room_for_a_single_word_alone(table, room):
    for line in table.lines(room):
        words = line.plain.split()
        assert cell_len(line.plain) <= room or len(words) == 1 or cell_len(words[-1]) > room - 12


@given(tables(), ROOMS)
@examples(50)
def test_every_head_of_a_figure_is_told_in_any_room(table, room):
    drawn = "\n".join(line.plain for line in table.lines(room))

    for number, head in enumerate(table.heads):
        if head and number not in {table.named, table.long}:
            assert head in drawn


@pytest.mark.parametrize("room", [*range(0, 60, 3), 80, 200])
def test_names_stand_beside_each_figure_where_they_have_to(room):
    table = Table(("", "generated", "= accepted"), beside=True)
    for name in ("traces", "metrics"):
        table.add_row(Text(f"{name} data points"), "1,234", "9,999,999", brief=name)

    lines = [line.plain.split() for line in table.lines(room)]

    shown = [line for line in lines if {"1,234", "9,999,999"} & set(line)]
    assert shown
    if room >= 32:
        assert all(line[0] in ("traces", "metrics") for line in shown)


def test_the_four_ways_of_a_table():
    table = Table(("model", "calls", "cost", "cached"), further=(3,))
    table.add_row("a-rather-long-name", "1,234", "$5.00", "12")

    assert [to_text(table, width).splitlines() for width in (43, 34, 22, 12)] == [
        [
            "model               calls   cost  cached",
            "a-rather-long-name  1,234  $5.00      12",
        ],
        [
            "model               calls   cost",
            "a-rather-long-name  1,234  $5.00",
            "  cached 12",
        ],
        ["model", "  calls   cost", "a-rather-long-name", "  1,234  $5.00", "  cached 12"],
        ["a-rather-long-name", "  calls", "    1,234", "  cost", "    $5.00", "  cached", "    12"],
    ]


def test_words_that_go_on_wrap_in_their_column_or_below_it():
    table = Table(("file", "lasts", "shows"), words=(0, 2), long=2)
    table.add_row("a.yaml", "5s", "one two three four five six seven")

    assert to_text(table, 42).splitlines() == [
        "file    lasts  shows",
        "a.yaml     5s  one two three four five six",
        "               seven",
    ]
    assert to_text(table, 30).splitlines() == [
        "file    lasts",
        "a.yaml     5s",
        "  one two three four five six",
        "  seven",
    ]


@given(SENTENCE, ROOMS)
@example("  set in and then some more words", 12)
def test_words_are_wrapped_between_words_alone(sentence, room):
    lines = [line.plain for line in wrapped(Text(sentence), room)]

    assert " ".join(lines).split() == sentence.split()
    assert all(cell_len(line) <= room or len(line.split()) == 1 for line in lines)


@given(st.lists(WORD, max_size=9), st.integers(1, 80))
def test_parts_are_broken_behind_commas_alone(parts, room):
    lines = packed(parts, room)

    assert " ".join(lines).split(", ") == (parts or [""])
    assert all(cell_len(line) <= room or line.rstrip(",") in parts for line in lines)


@pytest.mark.parametrize("room", [0, 1, 20, 40, 80])
def test_a_sum_names_itself_beside_each_term(room):
    lines = [
        line.plain for line in Sum("requests", (("planned", "5"), ("= made", "5"))).lines(room)
    ]

    assert all("requests" in line for line in lines if "5" in line) or room < 20
    assert {"planned", "5"} <= set(" ".join(lines).split())


@given(st.lists(st.tuples(WORD, SENTENCE), max_size=4), ROOMS)
@examples(50)
def test_what_is_said_of_names_is_said_in_any_room(rows, room):
    text = to_text(section("Run", labelled(rows)), room).split()

    for label, words in rows:
        assert {label, *words.split()} <= set(text)


def test_markup_and_line_feeds_in_words_mean_nothing():
    table = Table(("a", "b"), words=(0, 1), long=1)
    table.add_row("[red]x", "one\ntwo")

    assert to_text(table, 40).splitlines()[1] == "[red]x  one two"
