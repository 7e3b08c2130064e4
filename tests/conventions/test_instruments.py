"""Metrics of a convention: what an instrument may not have is told with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simtraffic.conventions.load import load_convention
from tests.conventions.test_parse import faults_of

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
convention: mine
version: "1"
metrics:
  - name: app.due
    instrument: counter
    of: request
    unit: "1"
    at: start
  - name: app.rate
    instrument: gauge
    of: collection
    unit: "1"
    measure:
      - value: {column: arrival_rate}
  - name: app.trouble
    instrument: gauge
    of: incident
    unit: "1"
    when: {incident: storm}
    measure:
      - value: {column: active}
    attributes: {name: {column: incident}}
"""


def test_the_text_is_good(tmp_path: Path) -> None:
    path = tmp_path / "good.yaml"
    path.write_text(GOOD)

    due, rate, trouble = load_convention(str(path)).metrics

    assert (due.at, rate.at) == ("start", "end")
    assert (due.stands, rate.stands, trouble.stands) == (False, True, True)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("at: start", "at: begin", ":8:9 metrics[0].at: unknown value; found \"begin\"; "
         "known: start, end"),
        ('of: collection\n    unit: "1"', 'of: collection\n    unit: "1"\n    at: start',
         ":13:9 metrics[1].at: a gauge has no such key: only a counter may count at start"),
        ("instrument: gauge\n    of: collection", "instrument: counter\n    of: collection",
         ":10:17 metrics[1].instrument: the table 'collection' has no counters; found \"counter\"; "
         "write histogram or gauge"),
        ("instrument: gauge\n    of: incident", "instrument: histogram\n    of: incident",
         "the table 'incident' has no histograms; found \"histogram\"; write gauge"),
        ("instrument: gauge\n    of: collection", "instrument: histogram\n    buckets: [1]\n    "
         "of: collection", "metrics[1].measure[0].value: only whole numbers are added up; found "
         '"arrival_rate"; make it a gauge'),
        ("    at: start", "    measure: [{value: {column: tokens_per_second}}]", "has no such"),
        ("request\n    unit: \"1\"\n    at: start", "operation\n    unit: \"1\"\n    measure: "
         "[{value: {column: tokens_per_second}}]", "only whole numbers are added up; found "
         '"tokens_per_second"; tell it with a span'),
        ("{column: arrival_rate}", "{column: active}", ":14:25 metrics[1].measure[0].value.column: "
         "the table 'collection' has no such column; found \"active\""),
        ("{column: arrival_rate}", "{column: arival_rate}", "did you mean arrival_rate?"),
        ("{column: arrival_rate}", "{column: arrival_rate}\n        times: {column: arrival_rate}",
         "metrics[1].measure[0].times: unknown key"),
        ("    measure:\n      - value: {column: active}\n", "",
         "metrics[2].measure: a required key is missing"),
        ("when: {incident: storm}", "gauge: {rate: 1h}", ":19:12 metrics[2].gauge: a gauge of the "
         "table 'incident' shows its measure: leave this out"),
        ("when: {incident: storm}", "when: {provider: openai}", "a condition looks at a category; "
         "found \"provider\"; known: incident"),
        ("{column: active}", "{column: incident}", "not a column of numbers"),
        ("{column: incident}}", "{column: active}}", "an attribute of a metric must be a category"),
        ("at: start", "attributes: {name: {column: incident}}", "the table 'request' has no such"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    text = GOOD.replace(old, new, 1)
    assert text != GOOD

    found = faults_of(tmp_path, text)

    assert any(told in fault for fault in found), found
