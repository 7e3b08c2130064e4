"""Pictures of boards: any board is drawn, what cannot be is said in a line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from simtraffic.backends.prometheus import Prometheus, Series
from simtraffic.backends.query import AskError
from tools.dashboards.boards import BOARDS
from tools.dashboards.build import PROVIDER_COLOURS
from tools.dashboards.drawing import bands, broken
from tools.dashboards.looks import coloured, shade, step_colour, written
from tools.dashboards.picture import files, main
from tools.dashboards.source import Source, filled, variables_of

if TYPE_CHECKING:
    from pathlib import Path

BARE = {
    "title": "Mine",
    "panels": [
        {"title": "Lines", "type": "timeseries", "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8},
         "targets": [{"expr": "up"}]},
        {"title": "Number", "type": "stat", "gridPos": {"x": 12, "y": 0, "w": 6, "h": 8},
         "targets": [{"expr": "up", "instant": True}]},
        {"title": "Rows", "type": "table", "gridPos": {"x": 18, "y": 0, "w": 6, "h": 8},
         "targets": [{"expr": "up", "format": "table"}]},
        {"title": "States", "type": "state-timeline", "gridPos": {"x": 0, "y": 8, "w": 24, "h": 6},
         "targets": [{"expr": "up"}]},
        {"title": "Words", "type": "text", "gridPos": {"x": 0, "y": 14, "w": 24, "h": 3}},
        {"title": "Elsewhere", "type": "timeseries", "gridPos": {"x": 0, "y": 17, "w": 24, "h": 6},
         "datasource": {"type": "loki", "uid": "x"}, "targets": [{"expr": "{a=\"b\"}"}]},
    ],
}  # fmt: skip
"""A board as people write it by hand: no fieldConfig, no options, no templating."""
Asked = list[tuple[str, str]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """A Prometheus with two series for every query; what it was asked, by kind of question."""
    seen: Asked = []
    metrics = [{"__name__": "up", "job": name} for name in ("a", "b")]

    def note(kind: str, query: str) -> None:
        seen.append((kind, query))
        if "not_promql" in query:
            raise AskError("1:1: parse error; asked it", "1:1: parse error")

    def instant(_: Prometheus, query: str, at_s: float) -> list[Series]:
        note("instant", query)
        return [Series(each, np.array([at_s]), np.array([3.0])) for each in metrics]

    def over_range(_: Prometheus, query: str, start: float, _end: float, step: float) -> Any:
        note("range", query)
        times = start + step * np.arange(20.0)
        return [Series(each, times, np.arange(20.0) % 3) for each in metrics]

    monkeypatch.setattr(Prometheus, "instant", instant)
    monkeypatch.setattr(Prometheus, "range", over_range)
    return seen


def saved(folder: Path, board: object, name: str = "mine.json") -> str:
    path = folder / name
    path.write_text(json.dumps(board), encoding="utf-8")
    return str(path)


def test_a_board_is_named_by_a_path(tmp_path: Path, asked: Asked) -> None:
    """Though it says nothing of its fields, and holds what cannot be drawn."""
    assert main([saved(tmp_path, BARE), "--out", str(tmp_path / "out")]) == 0

    with Image.open(tmp_path / "out/mine.png") as picture:
        width, height = picture.size
    assert (width, height > 800) == (1280, True)
    assert [kind for kind, _ in asked] == ["range", "instant", "range", "range"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.png"]


@pytest.mark.parametrize(
    "wrapped",
    [
        {"dashboard": BARE},
        {"apiVersion": "dashboard.grafana.app/v1beta1", "spec": BARE},
        {"title": "Old", "rows": [{"panels": [{"type": "graph", "span": 6, "title": "One",
                                               "targets": [{"expr": "up"}]}]}]},
    ],
    ids=["dashboard", "resource", "rows"],
)  # fmt: skip
def test_a_board_is_found_in_what_it_is_wrapped_in(
    tmp_path: Path, asked: Asked, wrapped: object
) -> None:
    assert main([saved(tmp_path, wrapped), "--out", str(tmp_path / "out")]) == 0
    assert asked


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda _: "simtraffic-overwiew", r"simtraffic-overwiew: no such board; .*-overview"),
        (lambda folder: saved(folder, {"a": 1}), r"mine\.json: not a board; it has no panels"),
        (lambda folder: saved(folder, [1]), r"mine\.json: not a board"),
        (str, r"no such board"),
    ],
)
def test_what_is_no_board_is_said_in_a_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    given: Callable[[Path], str],
    said: str,
) -> None:
    assert main([given(tmp_path), "--out", str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(said, line)


def test_a_prometheus_that_is_not_there_is_said_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--prometheus", "http://127.0.0.1:9", "--out", str(tmp_path)]
    assert main([saved(tmp_path, BARE), *where]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("http://127.0.0.1:9: Prometheus cannot be reached; ")


def test_a_query_that_is_not_understood_darkens_its_panel_alone(
    tmp_path: Path, asked: Asked
) -> None:
    panels = [{**BARE["panels"][0], "targets": [{"expr": "not_promql"}]}, BARE["panels"][1]]  # type: ignore[dict-item]
    assert main([saved(tmp_path, {"panels": panels}), "--out", str(tmp_path)]) == 0
    assert len(asked) == 2


@pytest.mark.long
def test_every_board_of_ours_can_be_drawn(tmp_path: Path, asked: Asked) -> None:
    names = ["simtraffic-truth", "simtraffic-cost"]
    assert main([*names, "--out", str(tmp_path)]) == 0
    assert {path.stem for path in tmp_path.iterdir()} == set(names)
    assert len(files([])) == len(BOARDS)
    assert not [query for _, query in asked if "$" in query]


def test_variables_of_a_board_stand_for_what_it_has_chosen_or_for_all() -> None:
    listed = [
        {"name": "window", "type": "interval", "current": {"value": "5m"}},
        {"name": "job", "type": "query", "current": {"value": ["a"]}, "allValue": ".+"},
        {"name": "empty", "type": "custom", "current": {"value": []}},
    ]
    found = variables_of({"templating": {"list": listed}})
    assert found == {"window": "5m", "job": ".+", "empty": ".*"}


def test_the_range_is_the_one_that_is_shown(asked: Asked) -> None:
    with Prometheus("http://x") as prometheus:
        source = Source(prometheus, 1e9, 30, {"w": "2m"})
        source.series("increase(a[$__range]) / rate(b[${w}])")
    assert asked[0][1] == "increase(a[1800s]) / rate(b[2m])"
    assert filled('a{b=~"$service",c="$other"}') == 'a{b=~".*",c="$other"}'


def test_models_of_a_provider_are_shades_of_its_colour() -> None:
    override = {
        "matcher": {"id": "byRegexp", "options": "/^openai(/.*)?$/"},
        "properties": [{"id": "color", "value": {"mode": "shades", "fixedColor": "#10a37f"}}],
    }
    panel = {"fieldConfig": {"overrides": [override]}}
    found = coloured(panel, ["openai/a", "openai/b", "openai/c", "elsewhere"])
    assert found["openai/a"] == shade(PROVIDER_COLOURS["openai"], 0) == "#10a37f"
    assert len(set(found.values())) == 4


def test_bands_end_where_a_state_changes_or_a_series_is_gone() -> None:
    found = bands([0, 10, 20, 30, 60], [1, 1, 2, 2, 2], 10)
    assert found == [(0, 20, 1), (20, 40, 2), (60, 70, 2)]


def test_a_line_has_a_gap_where_a_series_was_gone() -> None:
    times, values = broken([0, 10, 40], [1, 2, 3], 10)
    assert times == [0, 10, 30, 40]
    assert values[2] != values[2]


def test_numbers_are_written_with_their_unit_and_coloured_by_their_threshold() -> None:
    assert written(0.0634, "percentunit") == "6.34 %"
    assert written(-70.5, "percentunit") == "-7,050 %"
    assert written(8380, "short") == "8.38 K"
    assert written(0.25, "s") == "250 ms"
    assert written(0, "currencyUSD") == "$0"
    bounds = {"steps": [{"color": "green"}, {"value": 1, "color": "red"}]}
    panel = {"fieldConfig": {"defaults": {"thresholds": bounds}}}
    assert step_colour(panel, 0.5) == "#73bf69"
    assert step_colour(panel, 1) == "#f2495c"
