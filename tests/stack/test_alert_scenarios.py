"""Every alert on a service is rehearsed: its scenario makes it fire, and calm traffic none.

All runs are sent at once into a throw-away Prometheus and begin at the same time in the past.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from simtraffic.clock import unix_ns
from simtraffic.scenario import load_scenario
from tools.rules.alerts import alerts
from tools.stack.past import STEP_S, Past, past

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from simtraffic.scenario import Scenario
    from tools.stack.past import Firing

SCENARIOS = Path(__file__).parents[2] / "scenarios"
MINUTE = 60
LONGEST_S = 110 * MINUTE
OPENAI = {"provider": "openai"}
GPT = {"provider": "openai", "model": "gpt-4o-mini"}
HAIKU = {"provider": "anthropic", "model": "claude-haiku-4.5"}


@dataclass(frozen=True)
class Rehearsal:
    """An alert, how it should fire and between which minutes it should begin to."""

    alert: str
    after: float
    by: float
    labels: Mapping[str, str] = field(default_factory=dict)
    severity: str = ""
    others: bool = False
    """Whether it may fire with other labels as well."""

    @property
    def stem(self) -> str:
        """Name of its scenario's file: the alert's in lower case, words joined by underscores."""
        words = re.findall(r"[A-Z]+(?=[A-Z][a-z])|P\d\d|[A-Z][a-z]+", self.alert)
        return "_".join(words).lower()

    @property
    def service(self) -> str:
        return self.stem.replace("_", "-")


# Trouble begins after ten minutes and lasts twenty, or as the file says. A window of five minutes
# fills first, then `for` goes by.
REHEARSALS = [
    Rehearsal("LLMServiceAbsent", 21, 27),
    Rehearsal("LLMErrorShareHigh", 15, 20, severity="critical"),
    Rehearsal("LLMProviderErrorShareHigh", 10.25, 12, OPENAI, "warning"),
    Rehearsal("LLMProviderErrorShareHigh", 25, 30, OPENAI, "critical"),
    Rehearsal("LLMRateLimited", 15, 20, {"provider": "anthropic"}),
    Rehearsal("LLMDurationP95High", 25, 27, GPT),
    Rehearsal("LLMDurationP99High", 20, 25, GPT, others=True),
    Rehearsal("LLMFirstTokenSlow", 20, 22, HAIKU),
    Rehearsal("LLMTokensPerSecondLow", 20, 25, GPT),
    Rehearsal("LLMCostSpike", 70, 75),
    Rehearsal("LLMHourlyCostHigh", 10, 15, severity="critical"),
    Rehearsal("LLMCacheMissesHigh", 15, 17, severity="info"),
    Rehearsal("LLMQueueDeep", 15, 17),
    Rehearsal("LLMTrafficLow", 40, 46, severity="info"),
    Rehearsal("LLMMemoryHigh", 20, 26, {"instance": "llm-memory-high-1"}),
    Rehearsal("LLMAvailabilityBudgetBurn", 12, 20, severity="critical"),
    Rehearsal("LLMAvailabilityBudgetBurn", 25, 40, severity="warning"),
    Rehearsal("LLMFirstTokenBudgetBurn", 12, 20, severity="critical"),
    Rehearsal("LLMFirstTokenBudgetBurn", 25, 40, severity="warning"),
]
# What these show is there from the start, not only from the tenth minute on.
FROM_THE_START = {"llm_hourly_cost_high", "llm_cache_misses_high"}
CALM = {"calm": 45 * MINUTE, "steady": 45 * MINUTE}
"""How long each is played, and none may fire."""
ALONE = [("llm_rate_limited", "LLMRateLimited"), ("llm_first_token_slow", "LLMFirstTokenSlow"),
         ("llm_tokens_per_second_low", "LLMTokensPerSecondLow"),
         ("llm_duration_p95_high", "LLMDurationP95High"),
         ("llm_first_token_budget_burn", "LLMFirstTokenBudgetBurn")]  # fmt: skip


def scenario(stem: str) -> Scenario:
    folder = SCENARIOS if (SCENARIOS / f"{stem}.yaml").exists() else SCENARIOS / "alerts"
    return load_scenario(folder / f"{stem}.yaml")


def with_conventions(stem: str, *conventions: str) -> Scenario:
    made = scenario(stem)
    telemetry = made.telemetry.model_copy(update={"conventions": conventions})
    return made.model_copy(update={"telemetry": telemetry})


@pytest.fixture(scope="module")
def firings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[Firing]]]:
    """By service, the alerts that would have fired; the demo and steady traffic are among them."""
    now = unix_ns() // 10**9 // STEP_S * STEP_S
    start = datetime.fromtimestamp(now, UTC) - timedelta(hours=4)
    with past(tmp_path_factory.mktemp("past"), start) as store:
        send(store)
        store.record(LONGEST_S)
        by_service: dict[str, list[Firing]] = {}
        for firing in store.firings(LONGEST_S):
            by_service.setdefault(firing.labels["service_name"], []).append(firing)
        yield by_service


def send(store: Past) -> None:
    for stem in ("demo", *dict.fromkeys(each.stem for each in REHEARSALS)):
        store.tell(scenario(stem), stem.replace("_", "-"))
    for stem, seconds in CALM.items():
        store.tell(scenario(stem), stem, duration_ns=seconds * 10**9)
    for stem, _ in ALONE:
        for convention in ("gen_ai", "llm"):
            store.tell(with_conventions(stem, convention), f"{stem}-{convention}")


def told(firings: list[Firing]) -> str:
    return "\n".join(
        f"{f.alert} {f.severity} {f.since / MINUTE:.2f} to {f.until / MINUTE:.2f} {f.labels}"
        for f in sorted(firings, key=lambda f: f.since)
    )


def test_every_alert_and_every_file_is_rehearsed() -> None:
    files = {path.stem for path in (SCENARIOS / "alerts").glob("*.yaml")} - set(CALM)
    known = [(each.name, each.labels["severity"]) for each in alerts() if each.name[:3] == "LLM"]
    severities = set(known)
    names = [name for name, _ in known]
    twice = {name for name in names if names.count(name) > 1}

    tried, stems = {each.alert for each in REHEARSALS}, {each.stem for each in REHEARSALS}
    here = "REHEARSALS in tests/stack/test_alert_scenarios.py"
    assert not set(names) - tried, f"{here} wants an entry for {set(names) - tried}"
    assert not tried - set(names), f"{here} has entries of no alert: {tried - set(names)}"
    assert not stems - files, f"scenarios/alerts wants a file STEM.yaml for {stems - files}"
    assert not files - stems, f"{here} wants an entry for the scenarios {files - stems}"
    pairs = {(e.alert, e.severity) for e in REHEARSALS if e.alert in twice}
    both = {pair for pair in severities if pair[0] in twice}
    assert pairs == both, f"{here} wants an entry for each severity: {pairs ^ both}"


def test_every_description_names_its_alert() -> None:
    for each in REHEARSALS:
        assert each.alert in scenario(each.stem).description


@pytest.mark.real
class TestRehearsals:
    @pytest.mark.parametrize("each", REHEARSALS, ids=lambda r: f"{r.alert}-{r.severity or 'any'}")
    def test_its_scenario_makes_it_fire(
        self, firings: dict[str, list[Firing]], each: Rehearsal
    ) -> None:
        """In time, once, with the labels of what is at fault, in the service's environment."""
        mine = [
            firing
            for firing in firings[each.service]
            if firing.alert == each.alert and firing.severity in (each.severity or firing.severity)
        ]
        wanted = {"deployment_environment_name": "demo", **each.labels}.items()
        right = [firing for firing in mine if wanted <= firing.labels.items()]

        assert right, told(firings[each.service])
        first = min(right, key=lambda firing: firing.since)
        assert each.after * MINUTE <= first.since <= each.by * MINUTE, told(right)
        assert right == mine or each.others, told(mine)

    @pytest.mark.parametrize("stem", sorted({each.stem for each in REHEARSALS} - FROM_THE_START))
    def test_nothing_fires_before_the_trouble(
        self, firings: dict[str, list[Firing]], stem: str
    ) -> None:
        early = [f for f in firings[stem.replace("_", "-")] if f.since < 10 * MINUTE]

        assert early == [], told(early)

    @pytest.mark.parametrize("stem", CALM)
    def test_nothing_fires_in_calm_traffic(
        self, firings: dict[str, list[Firing]], stem: str
    ) -> None:
        """Until the run is over, which is when the service falls silent."""
        loud = [f for f in firings[stem] if f.since <= CALM[stem]]

        assert loud == [], told(loud)
        assert [f.alert for f in firings[stem]] == ["LLMServiceAbsent"]

    @pytest.mark.parametrize(("stem", "alert"), ALONE)
    def test_either_convention_alone_makes_it_fire(
        self, firings: dict[str, list[Firing]], stem: str, alert: str
    ) -> None:
        """About when both together do, for the same provider and model."""

        def when(service: str) -> dict[tuple[str | None, ...], float]:
            keys = ("provider", "model", "severity")
            found: dict[tuple[str | None, ...], float] = {}
            for f in firings[service]:
                if f.alert == alert:
                    labels = {**f.labels, "severity": f.severity}
                    place = tuple(labels.get(key) for key in keys)
                    found[place] = min(f.since, found.get(place, f.since))
            return found

        both = when(stem.replace("_", "-"))

        for convention in ("gen_ai", "llm"):
            alone = when(f"{stem}-{convention}")
            assert set(alone) == set(both)
            # Their buckets differ, so quantiles cross a bound at different times.
            assert alone == pytest.approx(both, abs=4 * MINUTE)

    def test_the_demo_makes_at_least_two_alerts_fire_in_its_course(
        self, firings: dict[str, list[Firing]]
    ) -> None:
        """For each of its troubles one, and none in its first two minutes."""
        in_time = [f for f in firings["demo"] if f.since < 15 * MINUTE]
        seen = {(f.alert, f.labels.get("provider")) for f in in_time}

        assert seen >= {
            ("LLMProviderErrorShareHigh", "openai"),
            ("LLMRateLimited", "google"),
            ("LLMFirstTokenSlow", "anthropic"),
        }, told(in_time)
        assert min(f.since for f in in_time) > 2 * MINUTE
