"""When alerts fire in their scenarios, written into their runbooks.

``python -m tools.rules.rehearsals`` sends every scenario of scenarios/alerts into a Prometheus as a
past, asks when its alert would have fired and been resolved, and writes that into the runbook; it
takes a minute and needs the program (`make tools`). ``--check`` compares.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from simtraffic.clock import unix_ns
from simtraffic.errors import SimtrafficError
from simtraffic.scenario import load_scenario
from tools.rules.alerts import alerts
from tools.rules.runbooks import FOLDER
from tools.stack.past import STEP_S, past

if TYPE_CHECKING:
    from simtraffic.scenario import Scenario
    from tools.stack.past import Firing, Past

SCENARIOS = FOLDER.parents[1] / "scenarios/alerts"
LONGEST_S = 110 * 60
"""How far into the past's future alerts are asked for; the longest scenario takes 85 minutes."""
SECOND = 1_000_000_000
_BEGIN, _END = "<!-- generated: rehearsal -->\n", "<!-- end -->\n"


def names() -> list[str]:
    """Alerts on a service, each of which has a scenario."""
    return list(dict.fromkeys(each.name for each in alerts() if each.name.startswith("LLM")))


def stem(alert: str) -> str:
    """Its scenario's file: the alert's name in lower case, words joined by underscores."""
    return "_".join(re.findall(r"[A-Z]+(?=[A-Z][a-z])|P\d\d|[A-Z][a-z]+", alert)).lower()


def service(alert: str) -> str:
    """Under which name its scenario is sent."""
    return stem(alert).replace("_", "-")


def send(store: Past) -> None:
    """Every alert's scenario, under a service of its own."""
    for alert in names():
        store.send(load_scenario(SCENARIOS / f"{stem(alert)}.yaml"), service(alert))


def trouble(scenario: Scenario) -> tuple[float, float | None]:
    """When what makes the alert fire begins and ends, in seconds; None where it does not end."""
    if scenario.incidents:
        windows = [(one.at_ns, one.at_ns + one.duration_ns) for one in scenario.incidents]
        low, high = min(low for low, _ in windows), max(high for _, high in windows)
        return low / SECOND, high / SECOND
    begins, ends, rates = 0.0, {}, {}
    for stage in scenario.load.stages:
        ends[stage.name] = (begins, begins + stage.duration_ns / SECOND)
        rates[stage.name] = stage.rate
        begins += stage.duration_ns / SECOND
    if "trouble" not in ends:
        return begins, None
    if rates["trouble"] == rates["before"]:
        return 0.0, begins
    return ends["trouble"]


def rehearsal(alert: str, firings: Sequence[Firing]) -> str:
    """What its runbook says: command, what happens, when it fires and is resolved."""
    scenario = load_scenario(SCENARIOS / f"{stem(alert)}.yaml")
    begins, ends = trouble(scenario)
    lines = [
        "```text",
        f"make stack-demo SCENARIO=scenarios/alerts/{stem(alert)}.yaml",
        "```",
        "",
        scenario.description,
        f"Trouble lasts from {_clock(begins)} to {'the end' if ends is None else _clock(ends)}"
        f" (minutes and seconds); rules are evaluated every {STEP_S} s:",
        "",
        "| severity | fires | resolved |",
        "| --- | --- | --- |",
    ]
    for severity in dict.fromkeys(f.severity for f in firings if f.alert == alert):
        mine = [f for f in firings if (f.alert, f.severity) == (alert, severity)]
        first = min(mine, key=lambda f: f.since)
        lines.append(
            f"| {severity} | {_clock(first.since)}, {_clock(first.since - begins)} after it began"
            f" | {_resolved(first.until, ends)} |"
        )
    return "\n".join(lines) + "\n"


def _resolved(until: float | None, ends: float | None) -> str:
    if until is None:
        return f"still fires at {_clock(LONGEST_S)}"
    if ends is None or until < ends:
        return _clock(until)
    return f"{_clock(until)}, {_clock(until - ends)} after it ended"


def _clock(seconds: float) -> str:
    """Minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


def in_step(firings: Mapping[str, Sequence[Firing]]) -> dict[Path, str]:
    """Every runbook of an alert on a service as it should be, by firings of each service."""
    made = {}
    for alert in names():
        path = FOLDER / f"{alert}.md"
        said = rehearsal(alert, firings[service(alert)])
        text = path.read_text(encoding="utf-8")
        before, begin, rest = text.partition(_BEGIN)
        _, end, after = rest.partition(_END)
        made[path] = f"{before}{begin}{said}{end}{after}"
    return made


def by_service(found: Sequence[Firing]) -> dict[str, list[Firing]]:
    """Firings by the service that they are about."""
    made: dict[str, list[Firing]] = {}
    for firing in found:
        made.setdefault(firing.labels["service_name"], []).append(firing)
    return made


def long_ago() -> datetime:
    """Four hours ago, at an evaluation."""
    now = unix_ns() // SECOND // STEP_S * STEP_S
    return datetime.fromtimestamp(now, UTC) - timedelta(hours=4)


def _rehearsed() -> dict[str, list[Firing]]:
    with TemporaryDirectory() as folder, past(Path(folder), long_ago()) as store:
        send(store)
        store.record(LONGEST_S)
        return by_service(store.firings(LONGEST_S))


def _differing(wanted: Mapping[Path, str]) -> Iterator[tuple[Path, str]]:
    for path, text in wanted.items():
        if path.read_text(encoding="utf-8") != text:
            yield path, text


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or compare; 1 when a runbook differs."""
    parser = argparse.ArgumentParser(prog="python -m tools.rules.rehearsals", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    check = parser.parse_args(arguments).check
    try:
        differing = list(_differing(in_step(_rehearsed())))
    except SimtrafficError as error:
        sys.stderr.write(f"{error}\n")
        return int(error.exit_code)
    for path, text in differing:
        sys.stdout.write(f"{path.name}\n")
        if not check:
            path.write_text(text, encoding="utf-8")
    return 1 if check and differing else 0


if __name__ == "__main__":
    sys.exit(main())
