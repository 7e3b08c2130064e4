"""An alert's whole life in real time: pending, firing, told to the right receiver, resolved."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from simtraffic.clock import Flag, monotonic
from tests.real.programs import tool
from tests.stack.live import LiveStack
from tools.rules.__main__ import main as make_rules
from tools.stack.addresses import Addresses
from tools.stack.programs import CONFIG, NAMES
from tools.stack.supervise import Stack

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

ALERT = "LLMProviderErrorShareHigh"
# A minute's window becomes 15 s, three collections of the scenario's five seconds.
FACTOR = 4
PATIENCE_S = 200.0
"""The outage begins after 30 s and lasts 30; what was fired is held for 30 more."""


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[LiveStack]:
    """The stack with all times of rules and routes shortened."""
    for name in NAMES:
        tool(name)
    config = tmp_path / "source"
    shutil.copytree(CONFIG, config)
    assert (
        make_rules(["shorten", "--factor", str(FACTOR), "--out", str(config / "prometheus/rules")])
        == 0
    )
    routes = config / "alertmanager/alertmanager.yml"
    text = re.sub(r"(group_wait|group_interval): \w+", r"\1: 2s", routes.read_text())
    routes.write_text(text)
    with Stack(Addresses.free(), tmp_path / "stack", config=config) as running:
        yield LiveStack(running)


def states(stack: LiveStack) -> set[str]:
    """States of the alert on OpenAI, as Prometheus has them now."""
    answer = httpx.get(f"{stack.prometheus}/api/v1/alerts").json()["data"]["alerts"]
    return {
        alert["state"]
        for alert in answer
        if alert["labels"]["alertname"] == ALERT
        and alert["labels"]["provider"] == "openai"
        and alert["labels"]["severity"] == "warning"
    }


def told(stack: LiveStack) -> list[dict[str, Any]]:
    """Notifications on the alert, with their receivers."""
    found: list[dict[str, Any]] = httpx.get(f"{stack.webhook}/notifications").json()
    return [each for each in found if each["body"]["groupLabels"].get("alertname") == ALERT]


def test_a_providers_outage_is_pending_fires_is_told_and_resolves(
    hasty: LiveStack, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "simtraffic", "run", "scenarios/provider_outage.yaml"]
    command += ["--endpoint", hasty.otlp, "--quiet", "--result", str(tmp_path / "r.json")]
    seen: list[str] = []
    never = Flag()
    with subprocess.Popen(command, stderr=subprocess.PIPE) as run:
        deadline = monotonic() + PATIENCE_S
        while monotonic() < deadline:
            for state in states(hasty) or {"inactive"}:
                if not seen or seen[-1] != state:
                    seen.append(state)
            statuses = [each["body"]["status"] for each in told(hasty)]
            # The notification may come between two looks at the states.
            if "resolved" in statuses and seen[-1] == "inactive":
                break
            never.wait(0.2)
        run.wait(60)
        assert run.stderr is not None
        assert run.returncode == 0, run.stderr.read().decode()
    assert seen == ["inactive", "pending", "firing", "inactive"]
    first, *_, last = told(hasty)
    assert {each["receiver"] for each in told(hasty)} == {"ticket"}
    assert first["body"]["status"] == "firing"
    assert last["body"]["status"] == "resolved"
    assert first["body"]["groupLabels"] == {
        "alertname": ALERT,
        "service_name": "llm-gateway",
        "deployment_environment_name": "demo",
    }
    (alert,) = first["body"]["alerts"]
    assert alert["labels"]["provider"] == "openai"
    assert "openai fails" in alert["annotations"]["summary"]
    assert alert["annotations"]["runbook_url"].endswith(f"{ALERT}.md")
    # The dead man's switch is heard all the while.
    everything = httpx.get(f"{hasty.webhook}/notifications").json()
    assert "dead-man" in {each["receiver"] for each in everything}
