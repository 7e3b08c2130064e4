"""YAML text to a tree, and the faults of form."""

from __future__ import annotations

import pytest

from simtraffic.documents.compose import MAX_ALIASED_NODES, MAX_DEPTH
from simtraffic.documents.document import read_document
from simtraffic.documents.tree import dotted, resolve
from tests.scenario.cases import GOOD, extended, faults


def told(text, environ=None):
    """The plain data of a text, and its faults as lines."""
    document = read_document(text, "x.yaml", environ or {})
    return document.data, [str(fault) for fault in document.faults]


class TestValues:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("true", True),
            ("yes", "yes"),
            ("on", "on"),
            ("~", None),
            ("", None),
            ("12", 12),
            ("-1", -1),
            ("0x1F", 31),
            ("0o17", 15),
            ("1_000", "1_000"),
            ("12:30", "12:30"),
            ("1.5", 1.5),
            ("1e3", 1000.0),
            ("2.3.0", "2.3.0"),
            ("2026-01-01", "2026-01-01"),
        ],
    )
    def test_plain_scalars_follow_the_core_schema_of_yaml_1_2(self, text, value):
        assert resolve(text) == value
        assert type(resolve(text)) is type(value)

    def test_quoted_scalars_are_text(self):
        assert told("{a: '1', b: \"true\", c: !!str 1}") == ({"a": "1", "b": "true", "c": "1"}, [])

    def test_aliases_are_filled_in(self):
        assert told("a: &x {k: 1}\nb: *x\n") == ({"a": {"k": 1}, "b": {"k": 1}}, [])

    @pytest.mark.parametrize("word", [".nan", ".inf", "-.inf", "1e999"])
    def test_numbers_that_are_not_finite_are_faults(self, word):
        assert told(f"a: {word}")[1] == [f"x.yaml:1:4 a: not a finite number; found {word}"]


class TestForm:
    @pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "~", "\n\n"])
    def test_an_empty_file_is_one_fault(self, text):
        (line,) = told(text)[1]

        assert line.endswith("the file is empty; write keys with values")

    @pytest.mark.parametrize(
        ("text", "found"), [("- 1", "found a list"), ("word", "found a single value")]
    )
    def test_something_else_than_a_mapping_is_one_fault(self, text, found):
        assert told(text)[1] == [f"x.yaml:1:1: not a mapping; {found}; write keys with values"]

    def test_a_duplicate_key_is_told_with_the_line_of_the_first(self):
        assert told("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n")[1] == [
            "x.yaml:4:3 b.c: duplicate key; first on line 3; remove one",
            "x.yaml:5:1 a: duplicate key; first on line 1; remove one",
        ]

    def test_the_same_key_written_in_two_ways_is_a_duplicate(self):
        assert "duplicate key" in told("a: 1\n'a': 2\n")[1][0]

    @pytest.mark.parametrize(
        "text", ["a: !secret x", "a: !!python/object:os.system x", "a: !!timestamp 2026-01-01"]
    )
    def test_foreign_tags_are_faults(self, text):
        (line,) = told(text)[1]

        assert line.startswith("x.yaml:1:4 a: a tag that is not read; found ")

    def test_a_tag_that_contradicts_its_node_is_a_fault(self):
        assert "a tag that is not read" in told("a: !!map [1]")[1][0]

    def test_an_alias_bomb_is_refused_quickly(self):
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]

        (line,) = told("\n".join(lines))[1]

        assert f"aliases expand beyond {MAX_ALIASED_NODES:,} nodes" in line

    def test_many_nodes_without_aliases_are_no_bomb(self):
        data, found = told("a: [" + "x, " * (MAX_ALIASED_NODES + 1) + "x]")

        assert found == []
        assert len(data["a"]) == MAX_ALIASED_NODES + 2

    def test_an_alias_inside_itself_is_a_fault(self):
        assert told("a: &a [*a]")[1] == ["x.yaml:1:8 a[0]: alias inside itself; found *a"]

    def test_an_unknown_alias_is_a_fault(self):
        assert told("a: *b")[1] == [
            "x.yaml:1:4 a: unknown alias; found *b; put it in quotes; an alias needs &b above it"
        ]

    def test_aliases_do_not_hide_depth(self):
        lines = ["a0: &a0 [[[[[[[[[[x]]]]]]]]]]"]
        lines += [f"a{n}: &a{n} [[[[[[[[[[*a{n - 1}]]]]]]]]]]" for n in range(1, 10)]

        assert f"nested deeper than {MAX_DEPTH} levels" in told("\n".join(lines))[1][0]

    def test_deep_nesting_is_refused(self):
        assert f"nested deeper than {MAX_DEPTH} levels" in told("a: " + "[" * 100_000)[1][0]

    @pytest.mark.parametrize("text", ["1: a", "true: a", "~: a", "[a]: b", "{a: b}: c"])
    def test_keys_that_are_not_text_are_faults(self, text):
        (line,) = told(text)[1]

        assert line.startswith("x.yaml:1:")
        assert "key must be" in line

    def test_merge_keys_are_refused(self):
        (line,) = told("a: &a {k: 1}\nb:\n  <<: *a\n")[1]

        assert line == ('x.yaml:3:3 b: merge keys are not read; found "<<"; write the keys out')

    def test_a_second_document_is_a_fault(self):
        assert told("a: 1\n---\nb: 2\n")[1] == [
            "x.yaml:2:1: more than one document; keep one per file"
        ]

    @pytest.mark.parametrize("text", ['a: "\\U00110000"', "%YAML 2.0\n---\na: 1"])
    def test_what_the_parser_trips_over_is_one_fault(self, text):
        data, found = told(text)

        assert (data, len(found)) == (None, 1)

    def test_characters_that_cannot_be_sent_are_faults(self):
        lines = told('a: "\\ud800"\n"b\\0": 1\n')[1]

        assert [line.partition(";")[0] for line in lines] == [
            "x.yaml:1:4 a: a character that cannot be sent",
            "x.yaml:2:1: a character that cannot be sent",
        ]


class TestPlaces:
    def test_faults_of_form_and_of_content_are_told_together(self):
        text = extended("errors: {auth: 1%, auth: 2%}\nsead: 1\n")

        assert [line.split()[0] for line in faults(text)] == ["x.yaml:13:20", "x.yaml:14:1"]

    def test_keys_that_are_not_words_stand_in_brackets(self):
        path = ("traffic", 0, "models", "openai/gpt-4.1", "errors")

        assert dotted(path) == "traffic[0].models[openai/gpt-4.1].errors"

    @pytest.mark.parametrize("quote", ["", '"', "'"])
    def test_a_fault_inside_text_has_its_own_column(self, quote):
        text = f"thresholds:\n  - {quote}error_share < 8{quote}\n"

        (line,) = faults(extended(text))

        assert line.startswith(f"x.yaml:14:{5 + len(quote) + len('error_share < ')} ")

    def test_a_fault_in_folded_text_is_at_its_start(self):
        (line,) = faults(extended("thresholds:\n  - >-\n    error_share <\n    8\n"))

        assert line.startswith("x.yaml:14:5 ")

    def test_the_good_scenario_is_good(self):
        assert faults(GOOD) == []
