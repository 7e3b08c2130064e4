"""YAML's own mistakes in human words, at the place where they are cured."""

from __future__ import annotations

import random  # noqa: TID251 - which texts are made, not what is simulated
import re

import pytest

from simtraffic.conventions.load import load_convention
from simtraffic.documents.document import read_document
from simtraffic.errors import FaultsError
from tests.examples import share_of
from tests.scenario.cases import GOOD, extended, faults
from tests.scenario.planted import BASE

OF_THE_PARSER = re.compile(
    r"while (scanning|parsing)|block (end|mapping|collection|node)|flow (mapping|sequence)"
    r"|simple key|any token|could not find|expected|not allowed here|indicator|scalar"
    r"|directive|yaml\.org"
)


def told(text):
    return [str(fault) for fault in read_document(text, "f", {}).faults]


ONE = [
    # Tabs.
    ("load:\n\tstart: 1/s\n", '2:1: a tab; found "start: 1/s"; YAML wants spaces to indent'),
    ("a:\t1\n", '1:3: a tab; found "1"; YAML wants spaces between its parts'),
    # Indentation.
    (
        "load:\n    start: 1\n   stages: 2\n",
        '3:4: begins at column 4, its neighbours at 5; found "stages: 2";'
        " indent it by 1 space more",
    ),
    (
        "load:\n  start: 1\n   stages: 2\n",
        '3:4: begins at column 4, its neighbours at 3; found "stages: 2";'
        " indent it by 1 space less",
    ),
    (
        "a:\n  - name: x\n      duration: 3\n",
        '3:7: begins at column 7, its neighbours at 5; found "duration: 3";'
        " indent it by 2 spaces fewer",
    ),
    (
        "a:\n   - x\n  - y\n",
        '3:3: begins at column 3, its neighbours at 4; found "- y"; indent it by 1 space more',
    ),
    (
        "  version: 1\nname: x\n",
        '1:3: begins at column 3, the lines below at 1; found "version: 1"; begin it at column 1',
    ),
    # Brackets and quotes, where they were opened.
    ("a: [1, 2\nb: 3\n", '1:4: a bracket that is never closed; found "[1, 2"; close it with ]'),
    ("a: {x: 1\nb: 3\n", '1:4: a brace that is never closed; found "{x: 1"; close it with }'),
    ("a: [1, 2\n", '1:4: a bracket that is never closed; found "[1, 2"; close it with ]'),
    (
        "s:\n  - {x: 1, y: 2\n  - {x: 2}\n",
        '2:5: a brace that is never closed; found "{x: 1, y: 2"; close it with }',
    ),
    ("a: [1]]\n", "1:7: a bracket that closes nothing; found ]; leave it out, or open it before"),
    (
        "a: {x: [1, 2}\n",
        "1:13: the [ of line 1, column 8 is closed by }; write ] before it",
    ),
    ('a: "x\nb: 1\n', '1:4: a quote that is never closed; found "x; close it with "'),
    ('a: "x\nb: "y"\n', '1:4: a quote that is never closed; found "x; close it with "'),
    ("a: 'x\nb: 1\n", "1:4: a quote that is never closed; found \"'x\"; close it with '"),
    (
        "a: 'it's fine'\n",
        '1:8: text after the quote that closes; found "s fine\'";'
        " inside single quotes write '' for '",
    ),
    (
        'a: "x" y\n',
        '1:8: text after the quote that closes; found "y"; put the whole value in quotes',
    ),
    ("a: {x: 1 y: 2}\n", '1:10: a comma is missing before this; found "y: 2}"; write one'),
    (
        "a: [\n  {x: 1}\n  {x: 2}\n]\n",
        '2:9: a comma is missing after this; found "{x: 1}"; write one',
    ),
    # Colons.
    ("version 1\nname: x\n", '1:1: a colon is missing; found "version 1"; write version: 1'),
    ("a: 1\nname x\n", '2:1: a colon is missing; found "name x"; write name: x'),
    ("load\n  start: 1\n", '1:1: a colon is missing; found "load"; write load:'),
    ("name = x\nb: 1\n", '1:1: a colon is missing; found "name = x"; write name: x'),
    (
        "name:x\nb: 1\n",
        '1:6: a space is missing after :; found "name:x"; write name: x',
    ),
    ("a: {b:1}\n", '1:5 a.b: a space is missing after :; found "b:1"; write b: 1'),
    (
        "a: Note: this\n",
        '1:8: a colon inside a value; found "Note: this"; put the value in quotes',
    ),
    ("a: {b: c: d}\n", '1:9: a colon inside a value; found "c: d"; put the value in quotes'),
    ("a\uff1a 1\nb: 1\n", '1:2: not the colon of YAML; found "a\uff1a 1"; write :'),
    # Values that begin with what YAML keeps for itself.
    *(
        (
            f"a: {value}\nb: 1\n",
            f'1:4: a value cannot start with {value[0]}; found "{value}"; put the value in quotes',
        )
        for value in ("@x", "`x`", "%x", "*", "**bold** x", "& x", "> 5", "|x", ", x", "? x")
    ),
    ("a: *x\n", "1:4 a: unknown alias; found *x; put it in quotes; an alias needs &x above it"),
    (
        "a: &x y\n",
        "1:4 a: an anchor without an alias; found &x;"
        " put the value in quotes, or leave the anchor out",
    ),
    (
        "a: !x y\n",
        "1:4 a: a tag that is not read; found !x; put the value in quotes, or leave the tag out",
    ),
    (
        "a: {{ name }}s\nb: 1\n",
        '1:4: a template is not filled in; found "{{ name }}s";'
        " write ${NAME}, or put it in quotes to mean it literally",
    ),
    (
        "{% if x %}\nb: 1\n",
        '1:1: a template is not filled in; found "{% if x %}";'
        " write ${NAME}, or put it in quotes to mean it literally",
    ),
    ("%x\nb: 1\n", '1:1: a line cannot start with %; found "%x"; write # before it'),
    ("// x\nb: 1\n", '1:1: a comment begins with #; found "// x"; write # there'),
    # Lists at wrong places.
    (
        "a: - x\nb: 1\n",
        '1:4: a list cannot begin on the line of its key; found "- x";'
        " write it on the lines below, or as [a, b]",
    ),
    (
        "load:\n  start: 1\n  - a: 1\n",
        '3:3: an item of a list among keys; found "- a: 1";'
        " write it below the key that it belongs to",
    ),
    (
        "a:\n  - x: 1\n  y: 2\n",
        '3:3: a key among the items of a list; found "y: 2";'
        " indent it by 2 spaces more for the item above, or less to end the list",
    ),
    (
        "a:\n  - x\n   - y\n",
        '3:4 a[0]: an item that YAML adds to the text above; found "- y";'
        " indent it as the items above, with a space after -",
    ),
    ("a:\n  - x\n  -y\nb: 1\n", '3:4: a space is missing after -; found "-y"; write - before it'),
    ("a:\n  -x: 1\n", '2:3 a: a space is missing after -; found "-x"; write - x'),
    # What another program left behind.
    ("a: 1\n---\nb: 1\n", "2:1: more than one document; keep one per file"),
    (
        "a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> x\n",
        '2:1: a merge conflict that is not resolved; found "<<<<<<< HEAD";'
        " keep one of the two versions and delete the marks",
    ),
    (
        "a:\u00a01\n",
        "1:3: a character that nobody sees; found U+00A0, no-break space; type a space over it",
    ),
    (
        "\u200ba: 1\n",
        "1:1: a character that nobody sees; found U+200B, zero width space; delete it",
    ),
    (
        "a: \u201cx: y\u201d\n",
        '1:4: quotes that YAML does not know; found "\u201cx: y\u201d"; write " or \'',
    ),
    (
        'a: "C:\\Users\\x"\n',
        '1:7: a backslash that means nothing in double quotes; found "\\U";'
        " write the value in single quotes, or each backslash twice",
    ),
    (
        'a: "C:\\data"\n',
        '1:7: a backslash that means nothing in double quotes; found "\\d";'
        " write the value in single quotes, or each backslash twice",
    ),
    ("a: 1\nb: \x07\n", "2:4: a character that YAML forbids; found U+0007; delete it"),
]


@pytest.mark.parametrize(("text", "line"), ONE, ids=[line.partition(";")[0] for _, line in ONE])
def test_a_mistake_is_one_fault_in_human_words(text, line):
    assert told(text) == [f"f:{line}"]


def test_line_ends_of_an_old_mac_are_read():
    assert faults(GOOD.replace("\n", "\r")) == []


@pytest.mark.parametrize(
    "text",
    [
        "a: |\n  x: y: z\n  \tb\n  {{ c }}\n  \u201cd\u201d\nb: 1\n",
        "a: 'x: y'  # it's {{ a }}: b\n",
        'a: "one\n  two: three"\nb: 1\n',
        "a: x\u00a0y \u201cquoted\u201d z\n",
        "a: [1,\n  2,\n  3]\nb: {x: 1,\n  y: 2}\n",
        "a: don't\nb: 5 > 3 & 2 | 1 % @ `\n",
        "a: -5\nb: '-x'\nc: --flag\n",
        "a: http://x:1/y#z\nb: '{{ x }}'\n",
    ],
)
def test_what_only_looks_like_a_mistake_is_none(text):
    assert told(text) == []


class TestSeveral:
    def test_every_tab_is_told_and_so_is_what_is_wrong_besides(self):
        text = GOOD.replace("    - ", "\t\t- ").replace("version: 1", "version: 2")

        assert [line.partition(";")[0] for line in faults(text)] == [
            "x.yaml:1:10 version: unknown version",
            "x.yaml:5:1: a tab",
            "x.yaml:6:1: a tab",
        ]

    def test_mistakes_of_different_kinds_do_not_hide_each_other_or_the_content(self):
        text = (
            GOOD.replace("name: good", "name: @good")
            .replace("target: 5/s}", "target: 5}")
            .replace("workflow: chat", "workflow chat")
            .replace("{openai/gpt-4o: 1}", "{openai/gpt-4x: 1")
        )

        assert [line.partition(";")[0] for line in faults(text + "seed: -1\n")] == [
            "x.yaml:2:7: a value cannot start with @",
            "x.yaml:5:43 load.stages[0].target: rate without a unit",
            "x.yaml:9:5: a colon is missing",
            "x.yaml:12:13: a brace that is never closed",
            "x.yaml:12:14 traffic[0].models[openai/gpt-4x]: unknown model",
            "x.yaml:13:7 seed: must be from 0 to 9223372036854775807",
        ]

    def test_a_value_that_cannot_be_read_is_told_once(self):
        text = extended("retries: {backoff: @home}\n")

        assert faults(text) == [
            'x.yaml:13:20: a value cannot start with @; found "@home"; put the value in quotes'
        ]

    def test_columns_are_those_of_the_file_behind_a_mended_place(self):
        text = GOOD.replace("    - {name: hold", "   - {name: hold").replace("5/s}\ntr", "5}\ntr")

        assert [line.partition(" ")[0] for line in faults(text)] == ["x.yaml:6:4:", "x.yaml:6:40"]

    def test_keys_of_a_line_that_was_given_up_are_not_missed(self):
        assert len(faults(GOOD.replace("version: 1", "// version: 1"))) == 1

    def test_a_convention_gains_too(self, tmp_path):
        file = tmp_path / "own.yaml"
        file.write_text("convention: @own\nversion: 1: 2\nspan: {}\n")

        with pytest.raises(FaultsError) as caught:
            load_convention(str(file))

        assert [fault.problem for fault in caught.value.faults] == [
            "a value cannot start with @",
            "a colon inside a value",
            "unknown key",
        ]


class TestShown:
    def test_a_mistake_of_form_carries_its_line(self):
        (fault,) = read_document("a: 1\nb: @x  # why\n", "f", {}).faults

        assert fault.excerpt() == ("b: @x  # why", "   ^")

    def test_the_caret_keeps_its_place_behind_tabs_and_wide_characters(self):
        (fault,) = read_document("日本:\t@x\n", "f", {}).faults[-1:]

        assert fault.excerpt() == ("日本:\t@x", "     \t^")

    def test_a_long_line_is_cut_around_the_place(self):
        (fault,) = read_document(f"a: {'x' * 300}: y{'z' * 300}\n", "f", {}).faults

        line, caret = fault.excerpt(60)
        assert (len(line), line[0], line[-1]) == (62, "…", "…")
        assert line[len(caret) - 1] == ":"


ROUNDS = share_of(400)


def test_no_word_of_the_parser_reaches_people():
    """Characters put in, left out and moved in a good scenario."""
    draw = random.Random(5)
    pieces = [
        *"\t:-[]{}\"'@`%*&!|>,?#\\\u00a0\u201c",
        "  ",
        "\n",
        " - ",
        ": ",
        "{{ ",
        "---\n",
        "\\U",
    ]
    lines = BASE.splitlines(keepends=True)[:40]
    for _ in range(ROUNDS):
        mutated = list(lines)
        for _ in range(draw.randint(1, 2)):
            at = draw.randrange(len(mutated))
            column = draw.randrange(len(mutated[at]))
            cut = draw.choice([0, 0, 1, 2])
            piece = draw.choice([*pieces, ""])
            mutated[at] = mutated[at][:column] + piece + mutated[at][column + cut :]
        for line in told("".join(mutated)):
            assert not OF_THE_PARSER.search(line), ("".join(mutated), line)
            assert line.isprintable()


def test_an_item_in_brackets_is_no_neighbour_of_a_key():
    text = "load:\n  stages:\n    - {duration: 5s, rate: 5/s}\n   traffic: []\n"

    lines = told(text)

    assert any("begins at column 4, its neighbours at 3; " in line for line in lines), lines
    assert not any("YAML does not go on" in line for line in lines), lines
