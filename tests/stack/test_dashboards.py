"""Boards: made files are up to date, valid for Grafana, and ask for nothing that nobody tells."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from simtraffic.clock import unix_ns
from tests.real.programs import simtraffic_run, wait_until
from tests.stack.promql import RECORDED_LABELS, RESOURCE_LABELS, emitted, selectors
from tools.dashboards.__main__ import main
from tools.dashboards.boards import BOARDS
from tools.dashboards.build import PROVIDER_COLOURS, TALL
from tools.dashboards.picture import filled
from tools.rules import alerts, thresholds
from tools.rules.alerts import rules

if TYPE_CHECKING:
    from simtraffic.backends.prometheus import Series
    from tests.stack.live import LiveStack

FILES = sorted(Path("config/grafana/dashboards").glob("*.json"))
FOREIGN = re.compile(r"otelcol_.*|prometheus_.*|up|ALERTS")
"""Told by the collector and Prometheus: the test on real programs asks for each."""


def board(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


def panels(path: Path) -> list[dict[str, Any]]:
    """All of a board, those of closed rows too."""
    parts = board(path)["panels"]
    found = [part for part in parts if part["type"] != "row"]
    return found + [inner for part in parts for inner in part.get("panels", ())]


def queries() -> list[tuple[str, str, str]]:
    """Board, panel and expression of everything that is asked of Prometheus."""
    return [
        (board(path)["title"], panel["title"], target["expr"])
        for path in FILES
        for panel in panels(path)
        for target in panel["targets"]
        if panel["type"] != "logs"
    ]


def test_made_files_are_up_to_date() -> None:
    assert main(["--check"]) == 0, "boards are old: run make generated"
    assert {path.stem for path in FILES} == {board.uid for board in BOARDS}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_board_survives_grafanas_own_model(path: Path) -> None:
    """What the SDK's classes do not know would be lost on the way there and back."""
    tree = board(path)
    again = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(tree)))
    assert again == tree
    assert tree["schemaVersion"] >= 41


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_panels_can_be_read(path: Path) -> None:
    shown = [part for part in board(path)["panels"] if part["type"] != "row"]
    rows = [part for part in board(path)["panels"] if part["type"] == "row"]
    everything = [*panels(path), *rows]
    assert len({panel["id"] for panel in everything}) == len(everything)
    for panel in panels(path):
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert place["w"] >= 4, panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"]["uid"] in {"${datasource}", "loki"}, panel["title"]
    for group in ([*shown, *rows], *(row["panels"] for row in rows)):
        for one, other in combinations(group, 2):
            a, b = one["gridPos"], other["gridPos"]
            apart = (
                a["x"] + a["w"] <= b["x"]
                or b["x"] + b["w"] <= a["x"]
                or a["y"] + a["h"] <= b["y"]
                or b["y"] + b["h"] <= a["y"]
            )
            assert apart, (one["title"], other["title"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_grid_has_no_holes(path: Path) -> None:
    rows = [part for part in board(path)["panels"] if part["type"] == "row"]
    shown = [part for part in board(path)["panels"] if part["type"] != "row"]
    for group in ([*shown, *rows], *(row["panels"] for row in rows if row["panels"])):
        places = [part["gridPos"] for part in group]
        top = min(p["y"] for p in places)
        bottom = max(p["y"] + p["h"] for p in places)
        assert sum(p["w"] * p["h"] for p in places) == 24 * (bottom - top)


def test_a_stat_has_its_past_and_a_word_for_nothing() -> None:
    """Where a number covers all of the time shown it has no past."""
    found = [panel for path in FILES for panel in panels(path) if panel["type"] == "stat"]
    assert len(found) > 20
    for panel in found:
        (target,) = panel["targets"]
        whole = "$__range" in target["expr"]
        assert (panel["options"]["graphMode"] == "none") == whole, panel["title"]
        assert bool(target.get("instant")) == whole, panel["title"]
        assert panel["fieldConfig"]["defaults"]["noValue"] == "no data"


def test_alerts_that_fire_colour_the_whole_number() -> None:
    (panel,) = [p for path in FILES for p in panels(path) if p["title"] == "Alerts firing"]
    assert panel["options"]["colorMode"] == "background"
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step.get("value"), step["color"]) for step in steps][1] == (1, "red")


def test_what_can_fall_below_0_has_no_end_there_and_a_line_at_0() -> None:
    (panel,) = [
        p for path in FILES for p in panels(path)
        if p["title"] == "Budget left" and p["type"] == "timeseries"
    ]  # fmt: skip
    defaults = panel["fieldConfig"]["defaults"]
    assert "min" not in defaults
    assert defaults["thresholds"]["steps"][1]["value"] == 0
    assert defaults["custom"]["thresholdsStyle"]["mode"] == "dashed"


def test_what_is_on_or_off_is_a_timeline_of_states() -> None:
    found = {
        panel["title"]: panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
        for path in FILES
        for panel in panels(path)
        if panel["type"] == "state-timeline"
    }
    assert {title: {v["text"] for v in named.values()} for title, named in found.items()} == {
        "Incidents": {"none", "lasts"},
        "Alerts": {"pending", "firing"},
    }


def test_no_rate_that_is_shown_climbs_for_minutes_after_a_start() -> None:
    """A rate over five minutes does; a share or a percentile of it does not."""
    for title, panel, text in queries():
        rates = re.findall(r"(?:llm|slo):\w+:rate5m|\[5m\]", text)
        ratio = "/" in text or "share" in text or "error_ratio" in text
        assert not rates or ratio or "otelcol" in text, (title, panel, text)


def test_a_legend_is_a_table_only_where_there_is_room() -> None:
    for path in FILES:
        for panel in panels(path):
            if panel["type"] == "timeseries":
                tall = panel["gridPos"]["h"] >= TALL
                mode = panel["options"]["legend"]["displayMode"]
                assert mode == ("table" if tall else "list"), panel["title"]


def test_the_columns_of_a_table_have_names_and_no_time() -> None:
    found = [panel for path in FILES for panel in panels(path) if panel["type"] == "table"]
    assert found
    for panel in found:
        (organize,) = panel["transformations"]
        order = organize["options"]["indexByName"]
        assert set(organize["options"]["renameByName"]) == set(order)
        by = re.search(r"by \(([\w, ]+)\)", panel["targets"][0]["expr"])
        assert by
        assert sorted(order, key=order.__getitem__) == [*by[1].split(", "), "Value"]
        assert organize["options"]["excludeByName"] == {"Time": True}
        assert panel["fieldConfig"]["defaults"]["decimals"] == 0


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_board_has_the_variables_that_its_queries_use(path: Path) -> None:
    tree = board(path)
    offered = {v["name"] for v in tree["templating"]["list"]} - {"datasource"}
    used = set(re.findall(r"\$(service|environment|provider|model|run|instance)\b",
                          json.dumps([p["targets"] for p in panels(path)])))  # fmt: skip
    assert offered == used


def test_what_was_sent_as_it_is_asked_for_can_be_told_apart_by_its_run() -> None:
    """All but recorded series, which add runs up; the overview counts the runs that meet."""
    for title, panel, text in queries():
        for name, matchers in selectors(filled(text)):
            if ":" not in name and not FOREIGN.fullmatch(name):
                assert "simtraffic_run_id" in matchers, (title, panel, name)


def test_no_panel_asks_for_what_nobody_tells() -> None:
    told = emitted()
    recorded = {str(rule["record"]) for _, rule in rules() if "record" in rule}
    asked = [(b, p, s) for b, p, text in queries() for s in selectors(filled(text))]
    assert len(asked) > 100
    for title, panel, (name, matchers) in asked:
        if FOREIGN.fullmatch(name):
            continue
        known = RECORDED_LABELS if name in recorded else told.get(name)
        assert known is not None, f"{title}, {panel}: nobody tells {name}"
        assert set(matchers) <= known, (title, panel, name, matchers)


def test_variables_ask_for_recorded_series_or_labels_of_the_resource() -> None:
    told = emitted()
    recorded = {str(rule["record"]) for _, rule in rules() if "record" in rule}
    for path in FILES:
        for variable in board(path)["templating"]["list"]:
            if variable["type"] == "query":
                found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["definition"])
                assert found, variable["definition"]
                ((name, _),) = selectors(filled(found[1]))
                assert name in recorded or found[2] in told[name]
                assert found[2] in RECORDED_LABELS | RESOURCE_LABELS


def test_thresholds_are_those_of_the_alerts() -> None:
    known = thresholds()
    drawn = 0
    made = {each.title: each for each in BOARDS}
    for path in FILES:
        tree = board(path)
        by_title = {(p["title"], p["type"]): p for p in panels(path)}
        for panel in made[tree["title"]].panels:
            if panel.alert:
                steps = by_title[panel.title, panel.kind]["fieldConfig"]["defaults"]["thresholds"]
                assert steps["steps"][1]["value"] == known[panel.alert]
                drawn += 1
    assert drawn > 15


def test_links_lead_somewhere() -> None:
    """From every alert's own board to its runbook, from every board to all by one menu."""
    names = {alert.name for alert in alerts()}
    homes = {alert.name: alert.annotations["dashboard"] for alert in alerts()}
    linked: dict[str, set[str]] = {}
    for path in FILES:
        tree = board(path)
        (menu,) = [link for link in tree["links"] if link["type"] == "dashboards"]
        assert menu["asDropdown"]
        assert menu["includeVars"]
        assert set(menu["tags"]) <= set(tree["tags"])
        assert len(tree["links"]) <= 4
        for panel in panels(path):
            for link in panel.get("links", ()):
                if "/runbooks/" in link["url"]:
                    name = link["url"].rpartition("/")[2].removesuffix(".md")
                    linked.setdefault(name, set()).add(tree["uid"])
    away = {name: home for name, home in homes.items() if home not in linked.get(name, ())}
    place = "`alert` or `runbooks` of a panel on its board, in tools/dashboards,"
    assert not away, f"{place} wants {away}"
    assert set(linked) == names, f"{place} names no alert: {set(linked) - names}"


def test_a_panel_with_exemplars_leads_to_traces() -> None:
    for path in FILES:
        for panel in panels(path):
            if any(target.get("exemplar") for target in panel["targets"]):
                assert any("jaeger" in link["url"] for link in panel["links"]), panel["title"]


def test_a_provider_has_one_colour_everywhere() -> None:
    for path in FILES:
        for panel in panels(path):
            for override in panel["fieldConfig"].get("overrides", ()):
                found = re.fullmatch(r"/\^(\w+)\(/\.\*\)\?\$/", override["matcher"]["options"])
                assert found, override
                (colour,) = override["properties"]
                assert colour["value"]["fixedColor"] == PROVIDER_COLOURS[found[1]]


def test_log_panels_ask_for_labels_that_are_sent() -> None:
    """No Loki can be run here: only the stream's labels are compared with what is sent."""
    found = [
        target["expr"]
        for path in FILES
        for panel in panels(path)
        if panel["type"] == "logs"
        for target in panel["targets"]
    ]
    assert found
    for text in found:
        assert set(re.findall(r"(\w+)=~", text)) <= {"service_name", "deployment_environment_name"}


@dataclass(frozen=True)
class Lit:
    """The stack after the demo, and when that ended: a rate of its end is nothing soon after."""

    stack: LiveStack
    ended_s: float

    def vector(self, query: str) -> list[Series]:
        """What a query gives now, or gave at the end of the demo."""
        return self.stack.vector(query) or self.stack.vector(query, self.ended_s)


@pytest.fixture(scope="module")
def lit(stack: LiveStack, tmp_path_factory: pytest.TempPathFactory) -> Lit:
    """The stack while the demo runs, with something refused on the way as well."""
    said = tmp_path_factory.mktemp("lit") / "runs.txt"
    words = ("--quiet", "--endpoint", stack.otlp)
    demo = ("scenarios/demo.yaml", "--duration", "75s", "--scale", "2", *words)
    storm = ("scenarios/rate_limit_storm.yaml", *words)
    with simtraffic_run(*demo, stderr=said) as first, simtraffic_run(*storm, stderr=said) as second:
        assert first.wait(150) == second.wait(150) == 0, said.read_text()
    ended_s = unix_ns() / 1e9
    # From years ago: Prometheus refuses it for good, so that the collector has something to lose.
    old = ("scenarios/smoke.yaml", "--start", "2020-01-01T00:00:00Z", "--speed", "max")
    with simtraffic_run(*old, "--signals", "metrics", *words, stderr=said) as last:
        assert last.wait(60) == 0, said.read_text()
    wait_until(
        lambda: bool(stack.vector("otelcol:exporter_send_failed:rate5m")),
        "a loss to be recorded",
    )
    wait_until(
        lambda: bool(stack.vector('slo:burn_rate:rate1h{service_name="llm-gateway"}')),
        "the recording rules to be evaluated",
    )
    return Lit(stack, ended_s)


@pytest.mark.real
def test_no_panel_stays_dark(lit: Lit) -> None:
    for variables in ({}, {"service": "llm-gateway", "environment": "demo"}):
        dark = [
            f"{title}, {panel}: {text}"
            for title, panel, text in queries()
            if not lit.vector(filled(text, **variables))
        ]
        assert not dark, "\n".join(dark)


@pytest.mark.real
def test_one_provider_and_model_alone_light_their_panels(lit: Lit) -> None:
    chosen = {"provider": "openai", "model": "gpt-4o-mini"}
    dark = [
        f"{title}, {panel}: {text}"
        for title, panel, text in queries()
        if "$model" in text and not lit.vector(filled(text, **chosen))
    ]
    # The storm limits the rates of another model, and few operations of this one fail so early.
    failures = ("rate_limited", "errors_total", "operations_failed")
    assert not [d for d in dark if not any(name in d for name in failures)], dark


@pytest.mark.real
def test_variables_list_what_was_sent(lit: Lit) -> None:
    found = lit.vector("group by (provider, model) (llm:operations:rate5m)")
    pairs = {(each.labels["provider"], each.labels["model"]) for each in found}
    assert ("google", "gemini-2.5-flash") in pairs
    assert ("mistral", "mistral-small-2603") in pairs
