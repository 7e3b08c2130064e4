"""Bounds on what a run sends: refused when more is expected, never exceeded on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from simtraffic.collector import Collector
from simtraffic.errors import UsageError
from simtraffic.runner import RunOptions, plan, run
from simtraffic.scenario import parse_scenario
from tests.asking import Calls, run_with
from tests.told import RICH

START = "2026-01-01T00:00:00Z"
# Poisson arrivals differ from what is expected, so that a cap just above that may be reached.
RANDOM = RICH.replace("load:", "load:\n  arrivals: poisson")


def test_a_run_that_is_expected_to_come_to_more_is_refused_before_the_first_byte() -> None:
    scenario = parse_scenario(RICH)
    with Collector() as collector:
        for bound, option in (
            ({"max_spans": 100}, "--max-spans"),
            ({"max_bytes": 10_000}, "--max-bytes"),
        ):
            with pytest.raises(UsageError, match=rf"{option}: .*found [\d,]+ against .*--scale"):
                run_with(scenario, endpoint=collector.grpc_endpoint, **bound)
        assert collector.counts().requests == 0


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.real)])
@pytest.mark.parametrize("bound", ["max_spans", "max_bytes"])
def test_a_cap_that_is_reached_ends_the_run_and_is_never_exceeded(
    bound: str, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = parse_scenario(RICH)
    expected = plan(scenario)
    whole = {
        "max_spans": expected.signals["traces"].generated,
        "max_bytes": sum(signal.bytes for signal in expected.signals.values()),
    }
    # What is expected is held to be less, so that the bound on the wire is what is tried.
    monkeypatch.setattr("simtraffic.runner.cap.Cap.check", lambda *_: None)
    most = int(whole[bound] // 3)
    with Collector(keep=True) as collector:
        result = run_with(
            scenario,
            endpoint=collector.grpc_endpoint,
            speed="max" if workers == 1 else 10,
            workers=workers,
            **{bound: most},
        )
        arrived = collector.counts()

    assert result.exit_code == 4
    assert any(f"--{bound.replace('_', '-')}" in reason for reason in result.reasons)
    if bound == "max_spans":
        assert arrived.spans <= most
    else:
        assert arrived.bytes <= most
        assert sum(each.bytes for each in result.signals.values()) <= most
    for each in result.signals.values():
        assert each.generated == each.accepted + each.rejected + each.failed + each.dropped
    assert sum(each.dropped for each in result.signals.values()) > 0


@pytest.mark.long
def test_a_cap_that_is_not_reached_changes_nothing(tmp_path: Any) -> None:
    scenario = parse_scenario(RICH)
    paths = [tmp_path / "free", tmp_path / "capped"]

    run(scenario, RunOptions(start=START), out=str(paths[0]))
    result = run(
        scenario, RunOptions(start=START, max_bytes=10**9, max_spans=10**6), out=str(paths[1])
    )

    assert result.exit_code == 0
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_consent_is_asked_for_other_machines_alone() -> None:
    asked: list[Sequence[str]] = []

    def refuse(hosts: Sequence[str], _expected: object) -> None:
        asked.append(hosts)
        raise InterruptedError

    scenario = parse_scenario(RICH)
    with pytest.raises(InterruptedError):
        run(scenario, endpoint="http://192.0.2.1:4317", watchers=[Calls(consent=refuse)])
    with Collector() as collector:
        run(
            scenario,
            RunOptions(speed="max"),
            endpoint=collector.grpc_endpoint,
            watchers=[Calls(consent=refuse)],
        )

    assert asked == [["192.0.2.1"]]
