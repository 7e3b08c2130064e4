"""Rules: files are up to date, alerts are tried both ways, nothing is asked that nobody tells."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import promql_parser
import pytest
from ruamel.yaml import YAML

from simtraffic.catalog.read import load_catalog
from tests.real.programs import tool
from tests.stack.promql import RECORDED_LABELS, emitted, selectors
from tools.rules import alerts, thresholds
from tools.rules.__main__ import main
from tools.rules.alerts import RULES, rules
from tools.rules.recording import TIERS
from tools.rules.shorten import shorten_expression
from tools.rules.slo import SloError, load_slos

TESTS = RULES.parent / "tests"
RUNBOOKS = Path("docs/runbooks")
ALWAYS_FIRING = {"DeadMan"}
QUANTILE = "llm:duration_seconds:p95_5m"

# What others tell; the test of the boards on real programs asks for what is asked for here.
FOREIGN = re.compile(
    r"up|prometheus_http_requests_total|otelcol_(receiver|exporter|process)_\w+|ALERTS"
)


def test_made_files_are_up_to_date() -> None:
    assert main(["--check"]) == 0, "rules or the index of runbooks are old: run make generated"


def test_no_rule_asks_for_what_nobody_tells() -> None:
    told = emitted()
    recorded = {str(rule["record"]) for _, rule in rules() if "record" in rule}
    asked = [(rule, s) for _, rule in rules() for s in selectors(str(rule["expr"]))]
    assert len(asked) > 100
    for rule, (name, matchers) in asked:
        place = rule.get("alert") or rule["record"]
        if FOREIGN.fullmatch(name):
            continue
        if name.startswith("otelcol:"):
            assert any(re.fullmatch(name, other) for other in recorded), (place, name)
            continue
        if name in recorded:
            assert set(matchers) <= RECORDED_LABELS, (place, name, matchers)
            continue
        assert name in told, f"{place}: nobody tells {name}"
        assert set(matchers) <= told[name], (place, name, matchers)


def test_every_alert_has_what_its_reader_needs() -> None:
    for alert in alerts():
        assert alert.labels["severity"] in {"critical", "warning", "info"}, alert.name
        assert alert.labels["team"] in {"ai-platform", "observability"}, alert.name
        assert {"summary", "description", "runbook_url", "dashboard"} == set(alert.annotations)
        assert alert.annotations["runbook_url"].endswith(f"/docs/runbooks/{alert.name}.md")
        if alert.name not in {"CollectorAbsent", "DeadMan", "PrometheusRejectsSamples"}:
            assert "{{" in alert.annotations["summary"], alert.name


def test_names_are_shared_only_by_severities_of_one_alert() -> None:
    pairs = [(alert.name, alert.labels["severity"]) for alert in alerts()]
    assert len(set(pairs)) == len(pairs)


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    books = {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"}
    names = {alert.name for alert in alerts()}
    assert not names - books, f"docs/runbooks wants a page NAME.md for {names - books}"
    assert not books - names, f"docs/runbooks has pages of no alert: {books - names}"
    for name in books:
        text = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")
        for part in ("Meaning", "Confirm", "Likely causes", "First actions", "Rehearse"):
            assert f"## {part}\n" in text, (name, part)
        for scenario in re.findall(r"scenarios/[\w/]+\.yaml", text):
            assert Path(scenario).exists(), (name, scenario)


def test_queries_of_runbooks_ask_for_what_is_told() -> None:
    told = emitted()
    recorded = {str(rule["record"]) for _, rule in rules() if "record" in rule}
    count = 0
    for path in sorted(RUNBOOKS.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        for block in re.findall(r"```promql\n(.*?)```", text, re.DOTALL):
            for line in block.strip().splitlines():
                for name, _ in selectors(line):
                    count += 1
                    known = (
                        name in told
                        or name in recorded
                        or re.fullmatch("otelcol_.*|" + FOREIGN.pattern, name)
                    )
                    assert known, f"{path.name}: nobody tells {name}"
    assert count > 20


def test_every_alert_is_tried_firing_and_silent() -> None:
    """Each name stands in an expectation that wants it, and in a test where another is silent."""
    reader = YAML(typ="safe", pure=True)
    wanted: set[str] = set()
    silent: set[str] = set()
    for path in sorted(TESTS.glob("*.yml")):
        for test in reader.load(path.read_text(encoding="utf-8"))["tests"]:
            for case in test.get("alert_rule_test", ()):
                (wanted if case.get("exp_alerts") else silent).add(case["alertname"])
            for case in test.get("promql_expr_test", ()):
                if "ALERTS" not in case["expr"]:
                    continue
                named = {alert.name for alert in alerts() if alert.name in str(case)}
                expected = set(re.findall(r"\w+", str(case.get("exp_samples", ""))))
                asked = {n for n in named if n in case["expr"]}
                if case.get("exp_samples"):
                    wanted |= {n for n in named if n in expected} or asked
                # What is asked of all alerts at once is silent for the rest of them.
                silent |= asked or {a.name for a in alerts()} - expected
    names = {alert.name for alert in alerts()}
    place = "config/prometheus/tests"
    assert names <= wanted, f"{place} wants a case that fires for {names - wanted}"
    names -= ALWAYS_FIRING
    assert names <= silent, f"{place} wants a case that is silent for {names - silent}"


def test_thresholds_are_read_from_the_expressions() -> None:
    found = thresholds()
    assert found["LLMErrorShareHigh"] == 0.05
    assert found["LLMCostSpike"] == 2
    assert found["LLMMemoryHigh"] == 2e9
    assert found["LLMTokensPerSecondLow"] == 40
    assert found["LLMDurationP99High"] == 10
    assert found["LLMAvailabilityBudgetBurn"] == 0.0144


def test_a_tier_has_its_models_in_the_rules_and_each_bound_of_a_tier_is_of_one_that_there_is() -> (
    None
):
    models = load_catalog().models.values()
    quantile = next(str(r["expr"]) for _, r in rules() if r.get("record") == QUANTILE)
    bounded = set()
    for alert in alerts():
        bounded |= set(re.findall(r'tier!?="(\w+)"', alert.expression))

    assert bounded == set(TIERS)
    for tier in TIERS:
        (named,) = re.findall(rf'"tier", "{tier}", "model", "([^"]+)"', quantile)
        wanted = {model.name for model in models if model.tier == tier}
        assert set(named.replace("\\\\", "").split("|")) == wanted


def test_shorter_copies_divide_every_time_and_nothing_else() -> None:
    expression = 'rate(a_5m{b="[5m]x"}[5m]) / rate(a[1h:30s] offset 1h) > 5'
    assert shorten_expression("rate(a_5m[5m]) / rate(a[1h:30s] offset 1h) > 5", 60) == (
        "rate(a_5m[5000ms]) / rate(a[60000ms:1000ms] offset 60000ms) > 5"
    )
    assert promql_parser.parse(expression)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("slo: a\n", "missing"),
        ("[1, 2]\n", "a mapping is wanted"),
        ("slo: [\n", "not YAML"),
    ],
)
def test_what_is_wrong_with_an_slo_is_told(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(SloError, match=rf"a\.yaml: .*{said}"):
        load_slos(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("99.9%", "101%"), "objective: a share is wanted"),
        (("30d", "7d"), "period"),
        (("bad:", "worse:"), r"unknown \['worse'\]"),
        (("429|5..", "tier:huge"), "no model is of this tier; found 'tier:huge'"),
    ],
)
def test_a_wrong_value_of_an_slo_is_told(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    text = Path("config/slo/availability.yaml").read_text(encoding="utf-8")
    assert change[0] in text
    (tmp_path / "a.yaml").write_text(text.replace(*change))
    with pytest.raises(SloError, match=said):
        load_slos(tmp_path)


@pytest.mark.real
@pytest.mark.parametrize("version", ["promtool", "promtool-2.42"])
def test_promtool_accepts_every_rule_file(version: str) -> None:
    files = [str(path) for path in sorted(RULES.glob("*.yml"))]
    done = subprocess.run(
        [tool(version), "check", "rules", *files], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.real
def test_promtool_passes_every_rule_test() -> None:
    files = [str(path) for path in sorted(TESTS.glob("*.yml"))]
    done = subprocess.run(
        [tool("promtool"), "test", "rules", *files], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("SUCCESS") == len(files) > 2


@pytest.mark.real
def test_shorter_copies_are_rules_still(tmp_path: Path) -> None:
    assert main(["shorten", "--factor", "60", "--out", str(tmp_path)]) == 0
    files = [str(path) for path in sorted(tmp_path.glob("*.yml"))]
    done = subprocess.run(
        [tool("promtool"), "check", "rules", *files], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(files) == len(list(RULES.glob("*.yml")))
