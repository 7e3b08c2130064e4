"""Boards: made files are up to date, valid for Grafana, and ask for nothing that nobody tells."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.real.programs import wait_until
from tests.stack.promql import RECORDED_LABELS, emitted, selectors
from tools.dashboards.__main__ import main
from tools.dashboards.boards import BOARDS
from tools.dashboards.build import PROVIDER_COLOURS
from tools.dashboards.picture import filled
from tools.rules import alerts, thresholds
from tools.rules.alerts import rules

if TYPE_CHECKING:
    from tests.stack.live import LiveStack

FILES = sorted(Path("config/grafana/dashboards").glob("*.json"))
FOREIGN = re.compile(r"otelcol_.*|prometheus_.*|up|ALERTS")
"""Told by the collector and Prometheus: the test on real programs asks for each."""


def board(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


def queries() -> list[tuple[str, str, str]]:
    """Board, panel and expression of everything that is asked of Prometheus."""
    return [
        (board(path)["title"], panel["title"], target["expr"])
        for path in FILES
        for panel in board(path)["panels"]
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
    panels = board(path)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert place["w"] >= 4, panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"]["uid"] in {"${datasource}", "loki"}, panel["title"]
    for one, other in combinations(panels, 2):
        a, b = one["gridPos"], other["gridPos"]
        apart = (
            a["x"] + a["w"] <= b["x"]
            or b["x"] + b["w"] <= a["x"]
            or a["y"] + a["h"] <= b["y"]
            or b["y"] + b["h"] <= a["y"]
        )
        assert apart, (one["title"], other["title"])


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


def test_variables_ask_for_recorded_series() -> None:
    recorded = {str(rule["record"]) for _, rule in rules() if "record" in rule}
    for path in FILES:
        for variable in board(path)["templating"]["list"]:
            if variable["type"] == "query":
                found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["definition"])
                assert found, variable["definition"]
                ((name, _),) = selectors(filled(found[1]))
                assert name in recorded
                assert found[2] in RECORDED_LABELS


def test_thresholds_are_those_of_the_alerts() -> None:
    known = thresholds()
    drawn = 0
    made = {each.title: each for each in BOARDS}
    for path in FILES:
        tree = board(path)
        by_title = {(p["title"], p["type"]): p for p in tree["panels"]}
        for panel in made[tree["title"]].panels:
            if panel.alert:
                steps = by_title[panel.title, panel.kind]["fieldConfig"]["defaults"]["thresholds"]
                assert steps["steps"][1]["value"] == known[panel.alert]
                drawn += 1
    assert drawn > 15


def test_links_lead_somewhere() -> None:
    uids = {board(path)["uid"] for path in FILES}
    names = {alert.name for alert in alerts()}
    linked = set()
    for path in FILES:
        for link in board(path)["links"]:
            if link["url"].startswith("/d/"):
                assert link["url"].removeprefix("/d/") in uids
            elif "/runbooks/" in link["url"]:
                linked.add(link["url"].rpartition("/")[2].removesuffix(".md"))
    place = "`runbooks` of a board in tools/dashboards/boards.py or pipeline.py"
    assert not names - linked, f"{place} wants {names - linked}"
    assert not linked - names, f"{place} names no alert: {linked - names}"
    assert {alert.annotations["dashboard"] for alert in alerts()} <= uids


def test_a_provider_has_one_colour_everywhere() -> None:
    for path in FILES:
        for panel in board(path)["panels"]:
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
        for panel in board(path)["panels"]
        if panel["type"] == "logs"
        for target in panel["targets"]
    ]
    assert found
    for text in found:
        assert set(re.findall(r"(\w+)=~", text)) <= {"service_name", "deployment_environment_name"}


@pytest.fixture(scope="module")
def lit(stack: LiveStack) -> LiveStack:
    """The stack while the demo runs, with something refused on the way as well."""
    command = [sys.executable, "-m", "simtraffic", "run", "--quiet", "--endpoint", stack.otlp]
    demo = [*command, "scenarios/demo.yaml", "--duration", "75s", "--scale", "2"]
    storm = [*command, "scenarios/rate_limit_storm.yaml"]
    with subprocess.Popen(demo), subprocess.Popen(storm):
        pass
    # From years ago: Prometheus refuses it for good, so that the collector has something to lose.
    old = ["scenarios/smoke.yaml", "--start", "2020-01-01T00:00:00Z", "--speed", "max"]
    subprocess.run([*command, *old, "--signals", "metrics"], check=True, timeout=60)
    wait_until(
        lambda: bool(stack.vector("otelcol:exporter_send_failed:rate5m")),
        "a loss to be recorded",
    )
    wait_until(
        lambda: bool(stack.vector('slo:burn_rate:rate1h{service_name="llm-gateway"}')),
        "the recording rules to be evaluated",
    )
    return stack


@pytest.mark.real
def test_no_panel_stays_dark(lit: LiveStack) -> None:
    for variables in ({}, {"service": "llm-gateway", "environment": "demo"}):
        dark = [
            f"{title}, {panel}: {text}"
            for title, panel, text in queries()
            if not lit.vector(filled(text, **variables))
        ]
        assert not dark, "\n".join(dark)


@pytest.mark.real
def test_one_provider_and_model_alone_light_their_panels(lit: LiveStack) -> None:
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
def test_variables_list_what_was_sent(lit: LiveStack) -> None:
    found = lit.vector("group by (provider, model) (llm:operations:rate5m)")
    pairs = {(s["metric"]["provider"], s["metric"]["model"]) for s in found}
    assert ("google", "gemini-2.5-flash") in pairs
    assert ("mistral", "mistral-small-2603") in pairs
