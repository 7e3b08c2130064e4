"""Every alert on a service is rehearsed: its scenario makes it fire, and calm traffic none.

What the runbooks say of the times is what comes out here (`python -m tools.rules.rehearsals`).
All runs are sent at once into a throw-away Prometheus and begin at the same time in the past.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from simtraffic.cli.init import starter
from simtraffic.scenario import load_scenario, parse_scenario
from simtraffic.scenario.override import with_overrides
from tests.real.programs import tool
from tools.rules import rehearsals
from tools.rules.alerts import alerts
from tools.rules.rehearsals import LONGEST_S, by_service, in_step, long_ago
from tools.stack.past import Past, kept, past

if TYPE_CHECKING:
    from simtraffic.scenario import Scenario
    from tools.stack.past import Firing, Pending

SCENARIOS = Path(__file__).parents[2] / "scenarios"
RUNBOOKS = Path(__file__).parents[2] / "docs/runbooks"
MINUTE = 60
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
        """Name of its scenario's file."""
        return rehearsals.stem(self.alert)

    @property
    def service(self) -> str:
        return rehearsals.service(self.alert)


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
CALM = {"calm": 1.0, "steady": 0.5, "imperfect": 0.5, "starter": 1.0, "ramp": 1.0, "demo": 0.5}
"""Traffic that is calm without its incidents, as scenarios/README.md says, and the share of its
rate that is played, which decides nothing here but how long a test takes."""
CALM_S = 45 * MINUTE
"""How long each is played, and none may fire."""
TIERS = {
    "small": "openai/gpt-4o-mini",
    "mid": "anthropic/claude-sonnet-4.6",
    "large": "anthropic/claude-opus-4.5",
    "reasoning": "openai/o4-mini",
}
PROFILES = ("conversation", "agent")
"""Lengths of prompts and answers that people wait for."""
TAIL_S = 75 * MINUTE
"""Until when the demo is played once more, with an hour of quiet after its own quarter."""
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


def calm(stem: str) -> Scenario:
    """A scenario without its incidents, and with its plan told, so that its end is no alarm.

    The starter tells it anyway.
    """
    if stem == "starter":
        return parse_scenario(starter("starter")).model_copy(update={"incidents": ()})
    made = scenario(stem)
    conventions = tuple(dict.fromkeys((*made.telemetry.conventions, "simtraffic")))
    telemetry = made.telemetry.model_copy(update={"conventions": conventions})
    return made.model_copy(update={"incidents": (), "telemetry": telemetry})


def scenario_loses_points(stem: str) -> bool:
    """Whether some of its metric points are left out on purpose."""
    return stem != "starter" and bool(scenario(stem).imperfections.missing_points)


def of_tier(model: str, profile: str) -> Scenario:
    """The starter's calm traffic with another model and other lengths."""
    text = re.sub(r"models: {openai/gpt.*?}", f"models: {{{model}: 1}}", starter("tier"), count=1)
    made = parse_scenario(re.sub(r"tokens: conversation\b.*", f"tokens: {profile}", text, count=1))
    return made.model_copy(update={"incidents": ()})


@dataclass(frozen=True)
class Found:
    """What would have fired by service, and what would be pending when calm traffic ends."""

    firings: Mapping[str, list[Firing]]
    """Of each service of which there are requests, also where nothing fired."""
    pending: list[Pending]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    """The demo and calm traffic are among them."""
    tool("prometheus")
    with past(tmp_path_factory.mktemp("past"), long_ago()) as store:
        send(store)
        store.record(LONGEST_S)
        heard = store.range("group by (service_name) (llm:requests:rate1m > 0)", LONGEST_S)
        firings: dict[str, list[Firing]] = {each.labels["service_name"]: [] for each in heard}
        firings |= by_service(store.firings(LONGEST_S))
        yield Found(firings, store.pending(CALM_S))


@pytest.fixture(scope="module")
def firings(found: Found) -> Mapping[str, list[Firing]]:
    return found.firings


def send(store: Past) -> None:
    rehearsals.send(store)
    store.send(scenario("demo"), "demo")
    store.send(with_overrides(scenario("demo"), scale=0.5), "demo-tail", duration_ns=TAIL_S * 10**9)
    for stem, scale in CALM.items():
        played = with_overrides(calm(stem), scale=scale)
        store.send(played, f"{stem}-calm", duration_ns=CALM_S * 10**9)
    for tier, model in TIERS.items():
        for profile in PROFILES:
            store.send(of_tier(model, profile), f"{tier}-{profile}", duration_ns=CALM_S * 10**9)
    for stem, _ in ALONE:
        for convention in ("gen_ai", "llm"):
            store.send(with_conventions(stem, convention), f"{stem}-{convention}")


def told(firings: list[Firing]) -> str:
    return "\n".join(
        f"{f.alert} {f.severity} {f.since / MINUTE:.2f} to {(f.until or 0) / MINUTE:.2f} {f.labels}"
        for f in sorted(firings, key=lambda f: f.since)
    )


def test_every_alert_and_every_file_is_rehearsed() -> None:
    files = {path.stem for path in (SCENARIOS / "alerts").glob("*.yaml")} - {"calm"}
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


def test_every_runbook_of_a_service_has_a_place_for_times_of_its_own_scenario() -> None:
    """`python -m tools.rules.rehearsals` makes them; the test below wants them made."""
    for name in rehearsals.names():
        text = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")
        made = re.search(r"<!-- generated: rehearsal -->\n(.*)<!-- end -->\n$", text, re.DOTALL)
        assert made, f"{name}.md wants the two comments of a rehearsal under Rehearse, at its end"
        if not made[1]:
            continue
        assert f"SCENARIO=scenarios/alerts/{rehearsals.stem(name)}.yaml" in made[1]
        assert re.search(
            r"^\| \w+ \| \d+:\d\d, \d+:\d\d after it began \|", made[1], re.MULTILINE
        ), name


def test_an_alert_is_kept_firing_over_a_short_gap_only_once_it_has_fired() -> None:
    assert list(kept([(0, 60), (90, 120)], 30, 45)) == [(0, 120)]
    assert list(kept([(0, 15), (45, 120)], 30, 45)) == [(0, 15), (45, 120)]
    assert list(kept([(0, 60), (120, 180)], 30, 45)) == [(0, 60), (120, 180)]


@pytest.mark.real
class TestRehearsals:
    @pytest.mark.parametrize("each", REHEARSALS, ids=lambda r: f"{r.alert}-{r.severity or 'any'}")
    def test_its_scenario_makes_it_fire(
        self, firings: Mapping[str, list[Firing]], each: Rehearsal
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
        self, firings: Mapping[str, list[Firing]], stem: str
    ) -> None:
        early = [f for f in firings[stem.replace("_", "-")] if f.since < 10 * MINUTE]

        assert early == [], told(early)

    @pytest.mark.parametrize("stem", CALM)
    def test_nothing_fires_in_calm_traffic_nor_when_it_ends(self, found: Found, stem: str) -> None:
        """And nothing is pending when it ends. Its plan is told, so nobody misses the service;
        where points go missing on purpose, the plan's last word does too.
        """
        service = f"{stem}-calm"
        held = [each for each in found.pending if each.labels["service_name"] == service]

        loud = list(found.firings[service])
        if scenario_loses_points(stem):
            loud = [f for f in loud if (f.alert, f.since > CALM_S) != ("LLMServiceAbsent", True)]

        assert loud == [], told(loud)
        assert held == []

    @pytest.mark.parametrize("tier", TIERS)
    @pytest.mark.parametrize("profile", PROFILES)
    def test_nothing_fires_because_a_model_is_slow_by_nature(
        self, firings: Mapping[str, list[Firing]], tier: str, profile: str
    ) -> None:
        """What it costs is noticed: more than a hundred dollars an hour for a large model."""
        found = [f for f in firings[f"{tier}-{profile}"] if f.alert != "LLMHourlyCostHigh"]

        assert found == [], told(found)

    def test_the_quiet_tail_of_the_demo_is_quiet_but_for_what_was_spent(
        self, firings: Mapping[str, list[Firing]]
    ) -> None:
        """Nothing begins ten minutes after its last incident. What goes on are tickets of hours:
        the budget of three days that the incidents spent stays spent."""
        late = [f for f in firings["demo-tail"] if f.since > 24 * MINUTE]
        open_still = {(f.alert, f.severity) for f in firings["demo-tail"] if f.until is None}
        long = [f for f in firings["demo-tail"] if f.until is None or f.until > 24 * MINUTE]

        assert late == [], told(late)
        assert open_still <= {("LLMAvailabilityBudgetBurn", "warning")}
        assert {f.alert for f in long} <= {"LLMAvailabilityBudgetBurn", "LLMFirstTokenBudgetBurn"}

    def test_the_demo_ends_without_an_alarm_of_absence(
        self, firings: Mapping[str, list[Firing]]
    ) -> None:
        assert "LLMServiceAbsent" not in {f.alert for f in firings["demo"]}

    def test_runbooks_say_when_their_alerts_fire_and_are_resolved(
        self, firings: Mapping[str, list[Firing]]
    ) -> None:
        wrong = [path.name for path, text in in_step(firings).items() if path.read_text() != text]

        assert wrong == [], "write them: python -m tools.rules.rehearsals"

    @pytest.mark.parametrize(("stem", "alert"), ALONE)
    def test_either_convention_alone_makes_it_fire(
        self, firings: Mapping[str, list[Firing]], stem: str, alert: str
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
        self, firings: Mapping[str, list[Firing]]
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
