"""One reader for every file with places: rules, boards, and whatever comes next."""

from __future__ import annotations

import json

import pytest

from simtraffic.documents.document import Document, read_document
from simtraffic.errors import Fault

RULES = """\
groups:
  - name: llm
    interval: 15s
    rules:
      - record: llm:requests:rate5m
        expr: sum by (model) (rate(requests_total[5m]))
      - alert: LLMErrors
        expr: llm:errors:ratio5m > 0.05
        for: 2m
        labels: {severity: page}
        annotations:
          summary: "{{ $labels.provider }} fails, ${threshold} is passed"
  - name: pipeline
    rules:
      - alert: PipelineDrops
        expr: |
          sum(rate(dropped_total[5m])) > 0
"""
KEYS = {"record", "alert", "expr", "for", "labels", "annotations"}


def rules(document: Document) -> list[tuple[str, str]]:
    """Group and expression of each rule, with all faults on the way."""
    found = []
    top = document.mapping(document.data, (), ["groups"], ["groups"])
    for number, node in enumerate(document.items(top.get("groups"), ("groups",))):
        at = ("groups", number)
        group = document.mapping(node, at, ["name", "interval", "rules"], ["name", "rules"])
        name = document.text(group.get("name", ""), (*at, "name"))
        for index, entry in enumerate(document.items(group.get("rules"), (*at, "rules"))):
            here = (*at, "rules", index)
            rule = document.mapping(entry, here, KEYS, ["expr"])
            found.append((name, document.text(rule.get("expr", ""), (*here, "expr"))))
            labels = document.mapping(rule.get("labels", {}), (*here, "labels"), ["severity"])
            if "severity" in labels:
                path = (*here, "labels", "severity")
                document.choice(labels["severity"], path, ["page", "ticket"], None)
    return found


def faults(text: str) -> list[str]:
    document = read_document(text, "rules.yml")
    rules(document)
    return [str(fault) for fault in sorted(document.faults, key=lambda f: (f.line, f.column))]


def test_a_rule_file_is_read_through_it():
    document = read_document(RULES.encode(), "rules.yml")

    assert [name for name, _ in rules(document)] == ["llm", "llm", "pipeline"]
    assert rules(document)[2][1] == "sum(rate(dropped_total[5m])) > 0\n"
    assert document.faults == []


def test_references_stay_as_they_are_written_unless_somebody_fills_them_in():
    document = read_document(RULES, "rules.yml")

    rule = document.data["groups"][0]["rules"][1]
    assert rule["annotations"]["summary"] == "{{ $labels.provider }} fails, ${threshold} is passed"


def test_a_planted_key_is_told_with_its_place():
    assert faults(RULES.replace("interval:", "interwal:")) == [
        'rules.yml:3:5 groups[0].interwal: unknown key; found "interwal"; did you mean interval?'
    ]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "severity: page",
            "severity: pager",
            '10:28 groups[0].rules[1].labels.severity: unknown value; found "pager";'
            " did you mean page?",
        ),
        (
            "- name: pipeline",
            "- title: pipeline",
            "13:5 groups[1].name: a required key is missing; found a mapping of title, rules;"
            " add name",
        ),
        (
            "expr: llm:errors:ratio5m > 0.05",
            "expr: 5",
            "8:15 groups[0].rules[1].expr: not text; found 5; put it in quotes",
        ),
        (
            "labels: {severity: page}",
            "labels: page",
            '10:17 groups[0].rules[1].labels: must be a mapping; found "page";'
            " write keys with values",
        ),
        (
            "for: 2m",
            "expr: up",
            "9:9 groups[0].rules[1].expr: duplicate key; first on line 8; remove one",
        ),
        (
            "interval: 15s\n    rules:",
            "rules: none  #",
            "3:12 groups[0].rules: must be a list; found \"none\"; write items that start with '-'",
        ),
    ],
)
def test_each_fault_says_where_what_found_and_do(old, new, line):
    text = RULES.replace(old, new, 1)
    if new.startswith("rules: none"):
        text = RULES[: RULES.index("    interval")] + "    rules: none\n"

    assert f"rules.yml:{line}" in faults(text)


def test_a_misspelt_key_is_not_missed_as_well():
    assert faults(RULES.replace("- name: pipeline", "- nam: pipeline")) == [
        'rules.yml:13:5 groups[1].nam: unknown key; found "nam"; did you mean name?'
    ]


def test_what_cannot_be_read_is_told_once_with_its_line():
    """The value of the key is no text any more, but why is told already."""
    document = read_document(RULES.replace("sum by", "!sum by", 1), "rules.yml")

    rules(document)

    (fault,) = document.faults
    assert (fault.line, fault.is_of_form) == (6, True)
    assert fault.source.strip().startswith("expr: !sum")


def test_of_a_file_with_lines_given_up_no_key_is_missed():
    text = RULES.replace("    rules:\n      - alert: Pipe", "    {{ rules }}\n      - alert: Pipe")

    assert not any("required key" in line for line in faults(text))


def test_a_board_in_json_is_read_as_well():
    board = {"title": 'A "quoted" 😀 \\ / \t one', "panels": [{"id": 1, "w": 0.5, "on": None}]}

    texts = (json.dumps(board, indent=2), json.dumps(board, indent="\t", ensure_ascii=False))
    for text in texts:
        document = read_document(text, "board.json")

        assert document.faults == []
        assert json.loads(json.dumps(document.data)) == board


def test_a_fault_in_a_board_has_its_place():
    document = read_document('{\n  "title": "x",\n  "panels": [{"idd": 1}]\n}\n', "board.json")

    top = document.mapping(document.data, (), ["title", "panels"])
    document.mapping(top["panels"][0], ("panels", 0), ["id"], ["id"])

    assert [str(fault) for fault in document.faults] == [
        'board.json:3:15 panels[0].idd: unknown key; found "idd"; did you mean id?'
    ]


def test_numbers_are_asked_for_by_their_range():
    document = read_document("a: 0\nb: one\nc: 3\nd: true\n", "x")

    assert document.whole(document.data["a"], ("a",), 1, 9) == 1
    assert document.whole(document.data["c"], ("c",), 1, 9) == 3
    assert document.number(document.data["c"], ("c",), above=0) == 3
    document.whole(document.data["d"], ("d",), 1, 9)
    document.number(document.data["b"], ("b",))
    document.number(document.data["a"], ("a",), above=0)

    assert [str(fault) for fault in document.faults] == [
        "x:1:4 a: must be from 1 to 9; found 0",
        "x:4:4 d: not a whole number; found true; write a number from 1 to 9",
        'x:2:4 b: not a number; found "one"; write it like 3 or 0.5',
        "x:1:4 a: must be more than 0; found 0",
    ]


def test_a_file_that_is_larger_than_wanted_is_not_read():
    document = read_document(b"a: 1\n" * 500_000, "x", most=2_000_000)

    assert document.data is None
    assert document.faults == [
        Fault("x", 0, 0, "", "the file is larger than 2 MB", hint="split it")
    ]
