"""Alertmanager: the file is accepted, and every route leads where it should."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.real.programs import tool
from tools.rules import alerts

FILE = Path("config/alertmanager/alertmanager.yml")

ROUTES = {
    "page": {"severity": "critical", "team": "ai-platform", "alertname": "LLMErrorShareHigh"},
    "ticket": {"severity": "warning", "team": "ai-platform", "alertname": "LLMRateLimited"},
    "digest": {"severity": "info", "team": "ai-platform", "alertname": "LLMTrafficLow"},
    "observability": {"severity": "warning", "team": "observability"},
    "observability-page": {"severity": "critical", "team": "observability"},
    "dead-man": {"severity": "info", "team": "observability", "alertname": "DeadMan"},
}


def config() -> dict[str, Any]:
    read: dict[str, Any] = YAML(typ="safe", pure=True).load(FILE.read_text(encoding="utf-8"))
    return read


def test_every_receiver_has_a_route_that_is_tried() -> None:
    assert {receiver["name"] for receiver in config()["receivers"]} == set(ROUTES)


def test_inhibition_names_alerts_that_exist() -> None:
    names = {alert.name for alert in alerts()}
    for rule in config()["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            key, _, value = matcher.partition("=")
            if key == "alertname":
                wanted = value.strip('~"').split("|")
                assert {w for w in wanted if "+" not in w} <= names, matcher


@pytest.mark.real
def test_amtool_accepts_the_file() -> None:
    command = [tool("amtool"), "check-config", str(FILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def routed(labels: dict[str, str], receiver: str) -> subprocess.CompletedProcess[str]:
    pairs = [f"{key}={value}" for key, value in labels.items()]
    command = [tool("amtool"), "config", "routes", "test", f"--config.file={FILE}"]
    command += [f"--verify.receivers={receiver}", *pairs]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.real
@pytest.mark.parametrize("receiver", ROUTES)
def test_every_route_leads_to_its_receiver(receiver: str) -> None:
    done = routed(ROUTES[receiver], receiver)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.real
def test_every_alert_reaches_the_receiver_of_its_severity_and_team() -> None:
    kinds = {"critical": "page", "warning": "ticket", "info": "digest"}
    for alert in alerts():
        receiver = kinds[alert.labels["severity"]]
        if alert.labels["team"] == "observability":
            paged = alert.labels["severity"] == "critical"
            receiver = "observability-page" if paged else "observability"
        if alert.name == "DeadMan":
            receiver = "dead-man"
        done = routed({"alertname": alert.name, **alert.labels}, receiver)
        assert done.returncode == 0, (alert.name, done.stdout)


@pytest.mark.real
def test_a_wrong_receiver_is_noticed() -> None:
    assert routed(ROUTES["page"], "ticket").returncode == 1
