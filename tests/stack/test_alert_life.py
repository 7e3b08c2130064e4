"""An alert's whole life in real time: pending, firing, told to the right receiver, resolved."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from simtraffic.backends.programs import comes_true
from tests.real.programs import simtraffic_run, tool
from tests.stack.live import LiveStack, live
from tools.rules.__main__ import main as make_rules
from tools.stack.addresses import Addresses
from tools.stack.programs import CONFIG, NAMES
from tools.stack.stack import Stack

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
    with live(Stack(Addresses.free(), tmp_path / "stack", config=config)) as running:
        yield running


def states(stack: LiveStack) -> set[str]:
    """States of the alert on OpenAI, as Prometheus has them now."""
    wanted = {"alertname": ALERT, "provider": "openai", "severity": "warning"}.items()
    return {alert.state for alert in stack.prometheus.alerts() if wanted <= alert.labels.items()}


def told(stack: LiveStack) -> list[dict[str, Any]]:
    """Notifications on the alert, with their receivers."""
    found: list[dict[str, Any]] = stack.webhook.get("/notifications")
    return [each for each in found if each["body"]["groupLabels"].get("alertname") == ALERT]


def test_a_providers_outage_is_pending_fires_is_told_and_resolves(
    hasty: LiveStack, tmp_path: Path
) -> None:
    words = ["--endpoint", hasty.otlp, "--quiet", "--result", str(tmp_path / "r.json")]
    log = tmp_path / "run.txt"
    seen: list[str] = []

    def is_over() -> bool:
        for state in states(hasty) or {"inactive"}:
            if not seen or seen[-1] != state:
                seen.append(state)
        statuses = [each["body"]["status"] for each in told(hasty)]
        # The notification may come between two looks at the states.
        return "resolved" in statuses and seen[-1] == "inactive"

    with simtraffic_run("scenarios/provider_outage.yaml", *words, stderr=log) as run:
        assert comes_true(is_over, PATIENCE_S, every_s=0.2), seen
        assert run.wait(60) == 0, log.read_text()
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
    everything = hasty.webhook.get("/notifications")
    assert "dead-man" in {each["receiver"] for each in everything}
